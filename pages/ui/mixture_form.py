"""The form that asks for a projection: sources, sets, training; it checks and starts it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.acquisition import ProjectionSpec, example_folder, read_mixture, write_mixture
from core.errors import AssayError, ConfigError
from core.runs import JobStatus, home, list_jobs
from pages.ui import jobs, mixture_check, mixture_settings, mixture_sources, shell, state
from pages.ui.state import Keys
from pages.ui.words import duration


def under_way() -> JobStatus | None:
    """Return the projection that this session waits for, if it has not ended."""
    job = jobs.followed_projection()
    return job if job is not None and not job.ended else None


def outcomes() -> None:
    """List the projections that failed or were stopped; each can be tried again, or removed."""
    for job in _projections():
        if job.state in jobs.OUTCOMES:
            jobs.unfinished(
                job,
                retry=Keys.of(Keys.MIXTURE_RETRY, job.id),
                forget=Keys.of(Keys.MIXTURE_FORGET, job.id),
            )


def draw() -> None:
    """Draw the form; while the projection that it started is under way, how far that is."""
    active = [job for job in _projections() if not job.ended]
    for job in active:
        jobs.panel(job)
    if under_way() is not None:
        st.caption("The result opens here when it is done; the other pages can be used meanwhile.")
        return
    outcomes()
    with st.container(border=True):
        _heading()
        mixture_settings.set_at_first()
        mixture_sources.draw(mixture_settings.currency())
        mixture_settings.draw_sets()
        mixture_settings.draw_settings()
        _check_and_start(active)


def _projections() -> list[JobStatus]:
    return [job for job in list_jobs(home()) if isinstance(job.spec, ProjectionSpec)]


def _heading() -> None:
    """Say what is asked for, and offer to fill the form in."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Project your own sources", anchor=False, width="stretch")
        st.button(
            "Fill in the example",
            key=Keys.MIXTURE_EXAMPLE,
            icon=":material/lightbulb:",
            help="Three sources made of the bundled sample, in place of what is in the form.",
            on_click=lambda: fill(read_mixture(example_folder() / "mixture.toml")),
        )
        _file()
    st.caption(
        "Each source shows a pilot: labelled images of the kind that it offers. Models trained on "
        "small mixes of the pilots tell what a mix of any size will reach. Files are only read."
    )


def fill(spec: ProjectionSpec) -> None:
    """Put a projection's sources and settings into the form, in place of what is there."""
    mixture_sources.fill(spec.sources)
    mixture_settings.fill(spec)


def _file() -> None:
    """Offer to read the form's content from a file; what is wrong with it is said there."""
    with st.popover(
        "Read mixture.toml",
        icon=":material/file_open:",
        key=Keys.MIXTURE_READ_OPEN,
        on_change="rerun",
    ):
        st.text_input(
            "File on the server",
            key=Keys.MIXTURE_FILE,
            placeholder="/data/mixture.toml",
            help="As for `python -m core project --config`. It replaces what is in the form.",
        )
        st.button("Read", key=Keys.MIXTURE_READ, on_click=_read)
        if wrong := st.session_state.pop(state.MIXTURE_UNREAD, None):
            shell.show_error(wrong)


def _read() -> None:
    """Fill the form from the file that is named and close the question, or keep what is wrong."""
    path = st.session_state[Keys.MIXTURE_FILE].strip()
    try:
        if not path:
            raise ConfigError("Name the file to read, such as /data/mixture.toml.")
        fill(read_mixture(Path(path)))
    except AssayError as error:
        st.session_state[state.MIXTURE_UNREAD] = error
        return
    st.session_state[Keys.MIXTURE_READ_OPEN] = False


def _check_and_start(active: list[JobStatus]) -> None:
    spec, wrong = None, None
    try:
        spec = ProjectionSpec(sources=mixture_sources.offers(), **mixture_settings.given())
    except AssayError as error:
        wrong = error
    with st.container(horizontal=True, vertical_alignment="center"):
        checked = st.button("Check", key=Keys.MIXTURE_CHECK, icon=":material/fact_check:")
        st.download_button(
            "Download as mixture.toml",
            data=lambda: "" if spec is None else write_mixture(spec),
            file_name="mixture.toml",
            mime="application/toml",
            key=Keys.MIXTURE_DOWNLOAD,
            icon=":material/download:",
            disabled=spec is None,
            help="To run the same without this page: python -m core project --config mixture.toml",
            on_click="ignore",
        )
    if checked:
        mixture_check.forget()
        try:
            if wrong is not None:
                raise wrong
            if spec is not None:
                mixture_check.look(spec)
        except AssayError as error:
            shell.show_error(error)
            return
    preview = None if spec is None else mixture_check.seen(spec)
    if spec is None or preview is None:
        st.caption(
            "The check opens all sets and says what will be trained, and for how long, before "
            "anything is."
        )
        return
    mixture_check.show(spec, preview)
    _start(spec, preview.seconds, preview.usable, busy=any(job.spec == spec for job in active))


def _start(spec: ProjectionSpec, seconds: float, usable: bool, *, busy: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Project",
            key=Keys.MIXTURE_START,
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy or not usable,
        ):
            jobs.start(spec)
            st.rerun()
        if busy:
            st.caption("This projection is under way.")
        else:
            st.caption(
                f"About {duration(seconds)}. It runs in a process of its own and can be cancelled; "
                "what was trained by then is kept, and found again."
            )
