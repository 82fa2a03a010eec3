"""What every page has in common: its header, the run it is about, and how errors read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import AssayError, RunError
from core.runs import Run, home, list_runs
from core.valuation import method_title
from pages.ui import links, state
from pages.ui.cache import opened_run
from pages.ui.words import escape, images, source_name, when


@contextmanager
def explained() -> Iterator[None]:
    """Show an `AssayError` as the sentence it is and end the page; other errors pass."""
    try:
        yield
    except AssayError as error:
        show_error(error)
        st.stop()


def show_error(error: AssayError) -> None:
    """Show what went wrong, as text: a message may hold file names that look like Markdown."""
    st.error(escape(str(error)), icon=":material/error:")


def require_run(title: str) -> Run:
    """Draw the page's header and return the open run; without one, say what to do and stop.

    The run is the one in the address (`?run=`), else the one this session opened last.
    """
    wanted = state.run_id()
    if wanted is None:
        st.title(title, anchor=False)
        _no_run(title)
        st.stop()
    try:
        with st.spinner("Reading the run"):
            run = opened_run(home(), wanted)
            _ = run.values  # now, so that a damaged run is told of here, whatever the page
    except RunError as error:
        st.title(title, anchor=False)
        show_error(error)
        links.link("start", "Open another run, or make one")
        st.stop()
    header(title, run)
    return run


def no_plan(run: Run, so: str) -> None:
    """Say calmly that the run's method has no transport plan, and what follows: "so `so`"."""
    st.info(
        f"{escape(method_title(run.record.method))} has no transport plan, so {so}",
        icon=":material/info:",
    )


def header(title: str, run: Run) -> None:
    """Draw the title, and on the same line what the run compared."""
    record = run.record
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(
            f"{escape(training_name(run))} ({images(record.train.images)}) against "
            f"{escape(source_name(record.validation.source))} "
            f"({images(record.validation.images)}) · {method_title(record.method)} on "
            f"{escape(record.embedder)} · {when(record.created)}",
            width="content",
        )


def _no_run(title: str) -> None:
    """Offer the latest run, on the page that was asked for."""
    name = next(page.name for page in links.PAGES if page.title == title)
    runs = list_runs(home())
    with st.container(border=True, width=560):
        st.markdown("**No run is open.** A run is one valuation of a training set.")
        if runs:
            links.link(name, f"Open the latest: {escape(run_label(runs[0]))}", run=runs[0].id)
        links.link("start", "Value a data set, or open a run")


def run_label(run: Run) -> str:
    """Return a line that tells runs apart: training set and when."""
    return f"{training_name(run)} · {when(run.record.created)}"


def training_name(run: Run) -> str:
    """Return a short name of the training set: "week1", or "week1 + week2" after an addition."""
    names = [source_name(part.source) for part in run.record.training_parts]
    return " + ".join(names) if len(names) <= 2 else f"{names[0]} + {len(names) - 1} more"
