"""Work under way (a valuation, an addition): what it is doing, since when, and how to stop it."""

from __future__ import annotations

import streamlit as st

from core.acquisition import ProjectionSpec
from core.errors import RunError
from core.lab import ExperimentSpec
from core.runs import (
    AppendSpec,
    JobSpec,
    JobStatus,
    MapSpec,
    cancel_job,
    forget_job,
    home,
    job_status,
    list_jobs,
    start_job,
)
from pages.ui import state
from pages.ui.words import duration, escape, when

# Not oftener: a question that is asked while the answer to the last one, "go to the result", is on
# its way would lead back to the page that asked.
POLL_SECONDS = 1.0
# What becomes of work that is not done, in words.
OUTCOMES = {
    "failed": ":material/error: Failed",
    "interrupted": ":material/power_off: Interrupted",
    "cancelled": ":material/stop_circle: Cancelled",
}


def start(spec: JobSpec) -> None:
    """Start `spec` as a job and follow it: in this session, and in the address for a reload."""
    job_id = start_job(spec, home())
    st.session_state[state.FOLLOWED_JOB] = job_id
    st.query_params[state.JOB] = job_id


def followed_result() -> str | None:
    """Return the run of the job that this session started, once, when it is done.

    A comparison or a projection is no run: see `finished_experiment` and `finished_projection`.
    """
    job_id = st.session_state.get(state.FOLLOWED_JOB)
    job = None if job_id is None else _find(job_id)
    if job_id is None or (job is not None and not job.ended):
        return None
    if job is not None and isinstance(job.spec, ExperimentSpec | ProjectionSpec):
        return None
    del st.session_state[state.FOLLOWED_JOB]
    return job.run_id if job is not None and job.state == "done" else None


def finished_addition(run_id: str) -> str | None:
    """Return the run that came of adding images to run `run_id`, once, if this session did that."""
    job_id = st.session_state.get(state.FOLLOWED_JOB)
    job = None if job_id is None else _find(job_id)
    if job is None or not isinstance(job.spec, AppendSpec) or job.spec.run != run_id:
        return None
    return followed_result()


def finished_experiment() -> str | None:
    """Return the experiment that this session started, once, when it is done."""
    job_id = st.session_state.get(state.FOLLOWED_JOB)
    job = None if job_id is None else _find(job_id)
    if job is None or not job.ended or not isinstance(job.spec, ExperimentSpec):
        return None
    del st.session_state[state.FOLLOWED_JOB]
    found = job.result.get("experiment")
    return str(found) if job.state == "done" and found else None


def followed_projection() -> JobStatus | None:
    """Return the projection that this session started or that the address names, in any state."""
    for job_id in (st.session_state.get(state.FOLLOWED_JOB), st.query_params.get(state.JOB)):
        job = None if job_id is None else _find(job_id)
        if job is not None and isinstance(job.spec, ProjectionSpec):
            return job
    return None


def finished_projection() -> str | None:
    """Return the id of the projection that this session follows, once, when it is done.

    It follows what it started, and, after a reload, the job in the address, which is taken out of
    there when it has ended.
    """
    job = followed_projection()
    if job is None:
        return None
    if not job.ended:
        st.session_state[state.FOLLOWED_JOB] = job.id
        return None
    if st.session_state.get(state.FOLLOWED_JOB) == job.id:
        del st.session_state[state.FOLLOWED_JOB]
    if st.query_params.get(state.JOB) == job.id:
        del st.query_params[state.JOB]
    found = job.result.get("projection")
    return str(found) if job.state == "done" and found else None


def of_run(kind: type[AppendSpec | MapSpec], run_id: str) -> list[JobStatus]:
    """Return the jobs of one kind that work on run `run_id`, newest first."""
    return [
        job for job in list_jobs(home()) if isinstance(job.spec, kind) and job.spec.run == run_id
    ]


def finished_in_address() -> str | None:
    """Return the run of the job that the address names, if it is done."""
    named = st.query_params.get(state.JOB)
    job = None if named is None else _find(named)
    return job.run_id if job is not None and job.state == "done" else None


def _find(job_id: str) -> JobStatus | None:
    try:
        return job_status(home(), job_id)
    except RunError:
        return None


def unfinished(job: JobStatus, *, retry: str, forget: str) -> None:
    """Say what became of a job that has ended without a result; offer to start it again.

    `retry` and `forget` are the keys of the two buttons.
    """
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(
            f"**{OUTCOMES[job.state]}** · {escape(job.spec.what)} · "
            f"{when(job.started)} · after {duration(job.seconds)}  \n"
            f"{escape(job.error or 'Stopped on request.')}",
            width="stretch",
        )
        if st.button("Try again", key=retry, icon=":material/replay:"):
            forget_job(home(), job.id)
            start(job.spec)
            st.rerun()
        st.button(
            "Remove",
            key=forget,
            type="tertiary",
            help="Removes it from this list",
            on_click=forget_job,
            args=(home(), job.id),
        )


def panel(job: JobStatus) -> None:
    """Draw the progress of a job that has not ended; the page runs again when it has."""
    st.fragment(_panel, run_every=POLL_SECONDS)(job.id)


def _panel(job_id: str) -> None:
    job = _find(job_id)
    if job is None or job.ended:
        # Once: the page that runs now does not draw this panel, so the polling ends with it.
        st.rerun()
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(
                f"**{escape(job.spec.what)}** · {duration(job.seconds)}",
                width="stretch",
            )
            st.button(
                "Cancel",
                key=state.Keys.of(state.Keys.JOB_CANCEL, job_id),
                icon=":material/stop_circle:",
                on_click=cancel_job,
                args=(home(), job_id),
            )
        _timeline(job)
        st.caption("It goes on in a process of its own: this page may be closed or reloaded.")


def _timeline(job: JobStatus) -> None:
    """Show the stages that this session saw, the present one with its bar."""
    seen: list[str] = st.session_state.setdefault(state.Keys.of(state.JOB_STAGES, job.id), [])
    stage = job.stage or "Waiting"
    if stage not in seen:
        seen.append(stage)
    for name in seen:
        if name != stage:
            st.markdown(f":material/check_circle: :gray[{escape(name)}]")
    detail = f" · {escape(job.detail)}" if job.detail else ""
    if job.done <= 0:  # an empty bar would look as if nothing was done
        st.markdown(f":material/hourglass_top: {escape(stage)}{detail}")
        return
    st.progress(min(job.done, 1.0), text=f"{escape(stage)}{detail}")
