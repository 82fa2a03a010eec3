"""Overview: what a run found, how far to trust it, and where to start looking."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.curation import RunDecisions, open_store
from core.evaluation import HarmfulCut, class_summary, harmful_cut
from core.runs import Run, home
from pages.ui import charts, links, shell, state
from pages.ui.state import Keys
from pages.ui.thumbnails import strip
from pages.ui.words import images, number, percent


def _metrics(run: Run, cut: HarmfulCut, decided: dict[str, int]) -> None:
    record = run.record
    reviewed = sum(decided.values())
    held = run.values["label"].nunique()  # the run also knows classes of the validation set alone
    cards = st.columns(5, gap="small")
    plain = {"border": True, "height": "stretch", "delta_arrow": "off"}
    cards[0].metric(
        "Training images",
        f"{record.train.images:,}",
        delta=f"{held} class" if held == 1 else f"{held} classes",
        delta_color="off",
        **plain,
    )
    cards[1].metric(
        "Look harmful", f"{cut.count:,}", delta=percent(cut.share), delta_color="off", **plain
    )
    cards[2].metric(
        "Reviewed",
        f"{reviewed:,}",
        delta=f"{decided['remove']:,} to remove",
        delta_color="off",
        **plain,
    )
    cards[3].metric(
        "OT distance",
        number(record.transport_cost),
        delta="units of cost",
        delta_color="off",
        help="Mean cost of moving the training set onto the validation set under the plan: "
        "0 would mean that the two look alike, labels included.",
        **plain,
    )
    cards[4].metric(
        "Marginal error",
        percent(record.marginal_error),
        delta="converged" if record.converged else "not converged",
        delta_color="off" if record.converged else "inverse",
        help="How far the plan is from giving each validation image its share: 0 to 200 %. It "
        f"converged if that is at most {percent(record.tolerance)}.",
        **plain,
    )


def _trust(run: Run) -> None:
    """Say whether the numbers can be trusted, loudly only where they cannot."""
    record = run.record
    if not record.converged:
        st.warning(
            f"This valuation did not converge: after {record.passes} passes the plan is still off "
            f"by {percent(record.marginal_error)}, above the limit of {percent(record.tolerance)}. "
            "The ranking may change; value again with a larger epsilon.",
            icon=":material/warning:",
        )
    left_out = record.train.unreadable, record.validation.unreadable
    if any(left_out):
        st.warning(
            f"Unreadable and left out: {images(left_out[0])} for training, {left_out[1]:,} for "
            "validation.",
            icon=":material/broken_image:",
        )


def _distribution(run: Run, cut: HarmfulCut) -> None:
    st.subheader("How are the values distributed?", anchor=False)
    value = run.values["value"].to_numpy()
    st.plotly_chart(
        charts.value_histogram(value, cut.threshold),
        key=Keys.OVERVIEW_HISTOGRAM,
        config=charts.CHART_CONFIG,
        alt=f"Histogram of {len(value):,} values; {cut.count:,} lie below the cut.",
    )
    advice = (
        "It says where to start looking; it is no verdict."
        if cut.count
        else "No image stands out; the worst ones are still the place to start looking."
    )
    st.caption(
        f"**{images(cut.count)}** ({percent(cut.share)}) lie below the cut at "
        f"{number(cut.threshold)}: {number(cut.factor)} robust standard deviations (1.48 times the "
        f"median absolute deviation) under the median of {number(cut.median)}, where an ordinary "
        f"image of this set would rarely lie. {advice}"
    )


def _classes(run: Run, cut: HarmfulCut) -> None:
    st.subheader("Which classes are hurt most?", anchor=False)
    summary = class_summary(run.values, cut.harmful)

    def open_class() -> None:
        cells = st.session_state[Keys.OVERVIEW_CLASSES]["selection"]["cells"]
        if cells:
            st.session_state[state.CLASS_TO_OPEN] = str(summary["class_name"].iloc[cells[0][0]])

    st.dataframe(
        summary[["class_name", "images", "harmful", "share", "median_value"]].assign(
            share=100 * summary["share"]
        ),
        key=Keys.OVERVIEW_CLASSES,
        on_select=open_class,
        selection_mode="single-cell",
        hide_index=True,
        height="content" if len(summary) <= 10 else 390,
        alt="Classes, worst first",
        column_config={
            "class_name": st.column_config.TextColumn("Class"),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "harmful": st.column_config.NumberColumn("Look harmful", format="localized"),
            "share": st.column_config.ProgressColumn(
                "Share",
                format="%.1f %%",
                color="orange",
                min_value=0.0,
                max_value=100 * float(summary["share"].max()) or 100.0,
            ),
            "median_value": st.column_config.NumberColumn("Median value", format="%.3g"),
        },
    )
    st.caption(
        "Worst first. Select a row to look at the images of that class. A class with a larger "
        "share of the training set than of the validation set is worth less, sound or not."
    )


def _worst(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("The twelve images that hurt most", anchor=False, width="stretch")
        links.link("review", "Review them, worst first", run=run.id)
    worst: pd.DataFrame = run.values.nsmallest(12, "value")
    strip(run, worst)


run = shell.require_run("Overview")
if (chosen := st.session_state.pop(state.CLASS_TO_OPEN, None)) is not None:
    links.go("review", run.id, **{state.CLASS: chosen})
with st.spinner("Finding what looks harmful"):
    cut = harmful_cut(run.values["value"].to_numpy())
    decided = RunDecisions(open_store(home()), run).counts()
_trust(run)
_metrics(run, cut, decided)
left, right = st.columns([1.1, 1], gap="medium")
with left:
    _distribution(run, cut)
with right:
    _classes(run, cut)
_worst(run)
