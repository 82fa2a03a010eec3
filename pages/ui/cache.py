"""Opened runs, kept between reruns and requests: the pages and the HTTP routes share them.

Streamlit's own cache would open each a second time, and the tables of a million images take
hundreds of megabytes.
"""

from __future__ import annotations

from pathlib import Path

from core.curation import Reviewable, reviewable
from core.runs import Run
from pages.ui.review_data import OpenedRun, OpenedRuns

_RUNS = OpenedRuns()


def opened(home: Path, run_id: str) -> OpenedRun:
    """Return the run `run_id` of `home` with what showing it needs, opened once for everybody.

    Raises
    ------
    RunError : there is no such run, or its folder has gone since
    """
    return _RUNS.get(home, run_id)


def opened_run(home: Path, run_id: str) -> Run:
    """Return the run `run_id` of `home`; as `opened`."""
    return opened(home, run_id).run


def ground(opened: OpenedRun) -> Reviewable:
    """Return what the statistics of a review need; for a million images made in two seconds."""
    return opened.once("reviewable", lambda: reviewable(opened.run))
