"""The check of what a projection is asked to do: run it with progress, keep it, say it in words."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.acquisition import (
    ProjectionPreview,
    ProjectionSpec,
    preview_projection,
    price_text,
)
from core.embedding import EMBEDDERS
from core.runs import home
from pages.ui import health, state
from pages.ui.words import escape, images

_CLASSES_NAMED = 3


def look(spec: ProjectionSpec) -> None:
    """Open the sets of `spec`, showing how far it is; `seen` then gives what was found.

    Raises
    ------
    DataError : the data cannot be used
    ConfigError : a setting does not fit them
    """
    bar = st.progress(0.0, text="Opening the sources")
    try:
        preview = preview_projection(spec, home(), health.on_bar(bar))
    finally:
        bar.empty()
    st.session_state[state.MIXTURE_CHECK] = (_without_terms(spec), preview)


def forget() -> None:
    """Forget what was found the last time."""
    st.session_state.pop(state.MIXTURE_CHECK, None)


def seen(spec: ProjectionSpec) -> ProjectionPreview | None:
    """Return what was found, if these data and this training were the last to be checked."""
    kept = st.session_state.get(state.MIXTURE_CHECK)
    if kept is None or kept[0] != _without_terms(spec):
        return None
    preview: ProjectionPreview = kept[1]
    return preview


def _without_terms(spec: ProjectionSpec) -> ProjectionSpec:
    """Return `spec` without what needs no other look at the data: prices and the like."""
    offers = [replace(offer, capacity=None, price=None) for offer in spec.sources]
    usual = ProjectionSpec(sources=spec.sources, validation=spec.validation)
    return replace(
        spec,
        sources=tuple(offers),
        sizes=(),
        predictor=usual.predictor,
        currency=usual.currency,
    )


def show(spec: ProjectionSpec, preview: ProjectionPreview) -> None:
    """Say what each source shows and what will be trained, and what is wrong with the pilots."""
    _sources(spec, preview)
    st.markdown(_trained(spec, preview))
    if preview.note:
        st.caption(escape(preview.note))
    for finding in preview.findings:
        health.say(finding.severity, finding.sentence)
    if not preview.compared:
        st.caption(
            "Whether sources show the same images, or images of the validation set, is looked at "
            "once they are embedded, and said with the result."
        )
    elif not preview.findings:
        st.success("Nothing is wrong with the pilots.", icon=":material/check_circle:")


def _sources(spec: ProjectionSpec, preview: ProjectionPreview) -> None:
    unknown = "not known"
    table = pd.DataFrame(
        {
            "source": spec.names,
            "images": [pilot.images for pilot in preview.pilots],
            "classes": [pilot.classes for pilot in preview.pilots],
            "missing": [_some(pilot.missing) for pilot in preview.pilots],
            "capacity": [
                unknown if offer.capacity is None else f"{offer.capacity:,}"
                for offer in spec.sources
            ],
            "price": [price_text(offer.price, spec.currency) for offer in spec.sources],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= 10 else 388,
        alt="What each source shows",
        column_config={
            "source": st.column_config.TextColumn("Source"),
            "images": st.column_config.NumberColumn("Pilot, images", format="localized"),
            "classes": st.column_config.NumberColumn("Classes"),
            "missing": st.column_config.TextColumn("Classes it lacks", width="large"),
            "capacity": st.column_config.TextColumn("Capacity", alignment="right"),
            "price": st.column_config.TextColumn("Price of an image", alignment="right"),
        },
    )


def _some(names: tuple[str, ...]) -> str:
    """Return the first names and how many more there are."""
    if not names:
        return "none"
    named = ", ".join(names[:_CLASSES_NAMED])
    more = len(names) - _CLASSES_NAMED
    return named if more <= 0 else f"{named} and {more:,} more"


def _trained(spec: ProjectionSpec, preview: ProjectionPreview) -> str:
    """Say which models are trained, on what they are measured, and what the vectors are of."""
    sizes = [f"{n:,}" for n in preview.scales]
    at = " and ".join([", ".join(sizes[:-1]), sizes[-1]] if len(sizes) > 1 else sizes)
    if preview.from_table:
        trained = (
            f"Nothing is trained: the table has **{preview.models:,} accuracies** of "
            f"{_count(preview.mixtures, 'mix', 'mixes')} at {at} images. Mixes"
        )
    else:
        left_out = (
            f", without {preview.skipped:,} for which a pilot is too small"
            if preview.skipped
            else ""
        )
        trained = (
            f"**{_count(preview.models, 'model', 'models')} to train**: "
            f"{_count(preview.mixtures, 'mix', 'mixes')} of the sources at each of "
            f"{_count(len(sizes), 'size', 'sizes')} ({at} images), "
            f"{_count(spec.repeats, 'repeat', 'repeats')} of each{left_out}. Accuracy is measured "
            f"on {images(preview.test_images)}; mixes"
        )
    embedder = EMBEDDERS[preview.embedder].title
    return (
        f"{trained} are compared with {images(preview.validation_images)} of "
        f"{_count(preview.classes, 'class', 'classes')}. Embedder: {escape(embedder)}."
    )


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
