"""Which point of which curve is looked at: in the address, so that it survives a refresh."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from pages.ui import state


def chosen_rank(n: int, otherwise: int) -> int:
    """Return how many of n images are inspected at the point that the address names, 0 to n."""
    named = st.query_params.get(state.RANK, "")
    if not (named.isascii() and named.isdecimal() and len(named) <= 12):
        return otherwise
    return min(int(named), n)


def chosen_method(methods: Collection[str], otherwise: str) -> str:
    """Return the method that the address names, if it is one of `methods`."""
    named = st.query_params.get(state.METHOD)
    return named if named is not None and named in methods else otherwise


def follow_clicks(key: str, n: int) -> None:
    """Put the point that was clicked in the chart `key` into the address.

    A click on the chosen point, or beside all of them, takes the selection back in the browser; the
    images stay.
    """
    points = st.session_state[key]["selection"]["points"]
    known = [point["customdata"] for point in points if point.get("customdata")]
    if known:
        method, share = known[0]
        st.query_params[state.METHOD] = str(method)
        st.query_params[state.RANK] = str(round(float(share) * n))
