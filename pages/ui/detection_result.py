"""One experiment: which method to use, the evidence for it, and the images behind each point."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import RunError
from core.evaluation import recommend
from core.lab import ALL_FAULTS, Experiment
from core.runs import Run, home
from pages.ui import charts, detection_strip, links, state
from pages.ui.cache import opened_run
from pages.ui.detection_charts import Mark, detection_chart, effect_chart
from pages.ui.detection_data import (
    ACCURACY,
    CONFIDENCE,
    SHARE,
    SUCCESS,
    Quantity,
    curve_sentence,
    detection_lines,
    detection_summary,
    effect_lines,
    effect_sentence,
    faulty_share,
    looks,
    standing,
    suggested_sentence,
)
from pages.ui.detection_point import chosen_method, chosen_rank, follow_clicks
from pages.ui.detection_table import styled
from pages.ui.state import Keys
from pages.ui.words import duration, escape, images, when

_ENDS = {"worst": "The worst first", "best": "The best first"}
_EFFECT_WORDS = (
    "Each point is a model trained anew without the images that a method ranks worst. A good "
    "ranking lets accuracy rise, or keeps it, while faults go; once sound images go too, it falls. "
    "*Faults first* is what somebody who knows them could reach; a random order shows what fewer "
    "images alone cost."
)
_ATTACK = {one.column: one for one in (SUCCESS, CONFIDENCE)}


def show(experiment: Experiment) -> None:
    """Draw the experiment: its answer first, then the evidence."""
    with st.spinner("Reading the comparison"):
        names = standing(experiment)
        values = experiment.values
    method = chosen_method(names, names[0])
    rank = chosen_rank(len(values), round(SHARE * len(values)))
    _answer(experiment)
    kind = _kind(experiment)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        _curves(experiment, kind, method, rank)
    with right:
        _table(experiment, kind, method)
    _images(experiment, method, rank)
    _effects(experiment, method)
    _how(experiment)


def _answer(experiment: Experiment) -> None:
    """Say which method to use, and what that stands on."""
    found = recommend(experiment.detection, experiment.record.titles)
    st.subheader("Which method should I use on my data?", anchor=False)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{escape(found.sentence)}**")
        if found.notes:
            st.markdown(" ".join(escape(note) for note in found.notes))
        st.caption(_compared(experiment))


def _compared(experiment: Experiment) -> str:
    """Return a line that says what was compared, as Markdown."""
    record = experiment.record
    faults = sum(record.faults.values())
    seeds = len(record.seeds)
    return (
        f"{escape(record.title)}: {faults:,} of {images(record.data.images)} are faulty · "
        f"{len(record.methods)} methods on {escape(record.embedder)} · "
        f"{'one seed' if seeds == 1 else f'{seeds} seeds'} · {when(record.created)}"
    )


def _kind(experiment: Experiment) -> str:
    """Ask which kind of fault the curves and the table are about, where there are several."""
    kinds = experiment.record.kinds
    if len(kinds) < 2:
        return ALL_FAULTS
    chosen = st.segmented_control(
        "Faults of which kind",
        [ALL_FAULTS, *kinds],
        default=ALL_FAULTS,
        required=True,
        format_func=str.capitalize,
        key=Keys.DETECTION_KIND,
        help="One kind is held against the sound images alone.",
    )
    return str(chosen)


def _curves(experiment: Experiment, kind: str, method: str, rank: int) -> None:
    st.subheader("How many faults are found, and how soon?", anchor=False)
    n = len(experiment.values)
    # A point of another kind's curve lies at a share of fewer images: no ring is drawn there.
    mark = Mark(method, rank / n) if kind == ALL_FAULTS else None
    st.plotly_chart(
        detection_chart(
            detection_lines(experiment, kind, method), faulty_share(experiment, kind), mark
        ),
        key=Keys.DETECTION_CURVE,
        on_select=lambda: follow_clicks(Keys.DETECTION_CURVE, n),
        selection_mode="points",
        config=charts.NO_ZOOM,
        alt="Share of faults found against share of images inspected, worst first, one line a "
        "method, with the random and the optimal order; the table beside it holds the figures.",
    )
    several = " Bands are one standard deviation over the seeds." if _several(experiment) else ""
    st.caption(
        f"The higher and the further left a line, the better.{several} Click a point to see the "
        "images that lie there."
    )


def _several(experiment: Experiment) -> bool:
    return len(experiment.record.seeds) > 1


def _table(experiment: Experiment, kind: str, method: str) -> None:
    st.subheader("How good is each method?", anchor=False)
    table = detection_summary(experiment, kind)

    def choose() -> None:
        cells = st.session_state[Keys.DETECTION_TABLE]["selection"]["cells"]
        if cells:
            st.query_params[state.METHOD] = str(table["method"].iloc[cells[0][0]])

    st.dataframe(
        styled(table, looks(experiment, method)),
        key=Keys.DETECTION_TABLE,
        on_select=choose,
        selection_mode="single-cell",
        hide_index=True,
        height="content" if len(table) <= 11 else 440,
        alt="Detection by each method, best first",
        column_config={
            "line": st.column_config.Column("", width=28),
            "title": st.column_config.Column("Method"),
            "average_precision": st.column_config.Column(
                "AP",
                help="Average precision: mean share of faults among the images inspected so far, "
                "at each fault found. A random order has the share of faults.",
            ),
            "auroc": st.column_config.Column(
                "AUROC",
                help="How often a faulty image ranks before a sound one: 1 is perfect, 0.5 random.",
            ),
            "recall": st.column_config.Column(
                "Recall at 10 %", help="Share of the faults within the worst tenth."
            ),
            "seconds": st.column_config.Column(
                "Seconds", help="Of the valuation. The embedding is shared by all and not counted."
            ),
        },
    )
    spread = "± is one standard deviation over the seeds. " if _several(experiment) else ""
    st.caption(f"{spread}Select a row to see that method's images and to bring out its curve.")
    st.markdown(curve_sentence(experiment, kind, method))


def _images(experiment: Experiment, method: str, rank: int) -> None:
    st.subheader("Which images lie there?", anchor=False)
    run = _run_of(experiment)
    if run is None:
        st.caption(
            "The run of this comparison has been removed, so its images cannot be shown. Start the "
            "comparison again to bring it back."
        )
        return
    values = experiment.values
    if len(values) != len(run.values):
        st.caption("The run of this comparison holds other images, so they cannot be shown.")
        return
    value = np.empty(len(values))
    value[values["row"]] = values[method]
    known = values.set_index("row")[["fault", "clean_label"]].sort_index()
    detection_strip.strip(run, value, known, rank, experiment.record.titles[method])
    if _several(experiment):
        st.caption("Of the first seed: the faults lie in other images for each.")


def _run_of(experiment: Experiment) -> Run | None:
    if experiment.record.run is None:
        return None
    try:
        return opened_run(home(), experiment.record.run)
    except RunError:
        return None


def _effects(experiment: Experiment, method: str) -> None:
    if experiment.effects.empty:
        return
    st.subheader("What happens to a model that is trained without them?", anchor=False)
    attack = bool(experiment.effects["attack_success"].notna().any())
    with st.container(horizontal=True, vertical_alignment="center"):
        end = st.segmented_control(
            "Which images go",
            list(_ENDS),
            format_func=_ENDS.__getitem__,
            default="worst",
            required=True,
            key=Keys.DETECTION_END,
        )
        what = SUCCESS.column
        if attack:
            what = st.segmented_control(
                "What the attack does",
                list(_ATTACK),
                format_func=lambda name: _ATTACK[name].title.capitalize(),
                default=SUCCESS.column,
                required=True,
                key=Keys.DETECTION_ATTACK,
            )
    if sentence := suggested_sentence(experiment, method):
        st.markdown(sentence)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**How accurate is it?**")
        _effect(experiment, ACCURACY, str(end), method)
    with right:
        if attack:
            st.markdown("**Does the attack still work?**")
            _effect(experiment, _ATTACK[str(what)], str(end), method)
        else:
            st.markdown("**What to see in it**")
            st.markdown(_EFFECT_WORDS)


def _effect(experiment: Experiment, quantity: Quantity, end: str, method: str) -> None:
    shares, lines, untouched = effect_lines(experiment, quantity, end, method)
    if not lines:
        st.caption("Not measured for this order.")
        return
    st.plotly_chart(
        effect_chart(shares, lines, quantity.title, untouched),
        key=Keys.of(Keys.DETECTION_EFFECT, quantity.column),
        config=charts.CHART_CONFIG,
        alt=f"{quantity.title.capitalize()} against the share of images removed, a line a method.",
    )
    if end == "worst":
        st.caption(f"{effect_sentence(shares, lines, quantity, untouched)} Colors as above.")
    else:
        st.caption(
            "Where the best go first, a good ranking makes the model worse sooner. Colors as above."
        )


def _how(experiment: Experiment) -> None:
    """Say how it was measured and who did not take part."""
    record = experiment.record
    if record.learner_note:
        st.caption(escape(record.learner_note))
    for name, why in record.skipped.items():
        st.caption(f"{record.titles[name]} did not take part: {escape(why)}.")
    if record.removed_classes:
        gone = ", ".join(escape(name) for name in record.removed_classes)
        st.caption(f"The validation set was used without {gone}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Computed on {escape(record.device)} in {duration(record.seconds.get('Total', 0.0))}. "
            f"Everything is in {escape(str(experiment.path))}.",
            width="stretch",
        )
        if record.run is not None:
            links.link("overview", "Open the run of these data", run=record.run)
