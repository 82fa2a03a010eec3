"""Where the pages are, and how to get from one to another with the run in the address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from pages.ui import state

_PAGES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class PageInfo:
    """One page as the navigation shows it; `name` is its file in pages/ and its address."""

    name: str
    title: str
    icon: str
    purpose: str

    @property
    def path(self) -> Path:
        """Return the page's script."""
        return _PAGES / f"{self.name}.py"


PAGES = (
    PageInfo("start", "Start", ":material/home:", "Value a data set, or open a run made before."),
    PageInfo("overview", "Overview", ":material/monitoring:", "What this run found, at a glance."),
    PageInfo("classes", "Classes", ":material/grid_on:", "Which classes look like which."),
    PageInfo("review", "Review", ":material/photo_library:", "Look at the images and decide."),
    PageInfo("map", "Map", ":material/scatter_plot:", "See both sets at once, and select."),
    PageInfo("detection", "Detection", ":material/troubleshoot:", "Compare with known faults."),
    PageInfo("mixture", "Mixture", ":material/tune:", "Which sources to buy from, and how much."),
    PageInfo("export", "Export", ":material/ios_share:", "Take the decisions with you."),
)
_BY_NAME = {page.name: page for page in PAGES}

# In the address of Review: filters that the address does not name are set back to none.
FRESH = "fresh"
ALONE = {FRESH: "1"}


def _query(run: str | None, extra: dict[str, str]) -> dict[str, str]:
    return ({state.RUN: run} if run else {}) | extra


def go(name: str, run: str | None = None, **extra: str) -> NoReturn:
    """Leave this page for page `name`, with `run` and `extra` in its address."""
    if run:
        state.set_run_id(run)
    st.switch_page(_BY_NAME[name].path, query_params=_query(run, extra))


def link(
    name: str, label: str, run: str | None = None, icon: str | None = None, **extra: str
) -> None:
    """Draw a link to page `name`, with `run` and `extra` in its address."""
    page = _BY_NAME[name]
    st.page_link(
        page.path, label=label, icon=icon or page.icon, query_params=_query(run, extra) or None
    )
