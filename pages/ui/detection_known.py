"""The values of the open run, held against faults that are known."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from core.datasets import sample_truth_path
from core.errors import DataError
from core.evaluation import Evaluation, evaluate, read_truth
from core.paths import absolute_path
from core.runs import Run
from core.valuation import method_title
from pages.ui import charts, detection_strip
from pages.ui.detection_charts import Line, Mark, detection_chart, found_at, method_color
from pages.ui.detection_point import chosen_rank, follow_clicks
from pages.ui.state import Keys
from pages.ui.words import percent

SAMPLE, UPLOAD, PATH = "Planted in the sample", "Upload a file", "A file by path"
SHARE = 0.1


def is_sample(run: Run) -> bool:
    """Return whether the faults of the run are known: it is of the bundled sample."""
    return run.record.train.source == "sample:train"


def show(run: Run) -> bool:
    """Ask for the truth and hold the run against it; return whether there is one."""
    truth = _truth(run)
    if truth is None:
        st.info(
            "Give a truth file to see how well the values find known faults: CSV, Parquet or JSON "
            "with one row a faulty image, the column id, and optionally fault, its kind. Without "
            "one, plant faults of your own choice.",
            icon=":material/info:",
        )
        return False
    with st.spinner("Comparing with the truth"):
        found = evaluate(run.values, truth)
    _metrics(found)
    left, right = st.columns([1.25, 1], gap="medium")
    rank = chosen_rank(len(run.values), round(SHARE * len(run.values)))
    with left:
        _chart(run, found, rank)
    with right:
        st.subheader("What to see in it", anchor=False)
        st.markdown(_sentence(found))
        st.subheader("Which kinds of fault are found?", anchor=False)
        _kinds(found)
        if found.unmatched:
            st.caption(f"Ids of the truth that are not in this run: {len(found.unmatched):,}.")
    st.subheader("Which images lie there?", anchor=False)
    title = method_title(run.record.method)
    detection_strip.strip(
        run, run.values["value"].to_numpy(), known_of(run, truth), rank, f"Ranked by {title}"
    )
    return True


def known_of(run: Run, truth: pd.DataFrame) -> pd.DataFrame:
    """Return fault and clean_label of each row of `run.values`; "" where there is none."""
    told = truth.set_index("id").reindex(run.values["id"])
    clean = told["clean_label"] if "clean_label" in told else pd.Series("", index=told.index)
    return pd.DataFrame(
        {
            "fault": told["fault"].fillna("").astype(str).to_numpy(),
            "clean_label": clean.fillna("").astype(str).to_numpy(),
        }
    )


def _truth(run: Run) -> pd.DataFrame | None:
    """Ask where the truth is and read it; None until a file is given."""
    sample = is_sample(run)
    left, right = st.columns([1, 1.6], gap="medium", vertical_alignment="bottom")
    kind = left.segmented_control(
        "Known faults",
        [SAMPLE, UPLOAD, PATH] if sample else [UPLOAD, PATH],
        default=SAMPLE if sample else PATH,
        required=True,
        key=Keys.DETECTION_TRUTH,
    )
    if kind == SAMPLE:
        right.caption("6 % wrong labels, 2 % noisy images and 2 % backdoors, planted on purpose.")
        return read_truth(sample_truth_path())
    if kind == UPLOAD:
        given = right.file_uploader(
            "Truth file", type=["csv", "parquet", "json"], key=Keys.DETECTION_UPLOAD
        )
        return None if given is None else _uploaded(given.name, given.getvalue())
    path = right.text_input(
        "Truth file", key=Keys.DETECTION_PATH, placeholder="/data/truth.csv"
    ).strip()
    return read_truth(absolute_path(path)) if path else None


def _uploaded(name: str, content: bytes) -> pd.DataFrame:
    """Read an upload through a file whose name is ours; the client's name is only shown."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"truth{Path(name).suffix.lower()}"
        path.write_bytes(content)
        try:
            return read_truth(path)
        except DataError as error:
            raise DataError(str(error).replace(str(path), name)) from error


def _metrics(found: Evaluation) -> None:
    curve = found.overall
    chance = curve.faults / curve.images
    cards = st.columns(4, gap="small")
    for card, label, value, random, meaning in (
        (cards[0], "Known faults", f"{curve.faults:,}", f"{percent(chance)} of the images", None),
        (
            cards[1],
            "AUROC",
            f"{curve.auroc:.3f}",
            "random 0.500",
            "How often a faulty image has a lower value than a sound one: 1 is perfect.",
        ),
        (
            cards[2],
            "Average precision",
            f"{curve.average_precision:.3f}",
            f"random {chance:.3f}",
            "Mean share of faults among the images inspected so far, at each fault found.",
        ),
        (
            cards[3],
            "Recall at 10 %",
            percent(curve.recall_at(SHARE)),
            f"random {percent(SHARE)}",
            "Share of all faults that lie among the worst tenth of the images.",
        ),
    ):
        card.metric(
            label,
            value,
            delta=random,
            delta_color="off",
            delta_arrow="off",
            help=meaning,
            border=True,
            height="stretch",
        )


def _chart(run: Run, found: Evaluation, rank: int) -> None:
    st.subheader("How many faults are found, and how soon?", anchor=False)
    curve, method = found.overall, run.record.method
    color, dash = method_color(0)
    line = Line(method=method, title="this run", y=found_at(curve), color=color, dash=dash)
    mark = Mark(method, rank / curve.images)
    st.plotly_chart(
        detection_chart([line], curve.faults / curve.images, mark),
        key=Keys.DETECTION_CURVE,
        on_select=lambda: follow_clicks(Keys.DETECTION_CURVE, curve.images),
        selection_mode="points",
        config=charts.NO_ZOOM,
        alt="Share of faults found against share of images inspected, worst first, with the "
        "random and the optimal order.",
    )


def _sentence(found: Evaluation) -> str:
    """Say what the chart shows."""
    curve = found.overall
    count = round(SHARE * curve.images)
    best = min(1.0, count / curve.faults)
    faults = "the only fault" if curve.faults == 1 else f"the {curve.faults:,} faults"
    return (
        f"Whoever inspects the worst {count:,} of {curve.images:,} images finds "
        f"**{percent(curve.recall_at(SHARE))}** of {faults}; a random order "
        f"finds {percent(SHARE)}, a perfect one {percent(best)}. Of those inspected, "
        f"{percent(curve.precision_at(SHARE))} are faulty. Click a point of the curve to see the "
        "images that lie there."
    )


def _kinds(found: Evaluation) -> None:
    table = found.table(SHARE)
    table["recall"] *= 100
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="Detection of each kind of fault",
        column_config={
            "fault": st.column_config.TextColumn("Fault"),
            "faults": st.column_config.NumberColumn("Images", format="localized"),
            "auroc": st.column_config.NumberColumn("AUROC", format="%.3f"),
            "average_precision": st.column_config.NumberColumn("AP", format="%.3f"),
            "recall": st.column_config.NumberColumn("Recall at 10 %", format="%.1f %%"),
            "random_average_precision": st.column_config.NumberColumn("AP, random", format="%.3f"),
        },
    )
    st.caption("Each kind is held against the sound images alone; a random AUROC is 0.5.")
