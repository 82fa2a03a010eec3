"""Which images can be added to a run, and which of them are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.datasets import LabelledImages, open_source
from core.errors import DataError, RunError
from core.runs.additions import estimate_addition
from core.runs.folder import Run
from core.runs.rebuild import require_kind
from core.runs.spec import absolute_source
from core.valuation import METHODS, method_title

# Two embeddings of one picture differ by rounding: less than this share of the features' spread.
_SAME = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What adding the images of a source to a run would mean, before anything is computed.

    Attributes
    ----------
    images : images in the source, unreadable ones included
    known : of these, images whose id the run holds already; they are left out
    class_counts : images a class that are not known, by name
    seconds : how long it will take, about
    """

    images: int
    known: int
    class_counts: dict[str, int]
    seconds: float


def preview_addition(run: Run, data: str) -> Preview:
    """Open the images of `data`, without decoding them, and say what adding them would mean.

    Raises
    ------
    DataError : they cannot be used, or have classes that the run does not know
    RunError : the run's method cannot value images that come later
    """
    require_extendable(run)
    opened = in_classes_of(run, open_source(absolute_source(data)))
    require_kind(run, opened)
    row = pd.Index(run.values["id"]).get_indexer(pd.Index(opened.ids.astype(str)))
    fresh = np.flatnonzero(row < 0)
    if len(fresh) == 0:
        raise _nothing_new(opened)
    counts = np.bincount(opened.labels[fresh], minlength=len(run.class_names))
    pictures = len(opened) if run.record.embedder != "precomputed" else 0
    return Preview(
        images=len(opened),
        known=len(opened) - len(fresh),
        class_counts={
            name: count
            for name, count in zip(run.class_names, counts.tolist(), strict=True)
            if count
        },
        seconds=estimate_addition(len(fresh), len(run.validation), pictures=pictures),
    )


def require_extendable(run: Run) -> None:
    """Refuse a run that images cannot be added to.

    Raises
    ------
    RunError : its method cannot value images that come later
    """
    method = METHODS.get(run.record.method)
    if method is None or not method.takes_new:
        able = " or ".join(item.title for item in METHODS.values() if item.takes_new)
        raise RunError(
            f"Images can be added to runs of {able} only; this one was made with "
            f"{method_title(run.record.method)}, whose values follow from all images "
            "at once. Value all of them together instead."
        )


def in_classes_of(run: Run, data: LabelledImages) -> LabelledImages:
    """Return `data` with its labels as positions in the run's list of classes, by name.

    Raises
    ------
    DataError : a class is unknown to the run, or had no training images when it was made
    """
    position = {name: index for index, name in enumerate(run.class_names)}
    counts = data.class_counts.tolist()
    unknown = [
        f"{name} ({count:,})"
        for name, count in zip(data.class_names, counts, strict=True)
        if count and name not in position
    ]
    if unknown:
        raise DataError(
            f"{data.source}: the run does not know the classes {_few(unknown)} (images in "
            f"brackets); it knows {_few(run.class_names)}. Correct the labels, or value all images "
            "together with validation images of these classes."
        )
    new = np.array([position.get(name, 0) for name in data.class_names], dtype=np.int64)
    aligned = replace(data, labels=new[data.labels], class_names=run.class_names)
    there = np.unique(run.validation["label"].to_numpy())
    known = np.isfinite(run.label_distances[:, there]).all(axis=1)
    missing = [run.class_names[u] for u in np.unique(aligned.labels).tolist() if not known[u]]
    if missing and (run.record.configuration["label_weight"] or 0) > 0:
        raise DataError(
            f"{data.source}: when the run was made there were no training images of the classes "
            f"{_few(missing)}, so their distance to the validation classes is not known. Value all "
            "images together instead."
        )
    return aligned


def only_new(run: Run, data: LabelledImages, x: np.ndarray) -> tuple[LabelledImages, np.ndarray]:
    """Leave out the images that the run holds already: a folder that has grown may be added whole.

    Raises
    ------
    DataError : an image has the id of another one of the run, or none is new
    """
    row = pd.Index(run.values["id"]).get_indexer(pd.Index(data.ids.astype(str)))
    known = np.flatnonzero(row >= 0)
    if len(known) == 0:
        return data, x
    held = run.values["label"].to_numpy()[row[known]]
    spread = max(float(np.std(run.y)), float(np.finfo(np.float32).tiny))
    differs = np.abs(x[known] - run.x[row[known]]).max(axis=1) > _SAME * spread
    relabelled = held != data.labels[known]
    if differs.any():
        raise DataError(
            f"{data.source}: the id {data.ids[known[differs][0]]} is that of another image in the "
            f"run ({int(differs.sum()):,} such ids). Decisions are kept by id: rename the files, "
            "or give ids of their own in a manifest."
        )
    if relabelled.any():
        image = known[relabelled][0]
        raise DataError(
            f"{data.source}: {data.ids[image]} is in the run as "
            f"{run.class_names[held[relabelled][0]]}, here it is "
            f"{run.class_names[data.labels[image]]} ({int(relabelled.sum()):,} such images). An "
            "image is valued under one label: value the set as it is now anew."
        )
    fresh = np.flatnonzero(row < 0)
    if len(fresh) == 0:
        raise _nothing_new(data)
    return data.take(fresh), x[fresh]


def _nothing_new(data: LabelledImages) -> DataError:
    return DataError(
        f"{data.source}: all of its {len(data):,} images are in the run already; there is nothing "
        "to add."
    )


def _few(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
