"""Principal components of the pixels: no training, no torch, the floor to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.datasets import LabelledImages, decode_batches
from core.embedding.scale import centered_and_scaled
from core.embedding.shape import proposed_shape
from core.errors import ConfigError
from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelsConfig:
    """Settings of `embed_pixels`.

    Attributes
    ----------
    width : components kept at most
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
        if min(self.width, self.max_side, self.batch) < 1 or not self.mean_cost > 0:
            raise ConfigError("width, max_side, batch and mean_cost must be positive.")


def embed_pixels(
    train: LabelledImages,
    validation: LabelledImages,
    config: PixelsConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Project flattened pixels onto the validation set's leading principal components.

    The components are fitted on the validation set alone. It is the trusted side: faults among
    the training images cannot turn the axes towards themselves, and further training images can
    be embedded later without moving those that are there. Components without variance are
    dropped, so the width is at most min(width, m - 1, pixels), and at least 1.

    Returns
    -------
    x, y : float32, shapes (n, d) and (m, d), scaled by `centered_and_scaled`

    Notes
    -----
    Time O((n + m) k d + m k² + k³) for k pixels a picture, memory O(k² + batch · k + (n + m) d):
    pictures are decoded twice for the validation set, once for the training set.
    """
    side, channels = proposed_shape(validation, config.max_side)
    mean, components = _principal_components(validation, side, channels, config, progress)

    def projected(data: LabelledImages, done: float, share: float) -> np.ndarray:
        out = np.empty((len(data), components.shape[1]), dtype=np.float32)
        start = 0
        for batch in decode_batches(data, side, channels, config.batch):
            rows = _flat(batch) - mean
            out[start : start + len(rows)] = rows @ components
            start += len(rows)
            progress("Embedding", done + share * start / len(data), f"{start:,} of {len(data):,}")
        return out

    y = projected(validation, 0.2, 0.1)
    x = projected(train, 0.3, 0.7)
    return centered_and_scaled(x, y, config.mean_cost)


def _principal_components(
    data: LabelledImages, side: int, channels: int, config: PixelsConfig, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, shape (k,), and the components, shape (k, d), float32, largest first."""
    k = channels * side * side
    total, second = np.zeros(k), np.zeros((k, k))
    # Sums of squares about a point near the mean: the difference below then loses no digits.
    origin = np.float32(0.5)
    seen = 0
    for batch in decode_batches(data, side, channels, config.batch):
        rows = _flat(batch) - origin
        total += rows.sum(axis=0, dtype=np.float64)
        second += rows.T @ rows
        seen += len(rows)
        progress("Principal components", 0.15 * seen / len(data), f"{seen:,} of {len(data):,}")
    mean = total / seen
    variance, vectors = np.linalg.eigh(second / seen - np.outer(mean, mean))
    variance, vectors = variance[::-1][: config.width], vectors[:, ::-1][:, : config.width]
    kept = variance > 1e-6 * max(float(variance[0]), 1e-12)
    kept[0] = True
    vectors = vectors[:, kept]
    # An eigenvector's sign is arbitrary; its largest entry decides, so that it does not vary.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return (mean + origin).astype(np.float32), np.ascontiguousarray(vectors, dtype=np.float32)


def _flat(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(len(batch), -1).astype(np.float32) / np.float32(255)
