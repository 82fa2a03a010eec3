"""Overview: what a run found, how far to trust it, and where to start looking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.curation import RunDecisions, open_store, review_sentences, review_statistics
from core.evaluation import (
    BatchMatching,
    HarmfulCut,
    batch_matching,
    class_summary,
)
from core.runs import Run, home, lava_seconds
from pages.ui import additions, cache, charts, links, shell, state
from pages.ui.state import Keys
from pages.ui.thumbnails import strip
from pages.ui.words import column_format, duration, escape, images, number, percent


def _metrics(run: Run, cut: HarmfulCut, decided: dict[str, int]) -> None:
    record = run.record
    reviewed = sum(decided.values())
    held = run.values["label"].nunique()  # the run also knows classes of the validation set alone
    wide = record.solution is None  # words in the place of the last two figures
    cards = st.columns([1, 1, 1, 2] if wide else 5, gap="small")
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
    if record.solution is None:
        with cards[3]:
            shell.no_plan(run, "there is neither an OT distance nor a marginal error.")
        return
    weight = record.configuration["label_weight"]
    labels = "labels included" if weight else "whatever their labels"
    cards[3].metric(
        "OT distance",
        number(record.solution.transport_cost),
        delta="units of cost",
        delta_color="off",
        help="Mean cost of moving the training set onto the validation set under the plan: "
        f"0 would mean that the two look alike, {labels}.",
        **plain,
    )
    cards[4].metric(
        "Marginal error",
        percent(record.solution.marginal_error),
        delta=_certainty(run),
        delta_color="off" if record.converged or record.parent else "inverse",
        help="How far the plan is from giving each validation image its share: 0 to 200 %. It "
        f"converged if that is at most {percent(record.solution.tolerance)}.",
        **plain,
    )


def _certainty(run: Run) -> str:
    if run.record.converged:
        return "converged"
    return "not converged" if run.record.parent is None else "at most; not solved anew"


def _trust(run: Run) -> None:
    """Say whether the numbers can be trusted, loudly only where they cannot."""
    record = run.record
    # What images added later do to the plan is said where they are.
    solution = record.solution
    solved = record.details.get("added", {}).get("solved_marginal_error")
    if solved is None and solution is not None:
        solved = solution.marginal_error
    if solution is not None and solved > solution.tolerance:
        st.warning(
            f"This valuation did not converge: after {solution.passes} passes the plan is still "
            f"off by {percent(solved)}, above the limit of {percent(solution.tolerance)}. "
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


def _chosen_settings(run: Run) -> None:
    """Say which settings were used and why, and what they find on planted faults."""
    facts = run.record.details.get("settings")
    if facts is None:
        return
    found = facts.get("calibration")
    if found is None:
        if facts["asked"] != facts["used"]:
            st.caption(f":material/tune: Published settings, because {escape(facts['why'])}.")
        return
    overall = found["expected"]["all faults"]
    with st.expander(
        "Calibrated settings: faults planted in held-out validation images were found with AUROC "
        f"{overall['auroc']:.3f} ± {overall['auroc_deviation']:.3f}",
        icon=":material/tune:",
    ):
        _expected(run, facts)


def _expected(run: Run, facts: Mapping[str, Any]) -> None:
    found, used = facts["calibration"], run.record.configuration
    table = pd.DataFrame(
        {
            "fault": [kind.capitalize() for kind in found["expected"]],
            "auroc": [item["auroc"] for item in found["expected"].values()],
            "auroc_deviation": [item["auroc_deviation"] for item in found["expected"].values()],
            "precision": [item["average_precision"] for item in found["expected"].values()],
        }
    )
    st.dataframe(
        table,
        key=Keys.OVERVIEW_EXPECTED,
        hide_index=True,
        alt="Expected detection by kind of fault",
        column_config={
            "fault": st.column_config.TextColumn("Planted fault"),
            "auroc": st.column_config.NumberColumn("AUROC", format="%.3f"),
            "auroc_deviation": st.column_config.NumberColumn("±", format="%.3f"),
            "precision": st.column_config.NumberColumn("Average precision", format="%.3f"),
        },
    )
    kind = {"training": "from training to validation", "validation": "within the validation set"}
    given = f" You set: {', '.join(facts['given']).replace('_', ' ')}." if facts["given"] else ""
    st.caption(
        f"Held out {facts['held_out']}. Average precision is for one faulty image in ten; a random "
        "order has AUROC 0.5. The ranking follows the log odds of a fault, fused from the "
        "calibrated gradient, the label and the distance to all validation images. Used: epsilon "
        f"{number(run.record.epsilon)}, label weight {number(used['label_weight'])}, "
        f"p {used['p']}, label distances {kind[used['label_distance_kind']]}.{given} No training "
        "label was taken for true."
    )
    if facts["warning"]:
        st.caption(f":material/info: {facts['warning']}")


def _distribution(run: Run, cut: HarmfulCut) -> None:
    st.subheader("How are the values distributed?", anchor=False)
    value = run.values["value"].to_numpy()
    st.plotly_chart(
        charts.value_histogram(
            value, cut.threshold, unit=run.record.value_unit, neutral=run.neutral_value
        ),
        key=Keys.OVERVIEW_HISTOGRAM,
        config=charts.CHART_CONFIG,
        alt=f"Histogram of {len(value):,} values; {cut.count:,} lie below the cut.",
    )
    advice = (
        "It says where to start looking; it is no verdict."
        if cut.count
        else "No image stands out; the worst ones are still the place to start looking."
    )
    why = (
        "these are more likely faulty than sound."
        if cut.factor is None
        else f"{number(cut.factor)} robust standard deviations (1.48 times the median absolute "
        f"deviation) under the median of {number(cut.median)}, where an ordinary image of this set "
        "would rarely lie."
    )
    st.caption(
        f"**{images(cut.count)}** ({percent(cut.share)}) lie below the cut at "
        f"{number(cut.threshold)}: {why} {advice}"
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
            "median_value": st.column_config.NumberColumn(
                "Median value", format=column_format(summary["median_value"])
            ),
        },
    )
    common = (
        " A class with a larger share of the training set than of the validation set is worth "
        "less, sound or not."
    )
    st.caption(
        "Worst first. Select a row to look at the images of that class."
        + (common if run.has_plan else "")
    )


def _worst(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("The twelve images that hurt most", anchor=False, width="stretch")
        links.link("review", "Review them, worst first", run=run.id, **links.ALONE)
    worst: pd.DataFrame = run.values.nsmallest(12, "value")
    strip(run, worst)


def _review(run: Run, decisions: RunDecisions) -> None:
    """Say how far the review is, once it has begun."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("How far is the review?", anchor=False, width="stretch")
        links.link("review", "Go on reviewing", run=run.id)
    with st.spinner("Counting what is decided"):
        ground = cache.ground(cache.opened(home(), run.id))
        found = review_statistics(ground, decisions.current())
        said = review_sentences(found)
    columns = st.columns(3, gap="medium")
    columns[0].markdown(f"**When to stop**  \n{escape(said['stop'])}")
    columns[1].markdown(f"**How often the ranking is right**  \n{escape(said['precision'])}")
    columns[2].markdown(
        f"**What is left to find**  \n{escape(said['remaining'])} {escape(said['recall'])}"
    )
    with columns[2]:
        if found.audit.reviewed < found.audit.size:
            links.link(
                "review",
                "Judge the audit sample",
                run=run.id,
                order="Audit sample",
                **links.ALONE,
            )


def _batches(run: Run) -> None:
    """Show the transport between batches (SAVA, figure 12), where the run was made in batches."""
    if "batch_plan" not in run.arrays:
        return
    found = batch_matching(run.arrays["batch_cost"], run.arrays["batch_plan"])
    left, right = found.cost.shape
    st.subheader("How were the batches matched?", anchor=False)
    st.markdown(_batch_facts(run, left, right))
    if left * right == 1:
        return
    columns = st.columns(2, gap="medium")
    with columns[0]:
        st.markdown("**What does each pair of batches cost?**")
        st.plotly_chart(
            charts.batch_heatmap(found.cost, "units of cost", ".3g"),
            key=Keys.OVERVIEW_BATCH_COST,
            config=charts.CHART_CONFIG,
            alt=f"Heatmap of the cost between {left} training and {right} validation batches, "
            f"{number(found.cost.min())} to {number(found.cost.max())}.",
        )
        st.caption(_cost_sentence(found))
    with columns[1]:
        st.markdown("**How much does each validation batch count?**")
        st.plotly_chart(
            charts.batch_heatmap(found.share, "share", ".3~%"),
            key=Keys.OVERVIEW_BATCH_PLAN,
            config=charts.CHART_CONFIG,
            alt=f"Heatmap of the plan between {left} training and {right} validation batches: "
            f"shares of {percent(found.share.min())} to {percent(found.share.max())}.",
        )
        st.caption(
            f"Each training batch sends 100 % of its mass down its column; matched alike, "
            f"{percent(found.even)} would go to each validation batch. The shares lie between "
            f"{percent(found.share.min())} and {percent(found.share.max())}. An image's value is "
            "the mean over the validation batches, weighted by them."
        )


def _batch_facts(run: Run, left: int, right: int) -> str:
    """Say how the run was cut, and where one problem on the whole sets would have cost less."""
    record = run.record
    if left * right == 1:
        return "Each set was one batch, so this is LAVA: there is nothing to match."
    kind = "stratified by class" if record.details.get("batches") == "stratified" else "random"
    text = (
        f"{left:,} training and {right:,} validation batches, {kind}, at most "
        f"{record.details.get('batch_size', 0):,} images each: {left * right:,} problems of "
        "optimal transport, and one between the batches."
    )
    taken = record.seconds.get("Valuation", 0.0)
    lava = lava_seconds(record.train.images, record.validation.images, run.x.shape[1])
    if lava < taken:
        text += (
            f" The batches took {duration(taken)}; LAVA, one problem on the whole sets, takes "
            f"about {duration(lava)}."
        )
    return text


def _cost_sentence(found: BatchMatching) -> str:
    text = (
        f"The costs lie between {number(found.cost.min())} and {number(found.cost.max())} and vary "
        f"by {percent(found.variation)} around their mean. "
    )
    if not found.apart:
        return f"{text}No column stands out: the training batches are alike."
    named = ", ".join(str(batch + 1) for batch in found.apart[:5])
    return (
        f"{text}Unlike the others in cost: training batch {named}. Look for what its images have "
        "in common."
    )


run = shell.require_run("Overview")
additions.follow(run)
if (chosen := st.session_state.pop(state.CLASS_TO_OPEN, None)) is not None:
    links.go("review", run.id, **{state.CLASS: chosen}, **links.ALONE)
with st.spinner("Finding what looks harmful"):
    cut = run.cut
    decisions = RunDecisions(open_store(home()), run)
    decided = decisions.counts()
_trust(run)
_metrics(run, cut, decided)
if any(decided.values()):
    _review(run, decisions)
_chosen_settings(run)
left, right = st.columns([1.1, 1], gap="medium")
with left:
    _distribution(run, cut)
with right:
    _classes(run, cut)
_worst(run)
_batches(run)
additions.result(run, cut)
additions.ask(run)
