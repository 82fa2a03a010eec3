"""The review component: a ranked grid beside an inspector, in one Components v2 element.

Streamlit passes it a few words; it fetches everything else from the HTTP routes itself, so neither
a decision nor a step costs a run of the script.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import streamlit as st

from pages.ui.address import base_path
from pages.ui.assets import joined

_PARTS = [
    *("queue", "columns", "states", "ids", "store", "grid", "mount", "selection"),
    *("evidence", "whatif", "history", "inspector", "ahead", "progress", "dialogs", "help"),
    *("actions", "keys"),
]
_COMPONENT = st.components.v2.component(
    "assay_review",
    html=joined("html", "gallery"),
    css=joined("css", "base", "gallery", "gallery_inspector", "gallery_progress"),
    # One script: the parts share a scope, and only the last one exports.
    js=joined("js", "words", "dom", "plot", *(f"gallery_{part}" for part in _PARTS), "gallery"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which images the grid shows, and in which order.

    Attributes
    ----------
    label, like, suggested : name of the class that an image is labelled, looks like, or for which
        a label is suggested; None for any
    state : all, undecided, decided, keep, remove, relabel, unsure, disputed or noted
    reviewer : name of one who has a standing opinion on the image; None for anybody
    source : name of the part of the training set that the image is from; None for any
    flagged : "like" or "suggested" where that is another class than the label, or the key of a
        column of flags; None for all images
    selection : name of a selection kept for the run, such as one drawn on the map
    low, high : bounds of the value, inclusive; None for no bound
    text : a part of the id or of a note, in any case
    order : worst, best, class (then by value), audit (the audit sample in its own order), or the
        key of a column of scores, worst first
    """

    label: str | None = None
    like: str | None = None
    suggested: str | None = None
    state: str = "all"
    reviewer: str | None = None
    source: str | None = None
    flagged: str | None = None
    selection: str | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    order: str = "worst"


def _described(filters: Filters) -> dict[str, object]:
    """Return `filters` as the browser calls them."""
    described = asdict(filters)
    described["class"] = described.pop("label")
    return described


def gallery(
    run_id: str,
    filters: Filters,
    *,
    focus: str | None,
    login: str | None,
    scores: str,
    clear: Callable[[], None],
    key: str,
) -> None:
    """Draw the review of run `run_id`; it fills the window down to its lower edge.

    Parameters
    ----------
    filters : applied in the browser, at once
    login : name of the reviewer where there is a login; None asks for it, once in a browser
    scores : changes when columns of scores come or go
    clear : sets all filters back; called where nothing fits them and somebody asks for that
    focus : id of the image to start with; once it was shown, the place where one stopped counts
    key : of the element; the same on every run, so that it is never rebuilt
    """
    _COMPONENT(
        key=key,
        data={
            "run": run_id,
            "base": f"{base_path()}/assay/runs/{run_id}",
            "filters": _described(filters),
            "login": login,
            "scores": scores,
            "focus": focus,
        },
        on_clear_change=clear,
    )
