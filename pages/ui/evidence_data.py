"""What the inspector shows of one training image, ready for JSON."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pandas as pd

from core.curation import ScoreColumn, score_columns, scores_version
from core.runs import Copies, ImageEvidence, Run, home
from pages.ui.review_data import OpenedRun

STRIP = 7  # images in each row of the evidence
_LOOK_AGAIN_S = 5.0  # scores that were imported meanwhile show after this time


def evidence(opened: OpenedRun, row: int) -> dict[str, Any]:
    """Return the evidence on training image `row`.

    Raises
    ------
    IndexError : there is no such row
    """
    found = opened.evidence.of(row, k=STRIP)
    plan = found.plan
    train, validation = _Side(opened.run.values), _Side(opened.run.validation)
    nearest = validation.listed(plan.nearest, distance=plan.nearest_distance)
    return {
        "row": row,
        "reasons": list(found.reasons),
        "flagged": found.flagged,
        "feature_cost": plan.feature_cost,
        "label_cost": plan.label_cost,
        "matched": validation.listed(plan.matched, share=plan.matched_mass),
        "own": validation.listed(plan.own, distance=plan.own_distance),
        "other": validation.listed(plan.other, distance=plan.other_distance),
        "overall": [] if len(plan.other) else nearest,
        "training": train.listed(found.training.rows, distance=found.training.distance),
        "copies": {
            "training": train.copies(found.training_copies),
            "validation": validation.copies(found.validation_copies),
            "rule": found.rule,
        },
        **_judgement(found),
        "scores": _scores(opened, row),
    }


class _Side:
    """The images of one set, as they are listed."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._ids, self._labels = table["id"], table["label"].to_numpy()

    def listed(self, rows: np.ndarray, **amounts: np.ndarray) -> list[dict[str, Any]]:
        """Return the first images of `rows`, each with its share of each amount."""
        shown = rows[:STRIP].tolist()
        parts = [(name, amount[: len(shown)].tolist()) for name, amount in amounts.items()]
        return [
            {**self._image(row), **{name: amount[place] for name, amount in parts}}
            for place, row in enumerate(shown)
        ]

    def copies(self, found: Copies) -> dict[str, Any]:
        """Return how many copies there are by label, how many are exact, and the first of them."""
        labels, counts = np.unique(self._labels[found.rows], return_counts=True)
        return {
            "labels": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
            "exact": int(found.exact.sum()),
            "images": [
                {**self._image(row), "exact": exact}
                for row, exact in zip(
                    found.rows[:STRIP].tolist(), found.exact[:STRIP].tolist(), strict=True
                )
            ],
        }

    def _image(self, row: int) -> dict[str, Any]:
        return {"row": row, "id": str(self._ids.iloc[row]), "label": int(self._labels[row])}


def _judgement(found: ImageEvidence) -> dict[str, Any]:
    """Return the label suggested, and what a calibrated run says of a fault; None where nothing."""
    suggestion = {"label": found.suggested, "confidence": found.confidence}
    fault = {"kind": found.fault, "probability": found.fault_probability}
    return {
        "suggestion": None if found.suggested is None else suggestion,
        "fault": None if found.fault is None else fault,
    }


class _Scores:
    """The score columns of a run, read again when they have changed."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._looked = -_LOOK_AGAIN_S
        self._version = ""
        self._columns: list[ScoreColumn] = []

    def columns(self) -> list[ScoreColumn]:
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_AGAIN_S:
                version = scores_version(home(), self._run)
                if version != self._version:
                    self._version, self._columns = version, score_columns(home(), self._run)
                self._looked = time.monotonic()
            return self._columns


def _scores(opened: OpenedRun, row: int) -> list[dict[str, Any]]:
    """Return what other methods and tools say of the image, those that have a score for it."""
    listed = []
    for column in opened.once("scores", lambda: _Scores(opened.run)).columns():
        if not column.ranks[row]:
            continue
        listed.append(
            {
                "key": column.key,
                "title": column.title,
                "origin": column.origin,
                "score": float(column.values[row]),
                "rank": int(column.ranks[row]),
                "of": int(column.ranks.max()),
                "flagged": None if column.flagged is None else bool(column.flagged[row]),
            }
        )
    return listed
