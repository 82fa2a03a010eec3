"""Principal components of the pixels: no training, no torch, the floor to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.datasets import LabelledImages, PictureShape, decode_batches, propose_shape
from core.embedding.embedder import Features
from core.embedding.scale import Scale, fitted_scale
from core.errors import ConfigError
from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelsConfig:
    """Settings of `embed_pixels`.

    Attributes
    ----------
    width : features at most: components and, last, the distance to their span; at least 2
    max_side : larger pictures are brought to this many pixels a side; the decomposition's time
        grows with its sixth power (28 pixels in color: 2,352 × 2,352)
    batch : pictures decoded at a time
    mean_cost : mean of |φ - φ'|² / 2 between validation images after scaling
    """

    width: int = 64
    max_side: int = 28
    batch: int = 1000
    mean_cost: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.width < 2:
            raise ConfigError(f"Expected a width of at least 2, got {self.width}.")
        if min(self.max_side, self.batch) < 1 or not self.mean_cost > 0:
            raise ConfigError("max_side, batch and mean_cost must be positive.")


def embed_pixels(
    train: LabelledImages,
    validation: LabelledImages,
    config: PixelsConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Features:
    """Project flattened pixels onto the validation set's principal components, and beyond.

    The components are fitted on the validation set alone. It is the trusted side: faults among
    the training images cannot turn the axes towards themselves, and further training images can
    be embedded later without moving those that are there. What an image has outside their span
    (noise, foreign objects) would be lost that way, so the last feature is the distance to it:
    |φ - φ'| is then never more than the distance between the pictures.

    Components without variance are dropped, so that d <= min(width, m) and d <= pixels + 1.

    Returns
    -------
    Features
        x, y, float32, shapes (n, d) and (m, d), scaled by `fitted_scale`: components by falling
        variance, then the distance to their span; and the components, with which `more_pixels`
        embeds further images

    Notes
    -----
    Time O((n + m) k d + m k² + k³) for k pixels a picture, memory O(k² + batch · k + (n + m) d):
    pictures are decoded twice for the validation set, once for the training set.

    References
    ----------
    Moghaddam and Pentland, Probabilistic Visual Learning for Object Representation, IEEE PAMI
    1997: distance in and from feature space.
    """
    shape = propose_shape(validation, largest_side=config.max_side)
    mean, components = _principal_components(validation, shape, config, progress)

    y = _projected(validation, shape, mean, components, config, _part(progress, 0.2, 0.1))
    x = _projected(train, shape, mean, components, config, _part(progress, 0.3, 0.7))
    scale = fitted_scale(y, config.mean_cost)
    fitted = {
        "side": np.array(shape.side),
        "channels": np.array(shape.channels),
        "mean": mean,
        "components": components,
        "shift": scale.shift,
        "factor": np.array(scale.factor),
    }
    return Features(scale(x), scale(y), fitted)


def more_pixels(
    data: LabelledImages,
    fitted: Mapping[str, np.ndarray],
    config: PixelsConfig,
    *,
    device: str,
    progress: Progress,
) -> np.ndarray:
    """Project further images as `embed_pixels` would have, float32, shape (k, d)."""
    shape = PictureShape(int(fitted["side"]), int(fitted["channels"]))
    scale = Scale(fitted["shift"], np.float32(fitted["factor"]))
    return scale(_projected(data, shape, fitted["mean"], fitted["components"], config, progress))


def _part(progress: Progress, done: float, share: float) -> Progress:
    """Return a progress that fills the part of the whole from `done` on."""
    return lambda stage, inner, detail="": progress(stage, done + share * inner, detail)


def _projected(
    data: LabelledImages,
    shape: PictureShape,
    mean: np.ndarray,
    components: np.ndarray,
    config: PixelsConfig,
    progress: Progress,
) -> np.ndarray:
    """Return components and distance to their span, float32, shape (len(data), d), not scaled."""
    out = np.empty((len(data), components.shape[1] + 1), dtype=np.float32)
    start = 0
    for batch in decode_batches(data, shape.side, shape.channels, config.batch):
        rows = _flat(batch) - mean
        part = out[start : start + len(rows)]
        part[:, :-1] = rows @ components
        # Pythagoras; rounding may take it just below zero.
        beyond = np.square(rows).sum(axis=1) - np.square(part[:, :-1]).sum(axis=1)
        part[:, -1] = np.sqrt(np.maximum(beyond, 0))
        start += len(rows)
        progress("Embedding", start / len(data), f"{start:,} of {len(data):,}")
    return out


def _principal_components(
    data: LabelledImages, shape: PictureShape, config: PixelsConfig, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, shape (k,), and the components, shape (k, d), float32, largest first."""
    k = shape.channels * shape.side**2
    total, second = np.zeros(k), np.zeros((k, k))
    # Sums of squares about a point near the mean: the difference below then loses no digits.
    origin = np.float32(0.5)
    seen = 0
    for batch in decode_batches(data, shape.side, shape.channels, config.batch):
        rows = _flat(batch) - origin
        total += rows.sum(axis=0, dtype=np.float64)
        second += rows.T @ rows
        seen += len(rows)
        progress("Principal components", 0.15 * seen / len(data), f"{seen:,} of {len(data):,}")
    mean = total / seen
    variance, vectors = np.linalg.eigh(second / seen - np.outer(mean, mean))
    count = config.width - 1
    variance, vectors = variance[::-1][:count], vectors[:, ::-1][:, :count]
    kept = variance > 1e-6 * max(float(variance[0]), 1e-12)
    kept[0] = True
    vectors = vectors[:, kept]
    # An eigenvector's sign is arbitrary; its largest entry decides, so that it does not vary.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return (mean + origin).astype(np.float32), np.ascontiguousarray(vectors, dtype=np.float32)


def _flat(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(len(batch), -1).astype(np.float32) / np.float32(255)
