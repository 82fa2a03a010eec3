"""Opened runs and projections, kept between reruns and requests: pages and HTTP routes share them.

Streamlit's own cache would open each a second time, and the tables of a million images take
hundreds of megabytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from core.acquisition import Projection, example_projection, open_projection
from core.curation import Reviewable, reviewable
from core.errors import RunError
from core.runs import Run
from pages.ui.review_data import OpenedRun, OpenedRuns

EXAMPLE = "example"
"""In place of a projection's id: the one that is bundled."""

_RUNS = OpenedRuns()
_OPEN_PROJECTIONS = 6


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


class _Projections:
    """The projections opened last, as they are on disk; the least recently used one goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: OrderedDict[tuple[Path, str], tuple[int, Projection]] = OrderedDict()

    def get(self, home: Path, projection_id: str) -> Projection:
        key = (home, projection_id)
        with self._lock:
            made, found = self._opened.pop(key, (None, None))
            if found is None or made != _written(found):
                found = _open(home, projection_id)
                made = _written(found)
            if made is None:
                raise RunError(f"There is no projection {projection_id} here any more.")
            self._opened[key] = (made, found)
            while len(self._opened) > _OPEN_PROJECTIONS:
                self._opened.popitem(last=False)
            return found


_PROJECTIONS = _Projections()


def projection(home: Path, projection_id: str) -> Projection:
    """Return the projection of that id, or the bundled one, opened once for everybody.

    Raises
    ------
    RunError : there is no such projection, or its folder has gone since
    """
    return _PROJECTIONS.get(home, projection_id)


def _open(home: Path, projection_id: str) -> Projection:
    return (
        example_projection() if projection_id == EXAMPLE else open_projection(home, projection_id)
    )


def _written(projection: Projection) -> int | None:
    """Return when the projection was written, ns; None where it has gone."""
    try:
        return (projection.path / "projection.json").stat().st_mtime_ns
    except OSError:
        return None
