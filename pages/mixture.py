"""Mixture: what accuracy a mix of sources will reach at any size, and which mix is best."""

from __future__ import annotations

import streamlit as st

from core.acquisition import Projection, ProjectionSpec, list_projections
from core.errors import ConfigError, RunError
from core.runs import home
from pages.ui import cache, jobs, mixture_data, mixture_form, shell, state
from pages.ui.mixture import playground
from pages.ui.state import Keys
from pages.ui.words import escape, images, when

NEW = "new"  # in the address, where a projection's id stands otherwise


def _view(known: dict[str, Projection]) -> str:
    """Return what to show: the id of a projection, `EXAMPLE` or `NEW`; the address then agrees."""
    named = st.query_params.get(state.PROJECTION, "")
    if not named:
        named = st.session_state.get(state.PROJECTION_OPEN, "")
    if named not in (cache.EXAMPLE, NEW, *known):
        if named:
            shell.show_error(RunError("The projection in this address is not here (any more)."))
        named = next(iter(known), cache.EXAMPLE)
    _choose(named)
    return named


def _choose(view: str) -> None:
    """Put a view into the address; what was set for another mix goes from there."""
    if st.query_params.get(state.PROJECTION, view) != view:
        for name in state.MIXTURE_SETTINGS:
            st.query_params.pop(name, None)
    st.query_params[state.PROJECTION] = view
    st.session_state[state.PROJECTION_OPEN] = view


def _labels(known: dict[str, Projection]) -> dict[str, str]:
    """Return how each projection is called; no two alike, for Streamlit knows them by that."""
    labels = {cache.EXAMPLE: "Example: three sources made of the sample"}
    for key, one in known.items():
        label = f"{_names(one)} · {when(one.record.created)}"
        labels[key] = label if label not in labels.values() else f"{label} · {key[:6]}"
    return labels


def _names(projection: Projection) -> str:
    names = projection.record.names
    return (
        ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} + {len(names) - 2} more"
    )


def _change(projection: Projection) -> None:
    """Open the form with the settings of a projection, or keep why this version cannot."""
    try:
        spec = ProjectionSpec.from_configuration(projection.record.configuration)
    except ConfigError as error:
        st.session_state[state.MIXTURE_UNCHANGED] = error
        return
    mixture_form.fill(spec)
    _choose(NEW)


def _bar(view: str, known: dict[str, Projection], opened: Projection | None) -> None:
    """Offer the projections there are, a new one, and this one with other settings."""
    labels = _labels(known)
    st.session_state[Keys.MIXTURE_PROJECTION] = view if view in labels else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Projection",
            list(labels),
            format_func=labels.__getitem__,
            key=Keys.MIXTURE_PROJECTION,
            placeholder="Open a projection",
            on_change=lambda: _choose(st.session_state[Keys.MIXTURE_PROJECTION]),
            label_visibility="collapsed",
            width=460,
        )
        st.button(
            "Project your own sources",
            key=Keys.MIXTURE_NEW,
            icon=":material/add:",
            disabled=view == NEW,
            on_click=_choose,
            args=(NEW,),
        )
        if opened is not None:
            st.button(
                "Change and refit",
                key=Keys.MIXTURE_CHANGE,
                icon=":material/tune:",
                help="The form with the sources and settings of this projection, to run it again.",
                on_click=_change,
                args=(opened,),
            )


def _header(projection: Projection | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.title("Mixture", anchor=False, width="content")
        if projection is None:
            return
        record = projection.record
        pilots = " + ".join(f"{offer.pilot.images:,}" for offer in record.offers[:4])
        more = f" + {len(record.offers) - 4} more" if len(record.offers) > 4 else ""
        trained = "your own table" if record.from_table else mixture_data.learner_title(record)
        st.caption(
            f"Pilots of {pilots}{more} images against {images(record.validation.images)} · "
            f"{escape(trained)} · embedder {escape(record.embedder)} · "
            f"{when(record.created)}",
            width="content",
        )


if (finished := jobs.finished_projection()) is not None:
    _choose(finished)
    st.rerun()
found = {one.id: one for one in list_projections(home())}
shown = _view(found)
opened = None if shown == NEW else cache.projection(home(), shown)
_header(opened)
_bar(shown, found, opened)
if (wrong := st.session_state.pop(state.MIXTURE_UNCHANGED, None)) is not None:
    shell.show_error(wrong)
if opened is None:
    mixture_form.draw()
else:
    playground(shown, key=Keys.MIXTURE_COMPONENT)
