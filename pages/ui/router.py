"""The script behind every address: navigation, the run in the sidebar, then the page itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import streamlit as st

from core.runs import Run, home, list_runs
from pages.ui import links, shell, state
from pages.ui.links import PAGES
from pages.ui.shell import run_label

ASSETS = Path(__file__).resolve().parents[2] / "assets"
# What the theme has no key for: the page's side margins, columns that wrap in a narrow window
# before their words are cut off, and dark words on the light accent of the dark theme.
LAYOUT = """
.stMainBlockContainer { padding-left: 2.5rem; padding-right: 2.5rem }
.stPageLink a:focus-visible { outline: 2px solid #0072B2; outline-offset: -2px }
.stColumn { min-width: min(100%, 8.5rem) }
.stColumn:has(.stMetric) { min-width: min(100%, 10.5rem) }
.stColumn:has(.stButtonGroup) { min-width: min(100%, 24rem) }
@media (max-width: 1000px) {
  .stColumn:has(.stPlotlyChart, .stDataFrame, .stVerticalBlock .stVerticalBlock) { min-width: 100% }
}
"""
DARK_LAYOUT = "[data-testid=stBaseButton-primary]:enabled { color: #171717 }"


def _run_switcher(runs: list[Run]) -> None:
    """Show the open run in the sidebar and let another be chosen."""
    if not runs:
        st.caption("No runs yet.")
        return
    labels = _labels(runs)
    opened = state.run_id()
    st.session_state[state.Keys.SHELL_RUN] = opened if opened in labels else None

    def switch() -> None:
        state.set_run_id(st.session_state[state.Keys.SHELL_RUN])

    st.selectbox(
        "Run",
        list(labels),
        format_func=labels.__getitem__,
        key=state.Keys.SHELL_RUN,
        placeholder="Open a run",
        on_change=switch,
    )


def _labels(runs: list[Run]) -> dict[str, str]:
    """Return how each run is called in the list, by its id.

    Streamlit knows the chosen one by the name shown: of two alike it would open the first, whatever
    page is then asked for.
    """
    labels = {run.id: run_label(run) for run in runs}
    counts = Counter(labels.values())
    return {
        key: label if counts[label] == 1 else f"{label} · {key[:6]}"
        for key, label in labels.items()
    }


def main() -> None:
    """Draw what all pages share, then run the page that was asked for."""
    page = st.navigation(
        [
            st.Page(
                info.path,
                title=info.title,
                url_path=info.name,
                default=info.name == "start",
            )
            for info in PAGES
        ],
        # Links of our own in the sidebar: they carry the run, and Streamlit's navigation would
        # fetch each page's icon from a font server for the browser's tab.
        position="hidden",
    )
    st.set_page_config(
        page_title=f"{page.title} · Assay",
        page_icon=str(ASSETS / "icon.svg"),
        layout="wide",
        initial_sidebar_state=264,
    )
    dark = st.context.theme.type == "dark"
    st.html(f"<style>{LAYOUT}{DARK_LAYOUT if dark else ''}</style>")
    st.logo(str(ASSETS / ("logo-dark.svg" if dark else "logo.svg")), size="large")
    with st.sidebar:
        _run_switcher(list_runs(home()))
        run = state.run_id()
        with st.container(gap="xxsmall"):
            for info in PAGES:
                links.link(info.name, info.title, run=run)
    with shell.explained():
        page.run()


main()
