"""Feature vectors that came with the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.datasets import LabelledImages, require_same_width
from core.embedding.embedder import Features
from core.errors import DataError
from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecomputedConfig:
    """There is nothing to set: the vectors are taken as they are, at their own scale."""


def embed_precomputed(
    train: LabelledImages,
    validation: LabelledImages,
    config: PrecomputedConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Features:
    """Return the embeddings of both sets, float32, unchanged.

    Raises
    ------
    DataError : a set has no embeddings, they differ in width, or one is not finite
    """
    x, y = _finite(train), _finite(validation)
    require_same_width(train, validation)
    return Features(x, y, {})


def more_precomputed(
    data: LabelledImages,
    fitted: Mapping[str, np.ndarray],
    config: PrecomputedConfig,
    *,
    device: str,
    progress: Progress,
) -> np.ndarray:
    """Return the embeddings of `data`, float32, unchanged; there is nothing to fit.

    Raises
    ------
    DataError : it has no embeddings, or one is not finite
    """
    return _finite(data)


def _finite(data: LabelledImages) -> np.ndarray:
    if data.embeddings is None:
        raise DataError(
            f"{data.source}: it has no embeddings. Choose an embedder that works from pictures."
        )
    vectors = np.ascontiguousarray(data.embeddings, dtype=np.float32)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{data.source}: the embedding of image {data.ids[row]} (row {row}) "
            "has a value that is not a finite number."
        )
    return vectors
