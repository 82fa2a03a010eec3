"""The prune plan on a page: what is asked for, what comes of it, and what it changes."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd
import streamlit as st

from core.curation import (
    Effect,
    PlanSettings,
    PrunePlan,
    ResolveSpec,
    Subset,
    found_effect,
    found_without_sources,
    make_plan,
    plan_job,
    source_names,
    source_table,
)
from core.errors import AssayError
from core.runs import JobStatus, Run, home, lava_seconds, list_jobs, start_job
from core.valuation import method_title
from pages.ui import jobs, shell
from pages.ui.charts import NO_ZOOM
from pages.ui.plan_charts import distance_dumbbells
from pages.ui.state import Keys
from pages.ui.words import (
    column_format,
    duration,
    escape,
    images,
    number,
    percent,
    source_labels,
)

_BUDGETS = {
    "decided": "Decided",
    "suggested": "Suggested",
    "count": "Number",
    "share": "Share",
    "value": "Value",
}
_EXPLAINED = {
    "decided": "Only images that were decided **remove** go.",
    "suggested": "All go that look harmful, beside those decided **remove**; and where images of a "
    "label look like a backdoor, all that have 1 chance in 20 of being one, for a few are enough.",
    "count": "So many images go in all: those decided **remove** first, then the worst others.",
    "share": "This share of all goes: images decided **remove** first, then the worst others.",
    "value": "Every image of a lower value goes, beside those decided **remove**.",
}


def ask(run: Run, decisions: pd.DataFrame) -> PrunePlan | None:
    """Draw the controls of the plan; return what comes of it, None where it cannot be made."""
    with st.container(border=True, gap="small"):
        budget = st.segmented_control(
            "How much goes",
            list(_BUDGETS),
            format_func=_BUDGETS.__getitem__,
            default="decided",
            required=True,
            key=Keys.EXPORT_BUDGET,
            width="stretch",
            bind="query-params",
        )
        amount = _amount(run, budget)
        st.caption(f"{_EXPLAINED[budget]} What was decided **keep** or **relabel** always stays.")
        unsure, most, least = False, 100, 0
        protected: list[str] = []
        if budget != "decided":
            unsure, most, least, protected = _limits(run)
        without = _without(run)
    try:
        return make_plan(
            run,
            decisions,
            PlanSettings(
                budget=budget,
                amount=amount,
                unsure=unsure,
                class_share=None if most == 100 else most / 100,
                class_shares=dict.fromkeys(protected, 0.0),
                class_minimum=least,
                without=tuple(without),
            ),
        )
    except AssayError as error:
        shell.show_error(error)
        return None


def _amount(run: Run, budget: str) -> float | None:
    value = run.values["value"]
    if budget == "count":
        return st.number_input(
            "Images to remove, in all",
            0,
            len(value),
            value=run.cut.count,
            key=Keys.EXPORT_COUNT,
            help="Starts at the number of images that look harmful.",
            bind="query-params",
        )
    if budget == "share":
        share = st.slider(
            "Share to remove, percent",
            0.0,
            50.0,
            5.0,
            0.5,
            key=Keys.EXPORT_SHARE,
            bind="query-params",
        )
        return share / 100
    if budget == "value":
        cut = run.cut.threshold
        step = 10.0 ** math.floor(math.log10(max(float(value.max() - value.min()), 1e-9) / 100))
        return st.number_input(
            f"Remove below this value ({run.record.value_unit})",
            value=round(cut / step) * step,
            step=step,
            format=f"%.{max(0, -math.floor(math.log10(step)))}f",
            key=Keys.EXPORT_CUT,
            help="Starts at the cut of the Overview, below which images look harmful.",
            bind="query-params",
        )
    return None


def _limits(run: Run) -> tuple[bool, int, int, list[str]]:
    """Ask what the budget must leave; decisions are not held up by it."""
    with st.expander(_limits_label(), icon=":material/shield:", key=Keys.EXPORT_LIMITS):
        unsure = st.toggle(
            "May also take images decided unsure", key=Keys.EXPORT_UNSURE, bind="query-params"
        )
        left, right = st.columns(2, gap="small", vertical_alignment="bottom")
        most = left.slider(
            "Most of a class, percent",
            0,
            100,
            100,
            5,
            key=Keys.EXPORT_CLASS_SHARE,
            bind="query-params",
        )
        least = right.number_input(
            "Fewest left in a class", 0, None, 0, key=Keys.EXPORT_CLASS_MINIMUM, bind="query-params"
        )
        protected = st.multiselect(
            "Protected classes",
            list(run.class_names),
            key=Keys.EXPORT_PROTECTED,
            placeholder="None",
            help="The plan takes nothing of them; what was decided remove still goes.",
            bind="query-params",
        )
    return unsure, most, least, protected


def _limits_label() -> str:
    """Return what the limits are called while they may be folded away: how many of them are set."""
    ordinary: dict[str, object] = {
        Keys.EXPORT_UNSURE: False,
        Keys.EXPORT_CLASS_SHARE: 100,
        Keys.EXPORT_CLASS_MINIMUM: 0,
        Keys.EXPORT_PROTECTED: [],
    }
    # Before they are first drawn only the address knows them, which omits ordinary ones.
    count = sum(
        st.session_state[key] != value if key in st.session_state else key in st.query_params
        for key, value in ordinary.items()
    )
    return f"Limits · {count} set" if count else "Limits"


def _without(run: Run) -> list[str]:
    names = source_names(run)
    if len(names) < 2:
        return []
    return st.multiselect(
        "Leave out whole sources",
        names,
        format_func=dict(zip(names, source_labels(names), strict=True)).__getitem__,
        key=Keys.EXPORT_WITHOUT,
        placeholder="None",
        help="All images of a source go that are not decided keep or relabel.",
        bind="query-params",
    )


def show_short(plan: PrunePlan) -> None:
    """Say where fewer images go than were asked for."""
    if plan.short:
        st.info(
            f"{images(plan.short)} fewer than asked for: what was decided to stay and the limits "
            "forbid more.",
            icon=":material/info:",
        )


# -- the OT distance ------------------------------------------------------------------------------


def show_effect(run: Run, plan: PrunePlan) -> Effect | None:
    """Draw what the plan does to the OT distance, or offer to solve for it; return it if known."""
    st.subheader("Does it bring the sets closer?", anchor=False)
    effect = found_effect(run, plan, home())
    if effect is not None:
        _draw_effect(run, effect)
    elif not plan.removed.any() and not plan.relabelled:
        cost = run.record.transport_cost
        stays = "as it is" if cost is None else f"at {number(cost)}"
        st.caption(f"Nothing goes and nothing is relabelled yet, so the OT distance stays {stays}.")
    elif plan.removed.all():
        st.caption("Nothing is left to solve for.")
    else:
        _offer(run, plan)
    return effect


def _offer(run: Run, plan: PrunePlan) -> None:
    asked = Subset.of(plan).id(run)
    under_way = _job_for(run, asked)
    if under_way is not None and not under_way.ended:
        jobs.panel(under_way)
        return
    if under_way is not None and under_way.state == "failed":
        st.error(escape(under_way.error), icon=":material/error:")
    seconds = 2 * lava_seconds(len(run.values), len(run.validation), run.x.shape[1]) + 6
    with st.container(border=True, gap="small"):
        st.markdown(
            "The OT distance and the label distances are known for all images. Solve again to see "
            "them for those that stay."
        )
        st.button(
            "Solve again",
            key=Keys.EXPORT_SOLVE,
            icon=":material/function:",
            on_click=partial(_start, run, plan),
        )
        st.caption(f"About {duration(seconds)}, in a process of its own. It is kept for next time.")


def _start(run: Run, plan: PrunePlan, *, by_source: bool = False) -> None:
    try:
        start_job(plan_job(run, plan, home(), by_source=by_source), home())
    except AssayError as error:
        shell.show_error(error)


def _job_for(run: Run, subset: str) -> JobStatus | None:
    """Return the latest job that solves for a subset, if there is one."""
    return next(
        (
            job
            for job in list_jobs(home())
            if isinstance(job.spec, ResolveSpec)
            and job.spec.run == run.id
            and subset in job.spec.subsets
        ),
        None,
    )


def _draw_effect(run: Run, effect: Effect) -> None:
    before, after = effect.before, effect.after
    change = after.transport_cost / before.transport_cost - 1 if before.transport_cost else 0.0
    digits = column_format([before.transport_cost, after.transport_cost])
    left, right = st.columns(2, gap="small")
    left.metric(
        "OT distance",
        digits % before.transport_cost,
        delta="now",
        delta_color="off",
        delta_arrow="off",
        help=f"In units of cost, of all {images(before.images)} as they are labelled.",
        border=True,
        height="stretch",
    )
    right.metric(
        "Of what stays",
        digits % after.transport_cost,
        delta=f"{100 * change:.3g} %",
        delta_color="inverse",
        help=f"Of {images(after.images)}, relabels applied, solved in the same way.",
        border=True,
        height="stretch",
    )
    fewer = 1 - after.images / before.images
    st.caption(
        f"{percent(fewer)} of the images go and the OT distance "
        f"{'falls' if change < 0 else 'rises'} by {percent(abs(change))}. "
        + (
            "The images that go fit the validation set worse than the others."
            if change < -fewer
            else "That is little for what goes: look at what the plan takes before you use it."
            if change < 0
            else "What stays fits the validation set less well: class shares may have shifted."
        )
    )
    if not (before.converged and after.converged):
        st.warning(
            "A solution did not converge; take the change as rough.", icon=":material/warning:"
        )
    _how_solved(run, before.transport_cost)
    st.plotly_chart(
        distance_dumbbells(before.own_class, after.own_class),
        config=NO_ZOOM,
        key=Keys.EXPORT_DISTANCES,
        alt="Distance of each training class to its validation class, before and after",
    )
    st.caption("Class by class: left is closer to the validation images of the same name.")


def _how_solved(run: Run, before: float) -> None:
    """Say why the distance may not be the one on the Overview, and where labels do not count."""
    record = run.record
    if record.transport_cost is None:
        st.caption(
            f"{method_title(record.method)} has no transport plan: both were solved by LAVA as "
            "published, on the embeddings of this run."
        )
        return
    if not math.isclose(before, record.transport_cost, rel_tol=0.005):
        st.caption(
            "Both were solved over all images at once; "
            + (
                f"the Overview's {number(record.transport_cost)} does not count images added later "
                "as a new solution would."
                if record.parent
                else f"the Overview's {number(record.transport_cost)} is by "
                f"{method_title(record.method)}."
            )
        )
    if not record.configuration["label_weight"]:
        st.caption("This run compares features alone: a wrong label costs nothing here.")


def show_sources(run: Run, plan: PrunePlan) -> None:
    """Draw what the plan takes from each source, and what leaving one out would do."""
    table = source_table(run, plan)
    if len(table) < 2:
        return
    st.subheader("Which source costs most?", anchor=False)
    found = found_without_sources(run, plan, home())
    table["distance"] = [None if item is None else item.transport_cost for item in found]
    table["source"] = source_labels(table["source"].tolist())
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="What the plan takes from each source",
        column_config={
            "source": st.column_config.TextColumn("Source"),
            "images": st.column_config.NumberColumn("Images", format="localized"),
            "removed": st.column_config.NumberColumn("Go", format="localized"),
            "share": st.column_config.NumberColumn("Share", format="percent"),
            "mean_value": st.column_config.NumberColumn(
                "Mean value", format=column_format(table["mean_value"])
            ),
            "worst_tenth": st.column_config.NumberColumn(
                "In the worst tenth",
                format="percent",
                help="10 % is ordinary; more means that the source is worse than the others.",
            ),
            "distance": st.column_config.NumberColumn(
                "OT distance without it",
                format=column_format([item.transport_cost for item in found if item], digits=4),
                help="Of what the plan keeps, less it.",
            ),
        },
    )
    if any(item is None for item in found):
        st.button(
            "Solve without each source",
            key=Keys.EXPORT_SOLVE_SOURCES,
            icon=":material/function:",
            on_click=partial(_start, run, plan, by_source=True),
        )
