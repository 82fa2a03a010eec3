"""The figures of docs/studies.md: one panel a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

# Okabe and Ito's colors, told apart by color-blind eyes too; markers say the same.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vP"
NAMES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "recall_at_0.5": "found within half",
    "corrupted": "share corrupted",
    "validation_images": "validation images",
    "feature_weight": "feature weight",
    "label_weight": "label weight",
    "batch_size": "batch size",
    "label_distances": "label distances of",
    "problems": "transports between classes",
    "distance": "OT distance",
    "gain": "accuracy less random",
    "change": "change of distance",
    "lava": "LAVA",
    "sava": "SAVA",
    "batchwise-lava": "batch-wise LAVA",
    "knn-shapley": "KNN-Shapley",
    "tracin-clean": "TracIn-Clean",
    "influence": "influence",
}
Draw = Callable[[Any, pd.DataFrame], None]
"""Draws a table into an axis."""


def draw_validation_size(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's figures 9 (c) and 11."""
    own = table["method"] == "lava"
    _lines(axis, table[own], "validation_images", "average_precision")
    _points(axis, table[~own], "validation_images", "average_precision")
    sizes = sorted(set(table["validation_images"]))
    _titled(axis, "Validation images (B.2.1)", "validation images", "average precision", sizes)


def draw_weights(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's figures 9 (a) and (b)."""
    features = table[table["label_weight"] == 1].assign(method="weight of features")
    labels = table[table["feature_weight"] == 1].assign(method="weight of labels")
    _lines(axis, features, "feature_weight", "auroc")
    _lines(axis, labels, "label_weight", "auroc", first=1)
    weights = sorted(set(table["feature_weight"]) | set(table["label_weight"]))
    _titled(axis, "Weights (B.2.2, B.2.3)", "weight, the other one 1", "AUROC", weights)


def draw_embedder(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's figure 10."""
    _bars(axis, table, "embedder", "auroc")
    _titled(axis, "Embedder (LAVA, figure 10)", "", "AUROC")


def draw_batch_size(axis: Any, table: pd.DataFrame) -> None:
    """Draw SAVA's appendices G.2 and G.5."""
    whole = table["method"] == "lava"
    _lines(axis, table[~whole], "batch_size", "auroc")
    label = "LAVA, no batches"
    axis.axhline(table.loc[whole, "auroc"].mean(), color="k", ls=":", lw=1, label=label)
    sizes = sorted(set(table.loc[~whole, "batch_size"]))
    _titled(axis, "Batch size (SAVA, G.2, G.5)", "batch size", "AUROC", sizes)


def draw_caching(axis: Any, table: pd.DataFrame) -> None:
    """Draw SAVA's figure 9, without its times."""
    _bars(axis, table, "label_distances", "auroc")
    _titled(axis, "Label distances (SAVA, G.3)", "made of the images of", "AUROC")


def draw_batches(axis: Any, table: pd.DataFrame) -> None:
    """Draw SAVA's figure 10."""
    table = table.assign(method=table["fault"] + ", " + table["batches"])
    _lines(axis, table, "batch_size", "auroc")
    sizes = sorted(set(table["batch_size"]))
    _titled(axis, "How batches are made (SAVA, G.4)", "batch size", "AUROC", sizes)


def draw_distance(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's figure 1."""
    mean = table.groupby(["fault", "corrupted"], as_index=False, sort=False).mean()
    for number, (fault, rows) in enumerate(mean.groupby("fault", sort=False)):
        style = {"color": COLORS[number], "marker": MARKERS[number], "markersize": 4}
        axis.plot(rows["distance"], rows["accuracy"], label=fault, **style)
        last = rows.iloc[-1]
        place = (last["distance"], last["accuracy"])
        how = {"textcoords": "offset points", "xytext": (5, 4), "fontsize": 7}
        axis.annotate(f"{last['corrupted']:.0%}", place, **how)
    axis.margins(x=0.12)
    _titled(axis, "Distance and accuracy (LAVA, figure 1)", "OT distance", "accuracy")


def draw_kept(title: str) -> Draw:
    """Return what draws accuracy when only the best images are kept."""

    def draw(axis: Any, table: pd.DataFrame) -> None:
        _lines(axis, table, "kept", "accuracy", by="order")
        axis.invert_xaxis()
        _titled(axis, title, "share of the images kept, best first", "accuracy")

    return draw


def draw_summarization(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's figure 16."""
    _lines(axis, table[table["order"] != "random"], "kept", "gain", by="order")
    axis.axhline(0, color="k", ls=":", lw=1, label="random")
    shares = sorted(set(table["kept"]))
    x = "share of the images kept, best first"
    _titled(axis, "Summarization (B.5)", x, "accuracy less random", shares)


def draw_copies(axis: Any, table: pd.DataFrame) -> None:
    """Draw LAVA's table 3."""
    _lines(axis, table.assign(change=100 * table["change"]), "times", "change", by="what")
    x = "times the set is there; copies of one image, % of it"
    _titled(axis, "Copies (B.8)", x, "change of the distance, %")


FIGURES: dict[str, tuple[str, dict[str, Draw]]] = {
    "studies-detection.svg": (
        "What is found with each setting; a quarter of the labels is wrong, or of the embeddings "
        "noisy. Error bars: deviation over the seeds.",
        {
            "validation-size": draw_validation_size,
            "weights": draw_weights,
            "embedder": draw_embedder,
            "batch-size": draw_batch_size,
            "caching": draw_caching,
            "batches": draw_batches,
        },
    ),
    "studies-accuracy.svg": (
        "Accuracy of a linear head, and the OT distance. Error bars: deviation over the seeds.",
        {
            "distance": draw_distance,
            "rebalancing": draw_kept("Rebalancing (B.3)"),
            "reduction": draw_kept("Reduction (B.4)"),
            "summarization": draw_summarization,
            "duplication": draw_copies,
        },
    ),
}


def draw_figure(panels: list[tuple[Draw, pd.DataFrame]], path: Path) -> None:
    """Draw panels, three in a row."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "assay"
    from matplotlib import pyplot as plt

    rows = -(-len(panels) // 3)
    figure, axes = plt.subplots(rows, 3, figsize=(11, 3.3 * rows), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (draw, table) in zip(axes.flat, panels, strict=False):
        draw(axis, table)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _lines(
    axis: Any, table: pd.DataFrame, x: str, y: str, *, by: str = "method", first: int = 0
) -> None:
    """Draw mean and deviation over the seeds, one line for each of `by`."""
    for number, (name, rows) in enumerate(table.groupby(by, sort=False), first):
        found = rows.groupby(x)[y].agg(["mean", "std"])
        axis.errorbar(
            found.index,
            found["mean"],
            found["std"].fillna(0.0),
            label=NAMES.get(name, name),
            color=COLORS[number % len(COLORS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4,
            linewidth=1.2,
            capsize=2,
        )


def _points(axis: Any, table: pd.DataFrame, x: str, y: str) -> None:
    """Draw a point for each method."""
    for number, (name, rows) in enumerate(table.groupby("method", sort=False), 1):
        axis.plot(
            rows[x].mean(),
            rows[y].mean(),
            linestyle="none",
            label=NAMES.get(name, name),
            color=COLORS[number],
            marker=MARKERS[number],
            markersize=5,
        )


def _bars(axis: Any, table: pd.DataFrame, by: str, y: str) -> None:
    """Draw mean and deviation over the seeds as bars that begin at a random order's figure."""
    found = table.groupby(by, sort=False)[y].agg(["mean", "std"])
    above = found["mean"] - 0.5
    axis.bar(
        found.index, above, bottom=0.5, yerr=found["std"].fillna(0.0), color=COLORS[0], width=0.6
    )
    for place, mean in enumerate(found["mean"]):
        axis.text(place, 0.51, f"{mean:.3f}", ha="center", fontsize=8, color="white")
    axis.set_ylim(0.5, 1)


def _titled(axis: Any, title: str, x: str, y: str, ticks: Sequence[float] = ()) -> None:
    """Say what a panel shows; with ticks, on a log scale that has these alone."""
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)
    if ticks:
        axis.set_xscale("log")
        axis.set_xticks(ticks, [f"{one:,g}" if one < 1000 else f"{one:,.0f}" for one in ticks])
        axis.minorticks_off()
    axis.tick_params(labelsize=7)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=7)
