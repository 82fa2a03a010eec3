"""Classes: how far each training class lies from each validation class."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from core.evaluation import class_order, lookalikes
from core.runs import Run
from pages.ui import charts, links, shell, state
from pages.ui.state import Keys
from pages.ui.words import column_format, escape, images, number


def _most_mixed_up(pair: pd.Series) -> str:
    """Say which two classes are mixed up most; `pair` is a row of `lookalikes`."""
    name, other = escape(str(pair["class_name"])), escape(str(pair["looks_like"]))
    if not pair["images"]:
        return f"No image looks more like another class; **{name}** and **{other}** lie closest."
    sentence = (
        f"Mixed up most: {images(int(pair['images']))} labelled **{name}** that look like "
        f"**{other}**."
    )
    if math.isnan(pair["distance"]):
        return sentence
    sentence += f" The two classes lie {number(pair['distance'])} apart"
    if math.isnan(pair["own_distance"]):
        return f"{sentence}; {name} has no validation images of its own."
    return f"{sentence}, {name} and its own validation images {number(pair['own_distance'])}."


def _heatmap(run: Run) -> None:
    names = run.class_names

    def open_cell() -> None:
        points = st.session_state[Keys.CLASSES_HEATMAP]["selection"]["points"]
        if points:
            label, like = (int(k) for k in points[0]["customdata"][:2])
            st.session_state[state.PAIR_TO_OPEN] = (names[label], names[like])

    st.plotly_chart(
        charts.distance_heatmap(run.label_distances, names, class_order(run.label_distances)),
        key=Keys.CLASSES_HEATMAP,
        on_select=open_cell,
        selection_mode="points",
        config=charts.NO_ZOOM,
        alt=f"Heatmap of the distances between {len(names)} training and validation classes; "
        "the table beside it holds the closest pairs.",
    )


def _table(run: Run) -> None:
    v = len(run.class_names)
    distances = run.label_distances if run.has_plan else np.full((v, v), np.nan)
    pairs = lookalikes(run.values, distances, run.class_names)

    def open_pair() -> None:
        cells = st.session_state[Keys.CLASSES_TABLE]["selection"]["cells"]
        if cells:
            pair = pairs.iloc[cells[0][0]]
            st.session_state[state.PAIR_TO_OPEN] = (
                str(pair["class_name"]),
                str(pair["looks_like"]),
            )

    if pairs.empty:
        st.info(
            "There is only one class on both sides, so there is nothing to mix it up with."
            if v < 2
            else "Every image looks like the class that it is labelled."
        )
        return
    st.markdown(_most_mixed_up(pairs.iloc[0]))
    measured = ["distance", "own_distance"] if run.has_plan else []
    digits = column_format([number for name in measured for number in pairs[name]])
    st.dataframe(
        pairs[["class_name", "looks_like", "images", *measured]],
        key=Keys.CLASSES_TABLE,
        on_select=open_pair,
        selection_mode="single-cell",
        hide_index=True,
        height="content" if len(pairs) <= 12 else 460,
        alt="Pairs of classes, most mixed up first",
        column_config={
            "class_name": st.column_config.TextColumn("Labelled"),
            "looks_like": st.column_config.TextColumn("Looks like"),
            "images": st.column_config.NumberColumn(
                "Images",
                format="localized",
                help="Training images with this label whose nearest class by looks is the other.",
            ),
            "distance": st.column_config.NumberColumn("Distance", format=digits),
            "own_distance": st.column_config.NumberColumn(
                "To its own",
                format=digits,
                help="Distance to the validation images of its own class.",
            ),
        },
    )
    where = "a row, or a cell of the map," if run.has_plan else "a row"
    st.caption(f"Most images first. Select {where} to look at those images.")


run = shell.require_run("Classes")
if (chosen := st.session_state.pop(state.PAIR_TO_OPEN, None)) is not None:
    links.go(
        "review",
        run.id,
        **{state.CLASS: chosen[0], state.LOOKS_LIKE: chosen[1]},
        **links.ALONE,
    )
left, right = st.columns([1.25, 1], gap="medium")
with left:
    st.subheader("Which classes look like which?", anchor=False)
    if run.has_plan:
        with st.spinner("Ordering the classes"):
            _heatmap(run)
    else:
        shell.no_plan(
            run, "the distances between its classes are not known. What its images look like is."
        )
with right:
    st.subheader("Which are easily mixed up?", anchor=False)
    _table(run)
