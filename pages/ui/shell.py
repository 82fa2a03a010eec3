"""What every page has in common: its header, the run it is about, and how errors read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import streamlit as st

from core.errors import AssayError, RunError
from core.runs import Run, home, list_runs
from pages.ui import links, state
from pages.ui.cache import opened_run


@contextmanager
def explained() -> Iterator[None]:
    """Show an `AssayError` as the sentence it is and end the page; other errors pass."""
    try:
        yield
    except AssayError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def require_run(title: str) -> Run:
    """Draw the page's title and return the open run; without one, say what to do and end the page.

    The run is the one in the address (`?run=`), else the one this session opened last.
    """
    st.title(title, anchor=False)
    wanted = state.run_id()
    if wanted is None:
        _no_run()
        st.stop()
    try:
        return opened_run(home(), wanted)
    except RunError as error:
        st.error(str(error), icon=":material/error:")
        links.link("start", "Choose another run, or make one")
        st.stop()


def _no_run() -> None:
    runs = list_runs(home())
    with st.container(border=True, width=560):
        st.markdown("**No run is open.** A run is one valuation of a training set.")
        if runs:
            links.link("overview", f"Open the latest: {run_label(runs[0])}", run=runs[0].id)
        links.link("start", "Value a data set, or open a run")


def run_label(run: Run) -> str:
    """Return a line that tells runs apart: training set, size, when, and the start of the id."""
    record = run.record
    name = record.train.source.rstrip("/").rsplit("/", 1)[-1]
    return f"{name} · {record.train.images:,} images · {when(record.created)}"


def when(created: str) -> str:
    """Return an ISO time as local day and minute, "22 Nov 04:40"."""
    return datetime.fromisoformat(created).astimezone().strftime("%d %b %H:%M").lstrip("0")
