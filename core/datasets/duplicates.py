"""Which pictures show the same: stored alike, or alike pixel by pixel.

Features alone don't tell. Those of a trained network put different images of a class close
together and copies that were cropped otherwise far apart: on CIFAR-10, pairs at a third of the
usual distance were mostly different ships, and pairs at three quarters of it often the same dog.
So features propose, and the pictures decide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from core.datasets.images import ImageStore

# Looked at on CIFAR-10 and Fashion-MNIST: nearly all pairs above it are one scene.
SAME_PICTURE = 0.97
_SIDE = 32


class Likeness(NamedTuple):
    """How alike one picture and k others are.

    Attributes
    ----------
    correlation : float64, shape (k,), -1 to 1: of the pixels of both, made 32 x 32, or of one and
        the other's mirror image where that is more; NaN for a picture that cannot be read
    identical : bool, shape (k,): stored as the same bytes
    """

    correlation: np.ndarray
    identical: np.ndarray

    @property
    def same(self) -> np.ndarray:
        """Return which of them show the same, bool, shape (k,)."""
        return self.identical | (np.nan_to_num(self.correlation, nan=-1.0) >= SAME_PICTURE)


def likeness(store: ImageStore, row: int, others: ImageStore, rows: np.ndarray) -> Likeness:
    """Compare picture `row` of `store` with the pictures `rows`, shape (k,), of `others`.

    Raises
    ------
    OSError : picture `row` cannot be read
    """
    content = store.encoded(row)
    pixels = _pixels(store, row)
    correlation = np.full(len(rows), np.nan)
    identical = np.zeros(len(rows), dtype=bool)
    for position, other in enumerate(rows.tolist()):
        try:
            identical[position] = others.encoded(other) == content
            correlation[position] = _correlation(pixels, _pixels(others, other))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # it is not shown as a copy of anything
    return Likeness(correlation, identical)


def _pixels(store: ImageStore, row: int) -> np.ndarray:
    """Return a picture as float64, shape (32, 32, 3)."""
    picture = store.decode(row, min_side=_SIDE).convert("RGB")
    small = picture.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small, dtype=np.float64)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two pictures, mirrored or not; plain ones are alike if equal."""
    a, b = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if norm == 0:
        return float(np.array_equal(one, other))
    return max(float((a * b).sum()), float((a * b[:, ::-1]).sum())) / norm
