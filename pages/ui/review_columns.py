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

from pages.ui.http import Payload
from pages.ui.review_data import OpenedRun
from pages.ui.words import source_name

NONE = 65535  # no class, where a column holds classes


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
        "neutral": run.record.neutral_value,
        "sources": [source_name(part.source) for part in run.record.training_parts],
        "columns": [],
    }


def column(opened: OpenedRun, key: str) -> Payload | None:
    """Return one column over all rows, little endian; None where the run has no such column.

    `order` uint32, rows with the worst first; `value` float32; `label`, `looks_like` and `source`
    uint16, positions in what `described` lists.
    """
    make = _COLUMNS.get(key)
    if make is None:
        return None
    return opened.once(f"column {key}", lambda: binary(make(opened), compress=True))


def _order(opened: OpenedRun) -> np.ndarray:
    value = opened.run.values["value"].to_numpy(dtype=np.float64)
    return np.argsort(value, kind="stable").astype("<u4")


def _value(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["value"].to_numpy().astype("<f4")


def _label(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["label"].to_numpy().astype("<u2")


def _looks_like(opened: OpenedRun) -> np.ndarray:
    return opened.run.values["looks_like"].to_numpy().astype("<u2")


def _source(opened: OpenedRun) -> np.ndarray:
    parts = opened.run.record.training_parts
    sizes = [part.images for part in parts] if len(parts) > 1 else [opened.n]
    return np.repeat(np.arange(len(parts), dtype="<u2"), sizes)


_COLUMNS: dict[str, Callable[[OpenedRun], np.ndarray]] = {
    "order": _order,
    "value": _value,
    "label": _label,
    "looks_like": _looks_like,
    "source": _source,
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


def rows_of_ids(opened: OpenedRun, ids: list[str]) -> np.ndarray:
    """Return the row of each of `ids`, int64; -1 where the run does not hold it."""
    if not ids:
        return np.empty(0, dtype=np.int64)
    found = pc.index_in(pa.array(ids, _ids(opened).type), _ids(opened))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
