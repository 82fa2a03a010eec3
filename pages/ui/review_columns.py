"""The ranking of a run as a browser holds it: one array of numbers a column, rows for names.

A run never changes, so a training image is named by its row. A million rows are a few megabytes of
columns; ids are looked up for what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.curation import ScoreColumn, score_columns
from core.runs import home
from pages.ui.http import Payload
from pages.ui.review_data import OpenedRun
from pages.ui.words import source_labels


def binary(array: np.ndarray, *, compress: bool = False) -> Payload:
    """Return the bytes of an array whose dtype says little endian."""
    return Payload.of(array.tobytes(), "application/octet-stream", compress=compress)


def described(opened: OpenedRun) -> dict[str, Any]:
    """Return what a browser must know before it asks for columns, ready for JSON."""
    run = opened.run
    return {
        "run": run.id,
        "dataset": opened.dataset,
        "n": opened.n,
        "pictures": run.record.train.has_pictures,
        "classes": list(run.class_names),
        "plan": run.has_plan,
        "neutral": run.neutral_value,
        "sources": source_labels([part.source for part in run.record.training_parts]),
        "columns": [
            column for score in score_columns(home(), run) for column in _described_score(score)
        ],
    }


def _described_score(score: ScoreColumn) -> list[dict[str, Any]]:
    """Return the scores, and the flags where there are some, as columns of their own."""
    shown = {"title": score.title, "better": score.better, "origin": score.origin}
    columns = [{"key": f"score:{score.key}", "kind": "score", **shown}]
    if score.has_flags:
        columns.append({**shown, "key": f"flag:{score.key}", "kind": "flag"})
    return columns


def column(opened: OpenedRun, key: str) -> Payload | None:
    """Return one column over all rows, little endian; None where the run has no such column.

    `order` uint32, rows with the worst first; `value` float32; `label`, `looks_like`, `source` and
    `suggested` uint16, positions in what `described` lists, 65535 for none;
    `suggested_confidence` and `score:...` float32, NaN for none; `flag:...` uint8.
    """
    make = _COLUMNS.get(key)
    if make is not None:
        return opened.once(f"column {key}", lambda: binary(make(opened), compress=True))
    kind, _, name = key.partition(":")
    for score in score_columns(home(), opened.run) if kind in ("score", "flag") else ():
        if score.key == name:
            return _score_column(score, kind)
    return None


def _score_column(score: ScoreColumn, kind: str) -> Payload | None:
    if kind == "score":
        return binary(score.values.astype("<f4"), compress=True)
    return None if score.flagged is None else binary(score.flagged.astype("u1"), compress=True)


def _order(opened: OpenedRun) -> np.ndarray:
    return opened.run.order.astype("<u4")


def _value(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["value"].to_numpy().astype("<f4")


def _label(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["label"].to_numpy().astype("<u2")


def _looks_like(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["looks_like"].to_numpy().astype("<u2")


def _source(opened: OpenedRun) -> np.ndarray:
    return opened.run.part.astype("<u2")


def _suggested(opened: OpenedRun) -> np.ndarray:
    return opened.evidence.suggestions.label.astype("<u2")


def _confidence(opened: OpenedRun) -> np.ndarray:
    return opened.evidence.suggestions.confidence.astype("<f4")


_COLUMNS: dict[str, Callable[[OpenedRun], np.ndarray]] = {
    "order": _order,
    "value": _value,
    "label": _label,
    "looks_like": _looks_like,
    "source": _source,
    "suggested": _suggested,
    "suggested_confidence": _confidence,
}


def ids_of(opened: OpenedRun, rows: list[int]) -> list[str]:
    """Return the ids of training images by row; raises `IndexError` where there is no such row."""
    if rows and not 0 <= min(rows) <= max(rows) < opened.n:
        raise IndexError(max(rows))
    found: list[str] = opened.run.values["id"].iloc[rows].tolist()
    return found


def row_of_id(opened: OpenedRun, image_id: str) -> int | None:
    """Return the row of a training image by its id, None where the run does not hold it."""
    row = pc.index(_ids(opened), pa.scalar(image_id, _ids(opened).type)).as_py()
    return None if row < 0 else int(row)


def find_rows(opened: OpenedRun, text: str) -> np.ndarray:
    """Return the rows, int64, rising, of the training images whose id holds `text`, any case."""
    mask = pc.match_substring(_ids(opened), text, ignore_case=True)
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False))


def _ids(opened: OpenedRun) -> pa.Array:
    """Return the ids as one Arrow array: a million are searched in milliseconds."""

    def make() -> pa.Array:
        found = pa.array(opened.run.values["id"])
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

    return opened.once("ids", make)
