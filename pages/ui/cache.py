"""What is kept between reruns, shared by all sessions.

Keys are ids and texts only: Streamlit hashes a large array by a sample of it, so an array as an
argument may be served a stale result.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.runs import Run, find_run


@st.cache_resource(max_entries=8, show_spinner=False)
def _open(home: str, run_id: str) -> Run:
    return find_run(Path(home), run_id)


def opened_run(home: Path, run_id: str) -> Run:
    """Return the run `run_id` of `home`, opened once for everybody.

    Raises
    ------
    RunError : there is no such run, or its folder has gone since
    """
    run = _open(str(home), run_id)
    if not (run.path / "run.json").is_file():
        _open.clear(str(home), run_id)
        run = _open(str(home), run_id)
    return run
