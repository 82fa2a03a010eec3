"""The mixture component: a mix, its projected accuracy, and all mixes around it.

Streamlit passes it the projection's name; a slider that moves asks the HTTP routes, and so never
costs a run of the script.
"""

from __future__ import annotations

import streamlit as st

from pages.ui.address import base_path
from pages.ui.assets import joined

_PARTS = ("ratio", "address", "server", "sources", "curve", "triangle", "lines", "space", "tables")
_COMPONENT = st.components.v2.component(
    "assay_mixture",
    html=joined("html", "mixture"),
    css=joined("css", "base", "mixture"),
    # One script: the parts share a scope, and only the last one exports.
    js=joined("js", "words", "dom", "plot", *(f"mixture_{part}" for part in _PARTS), "mixture"),
)


def playground(projection: str, *, key: str) -> None:
    """Draw the playground of a projection.

    Parameters
    ----------
    projection : its id, or "example"
    key : of the element; the same on every run, so that it is never rebuilt
    """
    _COMPONENT(
        key=key,
        data={"projection": projection, "base": f"{base_path()}/assay/projections/{projection}"},
    )
