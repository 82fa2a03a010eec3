"""One feature scale for all embedders, so that a given epsilon means the same for each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Scale(NamedTuple):
    """A move and a factor: features z become (z - shift) * factor.

    Attributes
    ----------
    shift : float32, shape (d,)
    factor : float32, a scalar
    """

    shift: np.ndarray
    factor: np.float32

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the features moved and scaled, float32, the same shape."""
        return np.ascontiguousarray((features - self.shift) * self.factor, dtype=np.float32)


def fitted_scale(y: np.ndarray, mean_cost: float) -> Scale:
    """Return the scale that moves the validation features `y`, shape (m, d), to mean 0.

    Afterwards the mean of |φ(y_j) - φ(y_k)|² / 2 over all pairs of them is `mean_cost`, in units of
    cost, > 0, so that an epsilon of 0.1 is the share 0.1 / `mean_cost` of it whatever the
    embedder's own scale. Only the validation set decides: no fault in the training set can move
    it. Where all validation images coincide the factor is 1.
    """
    mean = y.mean(axis=0, dtype=np.float64)
    # Mean over all pairs of |u - v|² / 2 = total variance.
    spread = float(np.square(y - mean).sum(axis=1).mean())
    factor = np.sqrt(mean_cost / spread) if spread > np.finfo(np.float32).tiny else 1.0
    return Scale(mean.astype(np.float32), np.float32(factor))
