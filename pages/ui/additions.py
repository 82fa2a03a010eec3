"""Images added to a run: asking for it, watching it, and what came of it."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import streamlit as st

from core.errors import AssayError, ConfigError, RunError
from core.evaluation import HarmfulCut
from core.runs import (
    AppendSpec,
    Preview,
    Run,
    find_run,
    forget_job,
    home,
    preview_addition,
    require_extendable,
)
from pages.ui import jobs, links, shell, state
from pages.ui.state import Keys
from pages.ui.thumbnails import strip
from pages.ui.words import duration, escape, images, number, percent, source_name

# Beyond these a new valuation would rank the images noticeably otherwise.
_FAR_SHIFT, _FAR_RANKS = 0.25, 0.98


def follow(run: Run) -> None:
    """Leave for the new run, once, when an addition to `run` that this session started is done."""
    finished = jobs.finished_addition(run.id)
    if finished is not None:
        links.go("overview", finished)


def _under_way(run: Run) -> None:
    """Show additions to `run` that are under way, and those that went wrong."""
    for job in jobs.of_run(AppendSpec, run.id):
        if not job.ended:
            jobs.panel(job)
        elif job.state in ("failed", "interrupted"):
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.error(f"Images could not be added. {escape(job.error)}", icon=":material/error:")
                st.button(
                    "Dismiss",
                    key=Keys.of(Keys.OVERVIEW_ADD_FORGET, job.id),
                    type="tertiary",
                    on_click=forget_job,
                    args=(home(), job.id),
                )


def result(run: Run, cut: HarmfulCut) -> None:
    """Say what was added to the run that this one came from, and how far to trust it."""
    record = run.record
    if record.parent is None:
        return
    added, part = record.details["added"], record.parts[-1]
    first = record.train.images - part.images
    new = run.values.iloc[first:]
    harmful, before = cut.harmful[first:], cut.harmful[:first]
    st.subheader(f"What was added: {images(part.images)}", anchor=False)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.markdown(
            f"From **{escape(source_name(part.source))}**, to a run of {images(first)}. "
            f"**{images(int(harmful.sum()))}** of the new ones ({percent(harmful.mean())}) look "
            f"harmful, of those before {percent(before.mean())}."
        )
        _link_before(record.parent)
    with right:
        _agreement(added["shift"], added["rank_correlation"], record.train.images)
    st.caption("The new images that hurt most")
    worst: pd.DataFrame = new.nsmallest(12, "value")
    strip(run, worst)


def _link_before(run_id: str) -> None:
    """Link to the run that was added to, unless it is not known here or gone."""
    with suppress(RunError):
        find_run(home(), run_id)
        links.link("overview", "Open the run before", run=run_id, icon=":material/history:")


def _agreement(shift: float, ranks: float, count: int) -> None:
    sentence = (
        "The new images were valued in one pass; the old ones keep their potentials. Valuing all "
        f"{count:,} anew would move calibrated gradients by about {percent(shift)} of their "
        "spread, and the order of the new images would agree with this one by a rank correlation "
        f"of about {number(ranks)} (1 is the same order)."
    )
    if shift <= _FAR_SHIFT and ranks >= _FAR_RANKS:
        st.markdown(sentence)
        return
    st.warning(
        f"{sentence} That is far: the new images are spread over the classes otherwise than the "
        "validation set. Value all images together before you decide by rank.",
        icon=":material/warning:",
    )


def ask(run: Run) -> None:
    """Ask for images to be added to `run`."""
    st.subheader("Add images", anchor=False)
    try:
        require_extendable(run)
    except AssayError as error:
        st.caption(escape(str(error)))
        return
    _under_way(run)
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        source = left.text_input(
            "New training images",
            key=Keys.OVERVIEW_ADD_SOURCE,
            placeholder="/data/week2",
            help="A folder, file or manifest as on the first page, with the same classes. A folder "
            "that has grown may be given whole: what the run holds already is left out.",
        ).strip()
        checked = right.button(
            "Check the images",
            key=Keys.OVERVIEW_ADD_CHECK,
            icon=":material/fact_check:",
            width="stretch",
        )
        if checked:
            _check(run, source)
        kept = st.session_state.get(state.ADDITION)
        if kept is None or kept[:2] != (run.id, source):
            st.caption(
                "More images have come in? They are valued against this run in one pass, without "
                "solving anew, and a new run holds the old and the new ones. This run stays as it "
                "is; decisions made on it hold in the new one."
            )
            return
        _start(run, source, kept[2])


def _check(run: Run, source: str) -> None:
    st.session_state.pop(state.ADDITION, None)
    try:
        if not source:
            raise ConfigError("Name the new images: a folder, a file or a manifest.")
        with st.spinner("Looking at the images"):
            preview = preview_addition(run, source)
    except AssayError as error:
        shell.show_error(error)
        return
    st.session_state[state.ADDITION] = (run.id, source, preview)


def _start(run: Run, source: str, preview: Preview) -> None:
    count = preview.images - preview.known
    classes = len(preview.class_counts)
    of = "1 class" if classes == 1 else f"{classes:,} classes"
    known = f" {preview.known:,} are in the run already and left out." if preview.known else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Add {images(count)}",
            key=Keys.OVERVIEW_ADD_START,
            type="primary",
            icon=":material/add_photo_alternate:",
            on_click=_begin,
            args=(AppendSpec(run=run.id, data=source),),
        )
        st.caption(
            f"New: {images(count)} of {of}.{known} About {duration(preview.seconds)}, in a process "
            "of its own that can be cancelled."
        )


def _begin(spec: AppendSpec) -> None:
    """Start the job and empty the field: the page of the new run has it, too."""
    jobs.start(spec)
    st.session_state.pop(state.ADDITION, None)
    st.session_state[Keys.OVERVIEW_ADD_SOURCE] = ""
