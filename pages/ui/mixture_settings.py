"""What a projection is asked beside its sources: the sets, the training, what is shown first."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.acquisition import ProjectionSpec
from core.device import DEVICES
from core.embedding import EMBEDDERS
from core.errors import ConfigError
from core.evaluation import LEARNERS
from core.projection import DEFAULT_PREDICTOR, PREDICTORS
from pages.ui.mixture_sources import SOURCE_HELP, listed_images
from pages.ui.state import Keys

_AUTO_SUMMARY = "Embeddings from the files where all sets have them, else the small convnet."
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")
# Every setting of a spec beside the sources: the key of its field, and what that holds at first.
_FIELDS: dict[str, tuple[str, Any]] = {
    "validation": (Keys.MIXTURE_VALIDATION, ""),
    "test": (Keys.MIXTURE_TEST, ""),
    "test_ids": (Keys.MIXTURE_TEST_IDS, ""),
    "embedder": (Keys.MIXTURE_EMBEDDER, "auto"),
    "learner": (Keys.MIXTURE_LEARNER, "linear"),
    "scales": (Keys.MIXTURE_SCALES, ""),
    "points": (Keys.MIXTURE_POINTS, None),
    "repeats": (Keys.MIXTURE_REPEATS, 3),
    "table": (Keys.MIXTURE_TABLE, ""),
    "predictor": (Keys.MIXTURE_PREDICTOR, DEFAULT_PREDICTOR),
    "sizes": (Keys.MIXTURE_SIZES, ""),
    "currency": (Keys.MIXTURE_CURRENCY, "EUR"),
    "seed": (Keys.MIXTURE_SEED, 0),
    "device": (Keys.MIXTURE_DEVICE, "auto"),
}
# Fields that hold several numbers: what they are called.
_LISTS = {"scales": "Sizes to train at", "sizes": "Find the best mix for"}


def fill(spec: ProjectionSpec) -> None:
    """Put the settings of `spec` into the form, in place of what it holds; before it is drawn."""
    for name, (key, empty) in _FIELDS.items():
        value = getattr(spec, name)
        if name in _LISTS:
            value = ", ".join(map(str, value))
        st.session_state[key] = empty if value is None else value


def set_at_first() -> None:
    """Give every field its value at first; before any of them is drawn."""
    for key, value in _FIELDS.values():
        st.session_state.setdefault(key, value)


def draw_sets() -> None:
    """Ask for the trusted sets, and how images become vectors and vectors classes."""
    left, right = st.columns(2, vertical_alignment="bottom")
    left.text_input(
        "Validation set: small and trusted",
        key=Keys.MIXTURE_VALIDATION,
        placeholder="/data/validation",
        help=f"What the sources should be good for. {SOURCE_HELP}",
        persist_state="session",
    )
    with right.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Test set",
            key=Keys.MIXTURE_TEST,
            placeholder="None: half of the validation set is held out",
            help="What accuracy is measured on, the same kinds of source. Without one, half of the "
            "validation set is held out of everything else, unless a table has the accuracies.",
            persist_state="session",
        )
        listed_images(Keys.MIXTURE_TEST_IDS, "the test set")
    left, right = st.columns(2)
    embedder = left.selectbox(
        "Embedder",
        ["auto", *EMBEDDERS],
        format_func=lambda name: EMBEDDERS[name].title if name in EMBEDDERS else "Automatic",
        key=Keys.MIXTURE_EMBEDDER,
        help="Turns pictures into the vectors that are compared.",
        persist_state="session",
    )
    left.caption(_AUTO_SUMMARY if embedder == "auto" else EMBEDDERS[embedder].summary)
    learner = right.selectbox(
        "Model",
        list(LEARNERS),
        format_func=lambda name: LEARNERS[name].title,
        key=Keys.MIXTURE_LEARNER,
        help="What is trained on each mix. Accuracies are those of this model.",
        persist_state="session",
    )
    right.caption(LEARNERS[learner].summary)


def draw_settings() -> None:
    """Ask, tucked away, how is trained and what is shown first."""
    with st.expander("Training and settings", icon=":material/tune:", key=Keys.MIXTURE_SETTINGS):
        _training()
        table, predictor = st.columns(2)
        with table:
            _table()
        with predictor:
            _predictor()
        _result()


def _training() -> None:
    """Ask which mixes are trained, at which sizes and how often; the check says what is wrong."""
    scales, points, repeats, seed = st.columns(4)
    scales.text_input(
        "Sizes to train at",
        key=Keys.MIXTURE_SCALES,
        placeholder="From the smallest pilot",
        help="Numbers of images, as 120, 240, 480. Left empty: 0.2, 0.4, 0.8 and 1.5 times the "
        "smallest pilot.",
        persist_state="session",
    )
    points.number_input(
        "Mixes at each size",
        key=Keys.MIXTURE_POINTS,
        value=None,
        step=1,
        placeholder="Automatic",
        help="Left empty: 9, 15 or 20 for two, three or four sources, five a source for more.",
        persist_state="session",
    )
    repeats.number_input(
        "Repeats",
        key=Keys.MIXTURE_REPEATS,
        value=None,
        step=1,
        placeholder=str(_FIELDS["repeats"][1]),
        help="Models trained for each mix and size, on other images of the pilots each time.",
        persist_state="session",
    )
    seed.number_input(
        "Seed",
        key=Keys.MIXTURE_SEED,
        value=None,
        step=1,
        placeholder=str(_FIELDS["seed"][1]),
        help="The same data, settings and seed give the same projection.",
        persist_state="session",
    )


def _table() -> None:
    """Ask for accuracies that need no training."""
    st.text_input(
        "Table of your own accuracies",
        key=Keys.MIXTURE_TABLE,
        placeholder="None: models are trained here",
        help="CSV or Parquet: a column for each source, named after it, with the images taken of "
        "it, or its share and a column n; and accuracy, 0 to 1. Then nothing is trained; leave "
        "sizes and mixes empty.",
        persist_state="session",
    )


def _predictor() -> None:
    """Ask whose projections are shown first, and say what that assumes."""
    predictor = st.selectbox(
        "Predictor shown first",
        list(PREDICTORS),
        format_func=lambda name: f"{PREDICTORS[name].title} · {PREDICTORS[name].source}",
        key=Keys.MIXTURE_PREDICTOR,
        help="All predictors are fitted, and can be looked at afterwards.",
        persist_state="session",
    )
    st.caption(PREDICTORS[predictor].summary)


def _result() -> None:
    """Ask for which sizes the best mix is found, what money is called, and where is computed."""
    sizes, currency, device, _ = st.columns(4)
    sizes.text_input(
        "Find the best mix for",
        key=Keys.MIXTURE_SIZES,
        placeholder="Automatic",
        help="Numbers of images, as 1000, 5000, 20000. Others can be asked for afterwards.",
        persist_state="session",
    )
    currency.text_input(
        "Currency of the prices", key=Keys.MIXTURE_CURRENCY, persist_state="session"
    )
    device.selectbox(
        "Device",
        DEVICES,
        format_func=lambda name: "Automatic" if name == "auto" else name,
        key=Keys.MIXTURE_DEVICE,
        persist_state="session",
    )


def currency() -> str:
    """Return the currency of the prices, as far as it is known."""
    return str(st.session_state[Keys.MIXTURE_CURRENCY]).strip() or "any currency"


def given() -> dict[str, Any]:
    """Return the settings that are given, by the names that they have in a spec.

    Raises
    ------
    ConfigError : the validation set is missing, or sizes are no numbers
    """
    found: dict[str, Any] = {}
    for name, (key, _) in _FIELDS.items():
        value = st.session_state[key]
        value = value.strip() if isinstance(value, str) else value
        if name in _LISTS:
            found[name] = _numbers(value, _LISTS[name])
        elif value not in ("", None) or name in ("validation", "currency"):
            found[name] = value
    if not found["validation"]:
        raise ConfigError("Name the validation set: a folder or file of images that you trust.")
    return found


def _numbers(text: str, what: str) -> tuple[int, ...]:
    """Return the whole numbers of a text such as "120, 240 480"."""
    found: list[int] = []
    for word in re.split(r"[\s;]+|,\s+", text):
        if _THOUSANDS.fullmatch(word):
            raise ConfigError(
                f"{what}: {word} may be one number or several. Write numbers without "
                "a thousands separator, and a space after each comma."
            )
        for part in filter(None, word.split(",")):
            if not re.fullmatch(r"[0-9]{1,12}", part):
                raise ConfigError(
                    f"{what}: expected numbers of images, as 120, 240, 480; got {part!r}."
                )
            found.append(int(part))
    return tuple(found)
