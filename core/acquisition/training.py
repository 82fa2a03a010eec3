"""The models that a projection is fitted to: trained one by one, each kept as soon as it is done.

They are kept under a name that data, learner and design decide, apart from the projection: whoever
changes a price, or goes on after a stop, finds them again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from core import __version__
from core.acquisition.embedding import Embedded
from core.acquisition.spec import ProjectionSpec
from core.atomic import replacing
from core.errors import RunError
from core.progress import Progress, silent
from core.projection import Design, Measured, draw

FOLDER = "trained"
_FILE = "points.jsonl"


def train_design(
    spec: ProjectionSpec,
    embedded: Embedded,
    design: Design,
    home: Path,
    progress: Progress = silent,
) -> Measured:
    """Train a model for each row of the design, and measure it on the test images.

    Parameters
    ----------
    home : where points are kept, in `trained/<key>/points.jsonl`; those that are there are not
        trained again

    Raises
    ------
    RunError : a point cannot be written
    Cancelled : raised by `progress`; what was trained by then is found again the next time
    """
    path = home / FOLDER / training_key(spec, embedded, design) / _FILE
    known = read_points(path, len(design), len(embedded.class_names))
    for row in range(len(design)):
        told = _within(progress, row, len(design), int(design.n[row]))
        told("", 0.0)
        if row not in known:
            known[row] = _trained(spec, embedded, design, row, told)
            _append(path, known[row])
    progress("Training", 1.0)
    points = [known[row] for row in range(len(design))]
    return Measured(
        p=design.p,
        n=design.n,
        repeat=design.repeat,
        accuracy=np.array([point["accuracy"] for point in points], dtype=np.float64),
        per_class=np.array([_numbers(point["per_class"]) for point in points], dtype=np.float64),
    )


def training_key(spec: ProjectionSpec, embedded: Embedded, design: Design) -> str:
    """Return the name of the points: 16 hexadecimal digits; of what accuracies depend on."""
    digest = hashlib.sha256()
    facts = [
        __version__,
        embedded.fingerprint,
        [part.fingerprint for part in (*embedded.sources, embedded.test)],
        [part.images for part in (*embedded.sources, embedded.test)],
        embedded.class_names,
        spec.learner,
        spec.seed,
        design.seed,
    ]
    digest.update(json.dumps(facts).encode())
    # Pilots carry the labels, which the embeddings' fingerprint does not know.
    for array in (design.p, design.n, design.repeat, embedded.pilots.labels, embedded.test_labels):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def read_points(path: Path, rows: int, classes: int) -> dict[int, dict[str, Any]]:
    """Return the points that are kept, by row; lines that are damaged are taken out of the file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    good = [(line, point) for line in lines if (point := _point(line, rows, classes)) is not None]
    if len(good) < len(lines):
        with replacing(path) as file:
            file.write("".join(line for line, _ in good).encode())
    return {point["row"]: point for _, point in good}


def _point(line: str, rows: int, classes: int) -> dict[str, Any] | None:
    """Return what a line says; None where it was cut off or is none of ours."""
    if not line.endswith("\n"):
        return None
    try:
        point = json.loads(line)
        right = (
            0 <= int(point["row"]) < rows
            and 0 <= float(point["accuracy"]) <= 1
            and len(_numbers(point["per_class"])) == classes
        )
    except (ValueError, KeyError, TypeError):
        return None
    return point if right else None


def _trained(
    spec: ProjectionSpec, embedded: Embedded, design: Design, row: int, progress: Progress
) -> dict[str, Any]:
    """Draw the images of a row, train on them, and return the point."""
    # It brings scikit-learn.
    from core.projection import learn

    n = int(design.n[row])
    rows = draw(embedded.pilots, design.p[row], n, design.rng(row))
    learned = learn(
        embedded.inputs[rows],
        embedded.pilots.labels[rows],
        embedded.test_inputs,
        embedded.test_labels,
        len(embedded.class_names),
        learner=spec.learner,
        seed=spec.seed + int(design.repeat[row]),
        device=spec.device,
        progress=progress,
    )
    return {
        "row": row,
        "p": design.p[row].tolist(),
        "n": n,
        "repeat": int(design.repeat[row]),
        "accuracy": learned.accuracy,
        "per_class": [None if isnan(one) else one for one in learned.per_class.tolist()],
    }


def _append(path: Path, point: Mapping[str, Any]) -> None:
    """Add a line, and see it onto the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write((json.dumps(point) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


def _numbers(per_class: list[float | None]) -> list[float]:
    return [float("nan") if one is None else float(one) for one in per_class]


def _within(progress: Progress, row: int, rows: int, n: int) -> Progress:
    """Return a progress that says which model it is."""

    def told(stage: str, done: float, detail: str = "") -> None:
        share = (row + min(max(done, 0.0), 1.0)) / rows
        progress("Training", share, f"model {row + 1} of {rows}, {n:,} images")

    return told
