"""The map component: points of both sets beside the images that are selected among them.

Streamlit passes it a few words once; positions, columns, pictures and decisions go between the
browser and the HTTP routes, so that neither a click nor a decision sends anything twice.
"""

from __future__ import annotations

import streamlit as st

from pages.ui.address import base_path
from pages.ui.assets import joined

# The first are the review's.
_SHARED = (
    *("queue", "columns", "states", "ids", "store", "grid", "mount"),
    *("selection", "dialogs", "actions", "keys"),
)
_OWN = ("points", "renderer", "colors", "overlay", "gestures", "panel", "keys")
_COMPONENT = st.components.v2.component(
    "assay_map",
    html=joined("html", "map"),
    css=joined("css", "base", "gallery", "gallery_inspector", "map"),
    # One script: the parts share a scope, and only the last one exports.
    js=joined(
        "js",
        *("words", "dom"),
        *(f"gallery_{part}" for part in _SHARED),
        *(f"map_{part}" for part in _OWN),
        "map",
    ),
)


def image_map(run_id: str, map_key: str, *, fitted: int, login: str | None, key: str) -> str | None:
    """Draw the map of run `run_id`; return the name of the selection to open in Review, once.

    Parameters
    ----------
    map_key : names the positions, which the browser may keep for good
    fitted : how many of the images the map was fitted to
    login : name of the reviewer where there is a login; None asks for it, once in a browser
    key : of the element; the same on every run, so that it is never rebuilt
    """
    answer = _COMPONENT(
        key=key,
        data={
            "run": run_id,
            "base": f"{base_path()}/assay/runs/{run_id}",
            "map": map_key,
            "fitted": fitted,
            "login": login,
        },
        on_review_change=lambda: None,
    )
    chosen = answer.get("review")
    return chosen if isinstance(chosen, str) else None
