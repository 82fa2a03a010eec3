"""Start: value a data set, or open a run made before."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.datasets import HealthReport
from core.embedding import EMBEDDERS
from core.errors import AssayError, ConfigError
from core.paths import absolute_path
from core.runs import (
    SETTINGS,
    JobStatus,
    Run,
    RunRecord,
    ValueSpec,
    estimate,
    home,
    lava_instead,
    link_run,
    list_jobs,
    list_runs,
)
from core.transport import BATCH_KINDS
from core.valuation import LABEL_DISTANCE_KINDS, METHODS, Method, method_title
from pages.ui import health, jobs, links, shell, state
from pages.ui.state import Keys
from pages.ui.words import duration, images, memory, source_name, when

SAMPLE = ValueSpec(train="sample:train", validation="sample:val", embedder="convnet")
SAMPLE_IMAGES, SAMPLE_VALIDATION = 5000, 1000
AUTO_EMBEDDER = "Automatic: embeddings from the files, else the convnet"
SETTINGS_WORDS = {
    "calibrated": "Calibrated on the validation set",
    "published": "As published",
}
SETTINGS_HELP = (
    "Calibrated: faults are planted in held-out validation images, and the settings that find them "
    "best are used. As published: those of the paper's code, so that values can be compared."
)
LABEL_DISTANCE_WORDS = {
    "training": "Training to validation",
    "validation": "Within validation",
}


def _sample_run(runs: list[Run]) -> Run | None:
    """Return the newest run of the sample with the settings that a new one would have."""
    # What is left open is filled in by the run, which says what was given.
    wanted = {name: item for name, item in SAMPLE.configuration().items() if item is not None}

    def same(record: RunRecord) -> bool:
        given = record.details.get("settings", {}).get("given", [])
        alike = wanted.items() <= record.configuration.items()
        return alike and not given and record.parent is None

    return next((run for run in runs if same(run.record)), None)


def _sample(runs: list[Run], busy: bool) -> None:
    with st.container(border=True):
        st.subheader("Try the sample", anchor=False)
        st.markdown(
            f"{images(SAMPLE_IMAGES)} of Fashion-MNIST against {SAMPLE_VALIDATION:,} trusted ones. "
            "**Faults are planted in it**, and listed in a truth file, so that you can see what is "
            "found: 6 % wrong labels, 2 % noisy images, 2 % with a backdoor square."
        )
        done = _sample_run(runs)
        label = "Open the sample" if done else "Value the sample"
        if st.button(
            label,
            key=Keys.START_SAMPLE,
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy and done is None,
        ):
            if done is not None:
                links.go("overview", done.id)
            jobs.start(SAMPLE)
            st.rerun()
        seconds = estimate(SAMPLE, SAMPLE_IMAGES, SAMPLE_VALIDATION).seconds
        st.caption(
            "Valued already: opens at once." if done else f"Takes about {duration(seconds)}."
        )


def _folder() -> None:
    st.subheader("Open a run folder", anchor=False)
    with st.form(Keys.START_FOLDER_FORM, enter_to_submit=True):
        folder = st.text_input(
            "Run folder",
            key=Keys.START_FOLDER,
            placeholder="/data/runs/cifar10",
            help="A folder written by `python -m core value --out FOLDER`.",
        )
        asked = st.form_submit_button("Open", key=Keys.START_LINK, icon=":material/folder_open:")
        if asked:
            try:
                if not folder.strip():
                    raise ConfigError("Name the folder of a run.")
                run = link_run(home(), absolute_path(folder.strip()))
            except AssayError as error:
                shell.show_error(error)
                return
            links.go("overview", run.id)


def _own_data() -> None:
    with st.container(border=True):
        st.subheader("Value my data", anchor=False)
        left, right = st.columns(2)
        train = left.text_input(
            "Training set: the images to be valued",
            key=Keys.START_TRAIN,
            placeholder="/data/train",
            help="A folder of class folders, manifest.csv or .parquet (path, label), a Hugging "
            "Face Parquet file or folder of shards, a folder of its `save_to_disk`, .npz with "
            "images or embeddings, or a set that torchvision knows, by its name: "
            "`torchvision:CIFAR10:train#root=/data`, with `&download=yes` where it is to be "
            "fetched. There are CIFAR10, CIFAR100, MNIST, FashionMNIST, STL10, GTSRB and SVHN.",
        )
        validation = right.text_input(
            "Validation set: small and trusted",
            key=Keys.START_VALIDATION,
            placeholder="/data/validation",
            help="The same kinds of source. Values say how well a training image serves these.",
        )
        if st.button("Check the data", key=Keys.START_CHECK, icon=":material/fact_check:"):
            try:
                health.run_check(train, validation)
            except AssayError as error:
                shell.show_error(error)
                return
        report = health.report_of(train, validation)
        if report is None:
            st.caption(
                "The check counts images and classes and looks for unreadable files, duplicates "
                "and classes that one side lacks. Your files are only read."
            )
            return
        health.show(report)
        _value(train, validation, report)


def _settings(train: str, validation: str) -> ValueSpec:
    with st.expander(
        "Method and settings", icon=":material/tune:", key=Keys.START_METHOD_AND_SETTINGS
    ):
        left, right = st.columns(2)
        method = left.selectbox(
            "Method",
            list(METHODS),
            format_func=lambda name: f"{METHODS[name].title} · {METHODS[name].family}",
            key=Keys.START_METHOD,
            help="How the values are computed. Methods of one family follow each other.",
        )
        embedder = right.selectbox(
            "Embedder",
            ["auto", *EMBEDDERS],
            format_func=lambda name: EMBEDDERS[name].title if name in EMBEDDERS else AUTO_EMBEDDER,
            key=Keys.START_EMBEDDER,
            help="Turns pictures into the vectors that are compared.",
        )
        if embedder in EMBEDDERS:
            right.caption(EMBEDDERS[embedder].summary)
        choice = "published"
        if METHODS[method].calibrates:
            choice = left.selectbox(
                "Settings",
                list(SETTINGS),
                format_func=lambda name: SETTINGS_WORDS[name],
                key=Keys.START_SETTINGS,
                help=SETTINGS_HELP,
            )
        else:
            left.caption(_about(METHODS[method]))
        seed = right.number_input(
            "Seed",
            min_value=0,
            max_value=2**32 - 1,
            value=0,
            key=Keys.START_SEED,
            help="The same data, settings and seed give the same values.",
        )
        if METHODS[method].calibrates:
            st.caption(_about(METHODS[method]))
        batches = _batch_settings() if METHODS[method].in_batches else {}
        return ValueSpec(
            train=train,
            validation=validation,
            method=method,
            embedder=embedder,
            settings=choice,
            seed=int(seed),
            **batches,
            **(_cost_settings(choice) if METHODS[method].transports else {}),
        )


def _about(method: Method) -> str:
    """Say what a method does, what it needs and how its time grows, n and m being image counts."""
    most = "" if method.most_images is None else f" At most {images(method.most_images)}."
    return f"{method.summary} {method.needs} Time: {method.cost}{most} Source: {method.source}."


def _batch_settings() -> dict[str, Any]:
    """Ask how the sets are cut into batches."""
    left, right = st.columns(2)
    size = left.number_input(
        "Images a batch",
        min_value=2,
        max_value=100_000,
        value=None,
        placeholder="1,024, as published",
        key=Keys.START_BATCH_SIZE,
        help="Larger batches come closer to the transport between the whole sets.",
    )
    kind = right.selectbox(
        "Batches",
        list(BATCH_KINDS),
        format_func=str.capitalize,
        key=Keys.START_BATCHES,
        help="Drawn at random, or with the classes in the same shares in each.",
    )
    return {"batch_size": size, "batches": kind}


def _cost_settings(settings: str) -> dict[str, Any]:
    """Ask for the settings of the cost; what is left empty follows from `settings`."""
    empty = "Calibrated" if settings == "calibrated" else "As published"
    left, middle, right = st.columns(3)
    epsilon = left.number_input(
        "Epsilon",
        min_value=0.001,
        max_value=100.0,
        value=None,
        format="%.3f",
        placeholder=empty,
        key=Keys.START_EPSILON,
        help="Entropic regularization, in units of cost: smaller is sharper and slower.",
    )
    label_weight = middle.number_input(
        "Label weight",
        min_value=0.0,
        max_value=100.0,
        value=None,
        placeholder=empty,
        key=Keys.START_LABEL_WEIGHT,
        help="How much a label that does not fit counts beside how the image looks.",
    )
    kind = right.selectbox(
        "Label distances",
        list(LABEL_DISTANCE_KINDS),
        index=None,
        format_func=lambda name: LABEL_DISTANCE_WORDS[name],
        placeholder=empty,
        key=Keys.START_LABEL_DISTANCES,
        help="Between which images the distance of two classes is measured. Faults in the training "
        "set bias the first kind; the second needs the validation set alone.",
    )
    return {"epsilon": epsilon, "label_weight": label_weight, "label_distance_kind": kind}


def _value(train: str, validation: str, report: HealthReport) -> None:
    try:
        spec = _settings(train, validation)
        both = report.train.embedding_width, report.validation.embedding_width
        width = None if None in both else both[0]
        counts = report.train.count, report.validation.count
        METHODS[spec.method].require_usable(report.train.count)
        cost = estimate(spec, *counts, d=width)
        instead = lava_instead(spec, *counts, d=width)
    except AssayError as error:
        shell.show_error(error)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Start the valuation",
            key=Keys.START_VALUE,
            type="primary",
            icon=":material/play_arrow:",
            disabled=not report.usable,
        ):
            jobs.start(spec)
            st.rerun()
        st.caption(
            f"About {duration(cost.seconds)} and {memory(cost.bytes)} of memory, for "
            f"{images(report.train.count)} against {images(report.validation.count)}. It runs in a "
            "process of its own and can be cancelled."
        )
    if instead is not None:
        st.caption(
            f":material/info: LAVA would take less, about {duration(instead.seconds)} and "
            f"{memory(instead.bytes)}, and see every pair of images."
        )


def _state(record: RunRecord) -> str:
    if record.parent is not None:
        return "Added to"  # its plan was not solved anew: there is nothing to converge
    if record.solution is None:
        return "Done"  # nothing that could converge
    return "Converged" if record.converged else "Did not converge"


def _past_runs(runs: list[Run]) -> None:
    st.subheader("Past runs", anchor=False)
    if not runs:
        st.caption("None yet. The sample is the quickest way to the first.")
        return
    table = pd.DataFrame(
        {
            "open": [":material/arrow_forward: Open"] * len(runs),
            "train": [source_name(run.record.train.source) for run in runs],
            "images": [run.record.train.images for run in runs],
            "validation": [source_name(run.record.validation.source) for run in runs],
            "method": [
                f"{method_title(run.record.method)} on {run.record.embedder}" for run in runs
            ],
            "state": [_state(run.record) for run in runs],
            "took": [duration(run.record.seconds.get("Total", 0.0)) for run in runs],
            "made": [when(run.record.created) for run in runs],
        }
    )

    def chosen() -> None:
        st.session_state[state.RUN_TO_OPEN] = runs[st.session_state[Keys.START_OPEN]["row"]].id

    st.dataframe(
        table,
        key=Keys.START_RUNS,
        hide_index=True,
        height="content" if len(runs) <= 8 else 318,
        alt="Past runs, newest first",
        column_config={
            "open": st.column_config.ButtonColumn(
                "", type="tertiary", on_click=chosen, key=Keys.START_OPEN, width="small"
            ),
            "train": st.column_config.TextColumn("Training set"),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "validation": st.column_config.TextColumn("Validation set"),
            "method": st.column_config.TextColumn("Method"),
            "state": st.column_config.TextColumn("State"),
            "took": st.column_config.TextColumn("Took"),
            "made": st.column_config.TextColumn("Made"),
        },
    )


def _unfinished(ended: list[JobStatus]) -> None:
    if not ended:
        return
    st.subheader("Work that did not finish", anchor=False)
    for job in ended:
        jobs.unfinished(
            job,
            retry=Keys.of(Keys.START_RETRY, job.id),
            forget=Keys.of(Keys.START_FORGET, job.id),
        )


if (opened := st.session_state.pop(state.RUN_TO_OPEN, None) or jobs.followed_result()) is not None:
    links.go("overview", opened)
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.title("Start", anchor=False, width="content")
    st.caption("What is each training image worth? Find the ones that hurt, look, decide, export.")
with st.spinner("Looking for runs"):
    runs, all_jobs = list_runs(home()), list_jobs(home())
if (finished := jobs.finished_in_address()) is not None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(":material/check_circle: The valuation is done.")
        links.link("overview", "Open the result", run=finished)
active = [job for job in all_jobs if not job.ended]
for job in active:
    jobs.panel(job)
left, right = st.columns([1, 1.7], gap="medium")
with left:
    _sample(runs, busy=any(job.spec == SAMPLE for job in active))
with right:
    _own_data()
_unfinished([job for job in all_jobs if job.state in jobs.OUTCOMES])
left, right = st.columns([1, 1.7], gap="medium")
with left:
    _folder()
with right:
    _past_runs(runs)
