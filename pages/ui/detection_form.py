"""What an experiment is asked: faults or truth, methods, seeds; and what it will take."""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import getdoc
from typing import Any

import streamlit as st

from core.corruption import FAULTS, PlantedFault
from core.errors import AssayError, ConfigError
from core.evaluation import LEARNERS, read_truth
from core.lab import (
    SAMPLE_TRUTH,
    ExperimentSpec,
    contender_title,
    estimate_experiment,
    unavailable,
    usual_methods,
)
from core.paths import absolute_path
from core.runs import Run
from core.valuation import METHODS
from pages.ui import jobs, shell
from pages.ui.detection_known import is_sample
from pages.ui.state import Keys
from pages.ui.words import duration, escape, images, memory, source_name

_PLANT, _SAMPLE, _TRUTH = "Plant faults", "Planted in the sample", "A truth file"
_FIRST_FAULT = "noisy-labels"
_MOST_SEEDS_OFFERED = 10
_NOT_TRAINED = ("precomputed", "pixels")


class _UnansweredError(ConfigError):
    """Something that has to be chosen is not chosen yet: no mistake, but nothing can start."""


def ask(run: Run, busy: bool) -> None:
    """Ask what is to be compared and start it."""
    with st.container(border=True):
        st.subheader("Which methods find which faults?", anchor=False)
        st.caption(
            "Faults with known truth are planted in a copy of the training set, and each method "
            "ranks it without being told. Your files are only read."
        )
        _say_if_added_to(run)
        missing = ""
        try:
            spec = _asked(run)
        except _UnansweredError as error:
            missing, spec = str(error), None
        except AssayError as error:
            shell.show_error(error)
            spec = None
        _start(spec, run, busy, missing)


def _say_if_added_to(run: Run) -> None:
    """Say which images take part, where the run is of several sets."""
    first, *added = run.record.training_parts
    if added:
        st.caption(
            "Of this run's training sets only the first takes part, "
            f"{escape(source_name(first.source))} ({images(first.images)}): the images that were "
            "added later are left out."
        )


def _asked(run: Run) -> ExperimentSpec:
    """Draw the questions and return what was answered; raises `AssayError`.

    All are drawn whatever is missing: Streamlit forgets the answer to one that is not there. So the
    faults, of which one may not be possible, come last.
    """
    record, data = run.record, run.record.training_parts[0]
    left, right = st.columns([1, 1], gap="medium")
    with right:
        n, repeats = _scale(run)
        methods = _methods(n)
    removal = _removal(data.has_pictures)
    with left:
        faults, truth = _faults(run)
    if not methods:
        raise _UnansweredError("Choose at least one method.")
    return ExperimentSpec(
        train=data.source,
        validation=record.validation.source,
        # Embeddings that the sets bring cannot show what is planted in pictures: others are made.
        embedder="auto" if record.embedder == "precomputed" else record.embedder,
        faults=faults,
        truth=truth,
        methods=methods,
        **repeats,
        **removal,
    )


def _faults(run: Run) -> tuple[tuple[PlantedFault, ...], str | None]:
    """Ask what is to be found: faults to plant, or the truth about the set as it is."""
    choices = [_PLANT, *([_SAMPLE] if is_sample(run) else []), _TRUTH]
    source = st.segmented_control(
        "What is to be found",
        choices,
        default=_PLANT,
        required=True,
        key=Keys.DETECTION_SOURCE,
    )
    if source == _SAMPLE:
        st.caption("6 % wrong labels, 2 % noisy images and 2 % backdoors, planted on purpose.")
        return (), SAMPLE_TRUTH
    if source == _TRUTH:
        path = st.text_input(
            "Truth file",
            key=Keys.DETECTION_TRUTH_FILE,
            placeholder="/data/truth.csv",
            help="CSV, Parquet or JSON with one row a faulty image: the column id, and optionally "
            "fault, its kind.",
        ).strip()
        if not path:
            raise _UnansweredError("Name the truth file.")
        read_truth(absolute_path(path))  # what is wrong with it is said before any work
        return (), path
    pictures = run.record.train.has_pictures
    if is_sample(run):
        st.caption(
            "The faults that the sample brings are left out, so that they don't count as sound."
        )
    chosen = st.pills(
        "Faults",
        [name for name, fault in FAULTS.items() if pictures or not fault.needs_pictures],
        selection_mode="multi",
        wrap=True,
        default=[_FIRST_FAULT],
        format_func=lambda name: FAULTS[name].title,
        key=Keys.DETECTION_FAULTS,
        help="Several are planted in different images of the same copy, and found by one ranking.",
    )
    if not chosen:
        raise _UnansweredError("Choose at least one fault.")
    asked = [(name, *_fault(name)) for name in chosen]  # all, before one of them is refused
    return tuple(PlantedFault(*one) for one in asked), None


def _fault(name: str) -> tuple[float, dict[str, Any]]:
    """Ask what share of the images gets the fault `name`, and how; return share and options."""
    fault = FAULTS[name]
    with st.container(border=True, gap="small"):
        left, right = st.columns([1.9, 1], vertical_alignment="center")
        with left:
            st.markdown(f"**{fault.title}**")
            st.caption(fault.summary)
        share = right.number_input(
            "Share, %",
            min_value=0.01,
            max_value=100.0,
            value=100 * fault.default_fraction,
            format="%.4g",
            key=Keys.of(Keys.DETECTION_FRACTION, name),
            help=f"Of {fault.share_of}.",
        )
        config = fault.load_config()
        if not fields(config):
            return share / 100, {}
        with st.expander("Options", key=Keys.of(Keys.DETECTION_OPTIONS, name)):
            return share / 100, _options(name, config)


def _options(name: str, config: type) -> dict[str, Any]:
    """Ask for the settings of a fault; what is left as it is, is left out."""
    words = described_attributes(config)
    given = {}
    for item in fields(config):
        key = Keys.of(Keys.DETECTION_OPTION, f"{name}__{item.name}")
        label, meaning = item.name.replace("_", " ").capitalize(), words.get(item.name)
        default = item.default
        if isinstance(default, bool):
            value: Any = st.checkbox(label, default, key=key, help=meaning)
        elif isinstance(default, int):
            value = st.number_input(label, value=default, key=key, help=meaning)
        elif isinstance(default, float):
            value = st.number_input(label, value=default, format="%.4g", key=key, help=meaning)
        else:
            value = st.text_input(label, str(default or ""), key=key, help=meaning).strip() or None
        if value != default:
            given[item.name] = value
    return given


def described_attributes(config: type) -> dict[str, str]:
    """Return what a class's docstring says of each attribute, as one sentence or more."""
    _, _, section = (getdoc(config) or "").partition("Attributes\n----------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.split("\n\n")[0].splitlines():
        start = re.match(r"([a-z_]\w*(?:, \w+)*) : (.*)", line)
        if start:
            names = start[1].split(", ")
            found |= dict.fromkeys(names, start[2])
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: text[:1].upper() + text[1:] for name, text in found.items()}


def _scale(run: Run) -> tuple[int, dict[str, Any]]:
    """Ask on how many images and how often; return that number beside the settings."""
    n = run.record.training_parts[0].images
    left, right = st.columns(2)
    limit = left.number_input(
        "Training images",
        min_value=2,
        max_value=n,
        value=None,
        placeholder=f"All {n:,}",
        key=Keys.DETECTION_IMAGES,
        help="Fewer are quicker, and let methods take part that train many times.",
    )
    seeds = right.number_input(
        "Seeds",
        min_value=1,
        max_value=_MOST_SEEDS_OFFERED,
        value=3,
        key=Keys.DETECTION_SEEDS,
        help="How often all is repeated, with faults in other images: shows how far results vary.",
    )
    repeats: dict[str, Any] = {"seeds": tuple(range(int(seeds)))}
    if run.record.embedder not in _NOT_TRAINED and seeds > 1:
        repeats["retrain"] = st.toggle(
            "Train the embedder anew for each seed",
            key=Keys.DETECTION_RETRAIN,
            help="Slower, and shows how far results vary with the embedder too.",
        )
    if limit is not None and limit < n:
        repeats["images"] = int(limit)
    return repeats.get("images", n), repeats


def _methods(n: int) -> tuple[str, ...]:
    """Ask which methods take part on n images, family by family; none may be chosen."""
    names = [name for method in METHODS for name in _variants(method)]
    missing = {name: why for name in names if (why := unavailable(name, n))}
    usual = usual_methods()
    chosen: list[str] = []
    for family in dict.fromkeys(_family(name) for name in names):
        offered = [name for name in names if _family(name) == family and name not in missing]
        if not offered:
            continue
        chosen += st.pills(
            f"Methods: {family}",
            offered,
            selection_mode="multi",
            wrap=True,
            default=[name for name in offered if name in usual],
            format_func=contender_title,
            key=Keys.of(Keys.DETECTION_METHODS, family.replace(" ", "_")),
        )
    if missing:
        label = "1 method" if len(missing) == 1 else f"{len(missing)} methods"
        with st.expander(f"{label} cannot take part", key=Keys.DETECTION_MORE):
            for name, why in missing.items():
                st.markdown(f"**{contender_title(name)}**: {escape(why)}.")
    return tuple(name for name in names if name in chosen)


def _variants(method: str) -> list[str]:
    published = [f"{method}:published"] if METHODS[method].calibrates else []
    return [method, *published]


def _family(name: str) -> str:
    return METHODS[name.partition(":")[0]].family


def _removal(pictures: bool) -> dict[str, Any]:
    """Ask whether a model is trained without the worst images, which one, and how it is tested."""
    left, beside = st.columns([1, 1], gap="medium", vertical_alignment="bottom")
    wanted = left.toggle(
        "Train a model without the worst images",
        True,
        key=Keys.DETECTION_REMOVAL,
        help="Shows what finding the faults is worth: accuracy, and success of an attack.",
    )
    if not wanted:
        return {"removal": False}
    middle, right = beside.columns(2)
    learner = middle.selectbox(
        "Model",
        [name for name, learner in LEARNERS.items() if pictures or learner.takes != "pictures"],
        format_func=lambda name: LEARNERS[name].title,
        key=Keys.DETECTION_LEARNER,
    )
    test = right.text_input(
        "Test set",
        key=Keys.DETECTION_TEST,
        placeholder="The validation set",
        help="A data source that no method sees. The validation set has been seen by the methods: "
        "accuracies on it are a little too good.",
    ).strip()
    return {"removal": True, "learner": learner, "test": test or None}


def _start(spec: ExperimentSpec | None, run: Run, busy: bool, missing: str) -> None:
    """Offer to start `spec`, or say what is missing."""
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button(
            "Start the comparison",
            key=Keys.DETECTION_START,
            type="primary",
            icon=":material/play_arrow:",
            disabled=spec is None or busy,
        )
        if asked and spec is not None:
            jobs.start(spec)
            st.rerun()
        if busy:
            st.caption("A comparison of this data set is under way.")
        elif missing:
            st.caption(missing)
        elif spec is not None:
            record = run.record
            n, m = record.training_parts[0].images, record.validation.images
            width = run.x.shape[1] if record.embedder == "precomputed" else None
            cost = estimate_experiment(spec, n, m, d=width, n_classes=len(record.class_names))
            count = len(spec.methods)
            st.caption(
                f"About {duration(cost.seconds)} and {memory(cost.bytes)} of memory, for "
                f"{'1 method' if count == 1 else f'{count} methods'} on "
                f"{images(spec.images or n)}, {_times(len(spec.seeds))}. It runs in a process of "
                "its own and can be cancelled."
            )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
