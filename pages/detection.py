"""Detection: which method finds faults that are known, and what becomes of a model then."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.errors import RunError
from core.lab import Experiment, ExperimentSpec, list_experiments, open_experiment
from core.runs import Run, home, list_jobs
from pages.ui import detection_form, detection_known, detection_result, jobs, shell, state
from pages.ui.state import Keys
from pages.ui.words import when

KNOWN, NEW = "known", "new"  # in the address, where an experiment's id stands otherwise


def _named() -> str:
    """Return what the address asks for, else what this session last looked at; "" for neither."""
    named = st.query_params.get(state.EXPERIMENT, "")
    if not named and (opened := state.run_id()) is not None:
        named = st.session_state.get(state.EXPERIMENTS_OPEN, {}).get(opened, "")
    return named


def _is_about(experiment: Experiment, run: Run) -> bool:
    """Return whether an experiment is about the run's data, as they were then or are by now."""
    record = experiment.record
    return (
        run.record.train.fingerprint in record.data_sets
        or run.record.train.source == record.train.source
    )


def _open_its_run(named: str) -> None:
    """Open the run of an experiment that is named alone, as in a link somebody was given."""
    if named in ("", KNOWN, NEW) or state.run_id() is not None:
        return
    try:
        state.set_run_id(open_experiment(home(), named).record.run)
    except RunError as error:
        shell.show_error(error)


def _view(run: Run, named: str, experiments: dict[str, Experiment]) -> str:
    """Return what to show: an experiment's id, `KNOWN` or `NEW`; address and session then agree."""
    if named not in (KNOWN, NEW, *experiments):
        if named and named == st.query_params.get(state.EXPERIMENT):
            _say_if_gone(named)
        latest = next(iter(experiments), KNOWN)
        named = KNOWN if detection_known.is_sample(run) else latest
    _choose(named, run)
    return named


def _say_if_gone(named: str) -> None:
    """Say that the experiment in the address is not there; one of other data is passed over."""
    try:
        open_experiment(home(), named)
    except RunError as error:
        shell.show_error(error)


def _choose(view: str, run: Run) -> None:
    if st.query_params.get(state.EXPERIMENT) != view:
        st.query_params[state.EXPERIMENT] = view
    st.session_state.setdefault(state.EXPERIMENTS_OPEN, {})[run.id] = view


def _follow_on() -> None:
    """Follow the comparison in the address, where a session begins with it: after a reload."""
    if state.EXPERIMENTS_OPEN not in st.session_state and state.JOB in st.query_params:
        st.session_state.setdefault(state.FOLLOWED_JOB, st.query_params[state.JOB])


def _leave_point() -> None:
    """Forget the point of the curve that was looked at: it was of another result."""
    for name in (state.METHOD, state.RANK):
        st.query_params.pop(name, None)


def _bar(run: Run, view: str, experiments: dict[str, Experiment]) -> None:
    """Offer the results there are, and a new comparison."""
    labels = _labels(experiments)
    st.session_state[Keys.DETECTION_RESULT] = view if view in labels else None

    def open_result() -> None:
        _leave_point()
        _choose(st.session_state[Keys.DETECTION_RESULT], run)

    def ask() -> None:
        _leave_point()
        _choose(NEW, run)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Result",
            list(labels),
            format_func=labels.__getitem__,
            key=Keys.DETECTION_RESULT,
            placeholder="Open an earlier comparison",
            on_change=open_result,
            width=560,
        )
        st.button(
            "Plant faults and compare methods",
            key=Keys.DETECTION_NEW,
            icon=":material/science:",
            type="secondary" if view == NEW else "primary",
            disabled=view == NEW,
            on_click=ask,
        )


def _labels(experiments: dict[str, Experiment]) -> dict[str, str]:
    """Return how each result is called; no two alike, for Streamlit knows them by that."""
    labels = {KNOWN: "This run, against known faults"}
    for key, one in experiments.items():
        count = len(one.record.methods)
        labels[key] = f"{one.record.title} · {count} methods · {when(one.record.created)}"
    often = Counter(labels.values())
    return {
        key: label if often[label] == 1 else f"{label} · {key[:6]}" for key, label in labels.items()
    }


def _work(run: Run) -> list[str]:
    """Show comparisons under way and those that failed; return the jobs that are under way."""
    sources = {part.source for part in run.record.training_parts}
    own = [
        job
        for job in list_jobs(home())
        if isinstance(job.spec, ExperimentSpec) and job.spec.train in sources
    ]
    active = [job for job in own if not job.ended]
    for job in active:
        jobs.panel(job)
    for job in own:
        if job.ended and job.state != "done":
            jobs.unfinished(
                job,
                retry=Keys.of(Keys.DETECTION_RETRY, job.id),
                forget=Keys.of(Keys.DETECTION_FORGET, job.id),
            )
    return [job.id for job in active]


named = _named()
_follow_on()
_open_its_run(named)
run = shell.require_run("Detection")
with st.spinner("Looking for earlier comparisons"):
    made = {one.id: one for one in list_experiments(home()) if _is_about(one, run)}
finished = jobs.finished_experiment()
if finished in made:
    _leave_point()
    st.query_params.pop(state.JOB, None)
    _choose(named := finished, run)
view = _view(run, named, made)
_bar(run, view, made)
working = _work(run)
if view in made:
    detection_result.show(made[view])
elif view == NEW and working:
    st.session_state.setdefault(state.FOLLOWED_JOB, working[0])  # another tab may have started it
    st.caption("The result is shown here when it is done; the other pages can be used meanwhile.")
elif view == NEW or not detection_known.show(run):
    detection_form.ask(run, bool(working))
