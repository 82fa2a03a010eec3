"""Map: both sets in the plane, what looks alike lies together; select, look, decide."""

from __future__ import annotations

import streamlit as st

from core.embedding import LayoutConfig
from core.runs import MapSpec, Run, estimate_map, find_map, forget_job, home, map_key
from pages.ui import jobs, links, reviewer, shell, state
from pages.ui.map import image_map
from pages.ui.state import Keys
from pages.ui.words import duration, escape, images

_CONFIG = LayoutConfig()
_BUSY = 4  # times as long, as seen on two cores that others worked on


def _offer(run: Run) -> None:
    """Say what the map is and what it takes, and offer to draw it; or show how far it is."""
    of_run = jobs.of_run(MapSpec, run.id)
    active = next((job for job in of_run if not job.ended), None)
    if active is not None:
        jobs.panel(active)
        return
    failed = next((job for job in of_run if job.state in ("failed", "interrupted")), None)
    if failed is not None:
        st.error(escape(failed.error), icon=":material/error:")
    record = run.record
    total = record.train.images + record.validation.images
    with st.container(border=True, width=560):
        st.markdown(
            "**The map has not been drawn yet.** It places images that look alike next to each "
            "other, so that mislabelled groups, duplicates and odd corners can be seen and "
            "selected at once."
        )
        seconds = estimate_map(run)
        st.caption(
            f"{images(total)} of both sets together, once: about {duration(seconds)} where nothing "
            f"else runs, {duration(_BUSY * seconds)} or more on a busy machine. For few images "
            "most of it is compiling. Runs on the same embeddings share the map."
        )
        if st.button(
            "Draw the map" if failed is None else "Try again",
            key=Keys.MAP_DRAW,
            type="primary",
            icon=":material/scatter_plot:",
        ):
            if failed is not None:
                forget_job(home(), failed.id)
            jobs.start(MapSpec(run=run.id))
            st.rerun()


run = shell.require_run("Map")
with st.spinner("Looking for the map"):
    found = find_map(run, home(), _CONFIG)
if found is None:
    _offer(run)
else:
    selection = image_map(
        run.id,
        map_key(run, _CONFIG),
        fitted=found.fitted,
        login=reviewer.of_session(),
        key=Keys.MAP_COMPONENT,
    )
    if selection is not None:
        links.go("review", run.id, **{state.SELECTION: selection}, **links.ALONE)
