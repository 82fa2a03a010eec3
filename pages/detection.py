"""Detection: how well the values find faults that are known."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from core.datasets import sample_truth_path
from core.errors import DataError
from core.evaluation import Evaluation, evaluate, read_truth
from core.runs import Run
from pages.ui import charts, shell
from pages.ui.state import Keys
from pages.ui.words import percent

SAMPLE, UPLOAD, PATH = "Planted in the sample", "Upload a file", "A file by path"
SHARE = 0.1


def _truth(run: Run) -> pd.DataFrame | None:
    """Ask where the truth is and read it; None until a file is given."""
    is_sample = run.record.train.source == "sample:train"
    left, right = st.columns([1, 1.6], gap="medium", vertical_alignment="bottom")
    kind = left.segmented_control(
        "Known faults",
        [SAMPLE, UPLOAD, PATH] if is_sample else [UPLOAD, PATH],
        default=SAMPLE if is_sample else PATH,
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
    return read_truth(Path(path).expanduser()) if path else None


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
        f"{percent(curve.precision_at(SHARE))} are faulty."
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


def _result(found: Evaluation) -> None:
    _metrics(found)
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        st.subheader("How many faults are found, and how soon?", anchor=False)
        st.plotly_chart(
            charts.detection_chart(found.overall),
            key=Keys.DETECTION_CURVE,
            config=charts.CHART_CONFIG,
            alt="Share of faults found against share of images inspected, worst first, with the "
            "random and the optimal order.",
        )
    with right:
        st.subheader("What to see in it", anchor=False)
        st.markdown(_sentence(found))
        st.subheader("Which kinds of fault are found?", anchor=False)
        _kinds(found)
        if found.unmatched:
            st.caption(f"Ids of the truth that are not in this run: {len(found.unmatched):,}.")


run = shell.require_run("Detection")
truth = _truth(run)
if truth is None:
    st.info(
        "Give a truth file to see how well the values find known faults: CSV, Parquet or JSON "
        "with one row a faulty image, the column id, and optionally fault, its kind.",
        icon=":material/info:",
    )
    st.stop()
with st.spinner("Comparing with the truth"):
    evaluation = evaluate(run.values, truth)
_result(evaluation)
