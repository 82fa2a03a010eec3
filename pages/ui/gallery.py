"""The review component: a ranked grid beside an inspector, in one Components v2 element.

Streamlit passes it a few words; it fetches everything else from the HTTP routes itself, so neither
a decision nor a step costs a run of the script.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from pages.ui.address import base_path

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
# One script: the parts share a scope, and only the last one exports.
_SCRIPTS = ("queue", "columns", "states", "store", "grid", "whatif", "inspector", "progress", "help")


def _text(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


_COMPONENT = st.components.v2.component(
    "assay_review",
    html=_text("gallery.html"),
    css=_text("gallery.css") + _text("gallery_progress.css"),
    js="\n".join([*(_text(f"gallery_{part}.js") for part in _SCRIPTS), _text("gallery.js")]),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which images the grid shows, and in which order.

    Attributes
    ----------
    label, like : name of the class that an image is labelled, or looks like; None for any
    state : all, undecided, keep, remove, relabel or unsure
    low, high : bounds of the value, inclusive; None for no bound
    text : a part of the id, in any case
    order : worst or best, which comes first
    """

    label: str | None = None
    like: str | None = None
    state: str = "all"
    low: float | None = None
    high: float | None = None
    text: str = ""
    order: str = "worst"


def gallery(run_id: str, filters: Filters, *, focus: str | None, key: str) -> None:
    """Draw the review of run `run_id`; it fills the window down to its lower edge.

    Parameters
    ----------
    filters : applied in the browser, at once
    focus : id of the image to start with; once it was shown, the place where one stopped counts
    key : of the element; the same on every run, so that it is never rebuilt
    """
    chosen = asdict(filters)
    chosen["class"] = chosen.pop("label")
    _COMPONENT(
        key=key,
        data={
            "run": run_id,
            "base": f"{base_path()}/assay/runs/{run_id}",
            "filters": chosen,
            "focus": focus,
        },
    )
