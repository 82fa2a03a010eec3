"""Small pilots with known faults."""

from __future__ import annotations

import numpy as np

from core.projection import Pilots


def points(count: int, rng: np.random.Generator, *, classes: int = 3) -> tuple:
    """Return embeddings, shape (count, 4), in clusters about their classes, and labels."""
    labels = rng.integers(classes, size=count)
    centers = 1.5 * np.random.default_rng(99).standard_normal((classes, 4))
    x = centers[labels] + 0.5 * rng.standard_normal((count, 4))
    return x.astype(np.float32), labels.astype(np.int64)


def pilots_of(
    counts: list[int], *, classes: int = 3, wrong: list[float] | None = None, **changes
) -> Pilots:
    """Return pilots; of source s the share wrong[s] has the label of the next class."""
    rng = np.random.default_rng(0)
    x, labels = points(sum(counts), rng, classes=classes)
    source = np.repeat(np.arange(len(counts)), counts)
    shares = np.zeros(len(counts)) if wrong is None else np.array(wrong)
    flipped = rng.random(len(x)) < shares[source]
    given = {
        "x": x,
        "labels": np.where(flipped, (labels + 1) % classes, labels),
        "source": source,
        "names": tuple(f"source {s}" for s in range(len(counts))),
        "n_classes": classes,
        "capacity": np.full(len(counts), np.inf),
        "price": np.zeros(len(counts)),
    }
    return Pilots(**(given | changes))
