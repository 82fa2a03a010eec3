"""What the Detection page shows of an experiment: lines, a table and sentences; no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.evaluation import summarize
from core.lab import Experiment, recall_column
from pages.ui.charts import PALETTE
from pages.ui.detection_charts import COLORED, GRID, Line, method_color
from pages.ui.words import percent

SHARE = 0.1
# Orders that are no method's, by name: what they are called, and how they are drawn.
REFERENCES = {"random": ("random order", "dash"), "truth": ("faults first", "solid")}


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured of a retrained learner: its column, its name, and whether less is better."""

    column: str
    title: str
    less_is_better: bool = False


ACCURACY = Quantity("accuracy", "accuracy")
SUCCESS = Quantity("attack_success", "attack success", less_is_better=True)
CONFIDENCE = Quantity("target_confidence", "confidence in the target", less_is_better=True)


def standing(experiment: Experiment) -> list[str]:
    """Return the methods, best first over all faults: the order of their colors."""
    return [str(name) for name in summarize(experiment.detection)["method"]]


def detection_summary(experiment: Experiment, kind: str) -> pd.DataFrame:
    """Return one row a method, best first: title, and mean and spread of each measure.

    Columns as those of `core.evaluation.summarize`, with the recall within the first tenth named
    recall, and title.
    """
    table = summarize(experiment.detection, kind)
    recall = recall_column(SHARE)
    table = table.rename(columns={recall: "recall", f"{recall}_spread": "recall_spread"})
    titles = experiment.record.titles
    return table.assign(title=[titles.get(name, name) for name in table["method"]])


def detection_lines(experiment: Experiment, kind: str, chosen: str) -> list[Line]:
    """Return the curve of each method for faults of `kind`; `chosen` is never drawn grey."""
    curves = experiment.curves
    lines = []
    for method, (color, dash) in looks(experiment, chosen).items():
        if method not in curves.methods:
            continue
        mean, deviation = curves.band(method, kind)
        if np.isnan(mean).all():
            continue
        y = np.interp(GRID, curves.share, mean)
        around = np.interp(GRID, curves.share, deviation)
        several = len(curves.seeds) > 1
        lines.append(
            Line(
                method=method,
                title=experiment.record.titles.get(method, method),
                y=y,
                low=np.clip(y - around, 0, 1) if several else None,
                high=np.clip(y + around, 0, 1) if several else None,
                color=color,
                dash=dash,
            )
        )
    return lines


def looks(experiment: Experiment, chosen: str) -> dict[str, tuple[str | None, str]]:
    """Return color and dash of each method: its own in all figures, grey beyond the first six.

    The one that is looked at takes the last color where it would be grey.
    """
    names = standing(experiment)
    found = {name: method_color(place) for place, name in enumerate(names)}
    if found.get(chosen, ("", ""))[0] is None:
        last = names[COLORED - 1]
        found[chosen], found[last] = found[last], found[chosen]
    return found


def faulty_share(experiment: Experiment, kind: str) -> float:
    """Return the share of faults of `kind` among the images that they are ranked with."""
    table = experiment.detection
    rows = table[table["fault"] == kind]
    return float((rows["faults"] / rows["images"]).mean())


def curve_sentence(experiment: Experiment, kind: str, method: str) -> str:
    """Say what the curve of `method` shows, beside a random order and a perfect one."""
    table = experiment.detection
    rows = table[(table["fault"] == kind) & (table["method"] == method)]
    found = float(rows[recall_column(SHARE)].mean())
    share = faulty_share(experiment, kind)
    title = experiment.record.titles.get(method, method)
    return (
        f"{title} finds **{percent(found)}** of the faults in the worst tenth of the images; a "
        f"random order finds {percent(SHARE)}, a perfect one {percent(min(1.0, SHARE / share))}."
    )


def effect_lines(
    experiment: Experiment, quantity: Quantity, end: str, chosen: str
) -> tuple[np.ndarray, list[Line], float | None]:
    """Return the shares removed, a line for each order, and the quantity with nothing removed.

    There are no shares where the quantity was not measured.

    Parameters
    ----------
    end : "worst" or "best": which images go first
    """
    table = experiment.effects
    table = table[(table["end"] == end) & table[quantity.column].notna()]
    if table.empty:
        return np.zeros(0), [], None
    shares = np.sort(table["share"].unique())
    look = looks(experiment, chosen)
    orders = [name for name in look if name not in REFERENCES] + list(REFERENCES)
    lines = []
    for order in orders:
        rows = table[table["order"] == order]
        if rows.empty:
            continue
        color, dash = look.get(order, (None, "solid"))
        if order in REFERENCES:
            color, dash = PALETTE.reference, REFERENCES[order][1]
        title = experiment.record.titles.get(order, order)
        lines.append(
            _effect_line(
                rows,
                quantity,
                shares,
                Line(
                    method=order,
                    title=REFERENCES[order][0] if order in REFERENCES else title,
                    y=shares,
                    color=color,
                    dash=dash,
                ),
            )
        )
    nothing = table[table["share"] == 0.0][quantity.column]
    return shares, lines, None if nothing.empty else float(nothing.mean())


def _effect_line(rows: pd.DataFrame, quantity: Quantity, shares: np.ndarray, line: Line) -> Line:
    """Return `line` with the mean of a quantity at each share, and its spread over the seeds."""
    by_share = rows.groupby("share")[quantity.column]
    mean = by_share.mean().reindex(shares).to_numpy()
    spread = by_share.std(ddof=1).reindex(shares).to_numpy()
    if not np.isfinite(spread).all():
        return replace(line, y=mean)
    low, high = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
    return replace(line, y=mean, low=low, high=high)


def effect_sentence(
    shares: np.ndarray, lines: Sequence[Line], quantity: Quantity, untouched: float | None
) -> str:
    """Say which order helps most, where, and how that compares with removing nothing."""
    own = [line for line in lines if line.method not in REFERENCES]
    if not own or untouched is None:
        return ""
    pick = min if quantity.less_is_better else max
    best = pick(own, key=lambda line: _best(line, quantity))
    at = int(np.nanargmin(best.y) if quantity.less_is_better else np.nanargmax(best.y))
    value = float(best.y[at])
    better = value < untouched if quantity.less_is_better else value > untouched
    if not better:
        return (
            f"With nothing removed the {quantity.title} is **{percent(untouched)}**; no share that "
            "was tried makes it better."
        )
    return (
        f"With nothing removed the {quantity.title} is {percent(untouched)}; without the worst "
        f"{percent(float(shares[at]))} by {best.title} it is **{percent(value)}**."
    )


def suggested_sentence(experiment: Experiment, method: str) -> str:
    """Say what the removal does that a plan by `method` proposes; "" if not measured."""
    tried = experiment.suggested(method)
    if tried is None:
        return ""
    title = experiment.record.titles.get(method, method)
    words = (
        f"The prune plan suggests to remove **{percent(tried.share)}** of the images by {title}. "
        f"Without them accuracy is **{percent(tried.accuracy[1])}** instead "
        f"of {percent(tried.accuracy[0])}"
    )
    before, after = tried.attack_success
    if np.isnan(before):
        return f"{words}."
    return (
        f"{words}, and the attack succeeds in **{percent(after)}** of the cases instead of "
        f"{percent(before)}."
    )


def _best(line: Line, quantity: Quantity) -> float:
    return float(np.nanmin(line.y) if quantity.less_is_better else np.nanmax(line.y))
