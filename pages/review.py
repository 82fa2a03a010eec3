"""Review: look at the images, worst first, and decide."""

from __future__ import annotations

import math

import streamlit as st

from core.runs import Run
from pages.ui import shell, state
from pages.ui.gallery import Filters, gallery
from pages.ui.state import Keys

_STATES = {
    "all": "All",
    "undecided": "Undecided",
    "remove": "Removed",
    "keep": "Kept",
    "relabel": "Relabelled",
    "unsure": "Unsure",
}
_ORDERS = {"worst": "Worst first", "best": "Best first"}


def _value_bounds(run: Run) -> tuple[float, float, float]:
    """Return round bounds around all values of `run`, and a round step between them."""
    low, high = float(run.values["value"].min()), float(run.values["value"].max())
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9) / 50))
    return math.floor(low / step) * step, math.ceil(high / step) * step + step, step


def _filters(run: Run) -> Filters:
    """Draw the filters in one line; the address keeps them."""
    columns = st.columns([3, 3, 2.4, 2.4, 3.4, 3.4], gap="small", vertical_alignment="bottom")
    names = list(run.class_names)
    label = columns[0].selectbox(
        "Labelled", names, index=None, placeholder="Any class", key=state.CLASS, bind="query-params"
    )
    like = columns[1].selectbox(
        "Looks like",
        names,
        index=None,
        placeholder="Any class",
        key=state.LOOKS_LIKE,
        bind="query-params",
    )
    decided = columns[2].selectbox(
        "Decision",
        list(_STATES),
        format_func=_STATES.__getitem__,
        key=Keys.REVIEW_STATE,
        bind="query-params",
    )
    order = columns[3].selectbox(
        "Order",
        list(_ORDERS),
        format_func=_ORDERS.__getitem__,
        key=Keys.REVIEW_ORDER,
        bind="query-params",
    )
    least, most, step = _value_bounds(run)
    low, high = columns[4].slider(
        "Value (higher is better)",
        least,
        most,
        (least, most),
        step=step,
        key=Keys.REVIEW_VALUE,
        bind="query-params",
    )
    text = columns[5].text_input(
        "Find", placeholder="Part of an id", key=Keys.REVIEW_FIND, bind="query-params"
    )
    return Filters(
        label=label,
        like=like,
        state=decided,
        low=None if low <= least else low,
        high=None if high >= most else high,
        text=text or "",
        order=order,
    )


@st.fragment
def _review(run: Run) -> None:
    chosen = _filters(run)
    gallery(run.id, chosen, focus=st.query_params.get(state.IMAGE), key=Keys.REVIEW_GALLERY)


_review(shell.require_run("Review"))
