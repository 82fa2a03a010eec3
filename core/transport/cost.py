"""The ground cost between training and validation images, never held as a whole.

Convention (that of the published LAVA and SAVA code; LAVA's Eq. 5 writes it with p = 1)::

    C_ij = feature_weight * |x_i - y_j|^p / p + label_weight * W[label_i, label_j] / p

This module is NumPy alone, so that a web server can explain a cost without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from core.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundCost:
    """Cost between n training and m validation images.

    Attributes
    ----------
    x, y : embeddings, float32 or float64, shapes (n, d) and (m, d), finite
    x_labels, y_labels : int64, shapes (n,) and (m,)
    label_distances : shape (v, v), training class by validation class, in units of cost; or None
        for a cost of features alone. NaN is allowed for classes that no image has.
    feature_weight, label_weight : non-negative
    p : 1 or 2, the exponent of the Euclidean feature distance
    """

    x: np.ndarray
    y: np.ndarray
    x_labels: np.ndarray
    y_labels: np.ndarray
    label_distances: np.ndarray | None = None
    feature_weight: float = 1.0
    label_weight: float = 1.0
    p: int = 2

    def __post_init__(self) -> None:
        """Check shapes, widths and finiteness."""
        if self.p not in (1, 2):
            raise ConfigError(f"p must be 1 or 2, got {self.p}.")
        if self.x.ndim != 2 or self.y.ndim != 2 or self.x.shape[1] != self.y.shape[1]:
            raise DataError(
                "Training and validation embeddings must have the same width, "
                f"got shapes {self.x.shape} and {self.y.shape}."
            )
        for name, weight in (("feature", self.feature_weight), ("label", self.label_weight)):
            if not (np.isfinite(weight) and weight >= 0):
                raise ConfigError(f"{name}_weight must be 0 or more, got {weight}.")
        for name, array in (("training", self.x), ("validation", self.y)):
            require_embeddings(array, name)
        if len(self.x_labels) != len(self.x) or len(self.y_labels) != len(self.y):
            raise DataError("Expected one label an embedding on both sides.")
        shape = (None, None) if self.label_distances is None else self.label_distances.shape
        require_labels(self.x_labels, shape[0], "training")
        require_labels(self.y_labels, shape[1], "validation")

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n, m)."""
        return len(self.x), len(self.y)

    @property
    def labels_matter(self) -> bool:
        """Return whether the label term can differ between two pairs."""
        return self.label_distances is not None and self.label_weight > 0

    def rows(self, index: np.ndarray) -> GroundCost:
        """Return the cost of the training images at `index`."""
        return replace(self, x=self.x[index], x_labels=self.x_labels[index])

    def columns(self, index: np.ndarray) -> GroundCost:
        """Return the cost of the validation images at `index`."""
        return replace(self, y=self.y[index], y_labels=self.y_labels[index])

    def transposed(self) -> GroundCost:
        """Return the cost with the two sides exchanged."""
        w = self.label_distances
        return replace(
            self,
            x=self.y,
            y=self.x,
            x_labels=self.y_labels,
            y_labels=self.x_labels,
            label_distances=None if w is None else w.T,
        )

    def features(self, row: int) -> np.ndarray:
        """Return the feature part of row `row`, float64, shape (m,): exact, for display."""
        difference = self.y.astype(np.float64, copy=False) - self.x[row].astype(np.float64)
        squared = np.einsum("jd,jd->j", difference, difference)
        distance = squared / 2 if self.p == 2 else np.sqrt(squared)
        return self.feature_weight * distance

    def labels(self, row: int) -> np.ndarray:
        """Return the label part of row `row`, float64, shape (m,)."""
        if self.label_distances is None:
            return np.zeros(len(self.y))
        distances = self.label_distances[self.x_labels[row]].astype(np.float64)
        return self.label_weight * distances[self.y_labels] / self.p

    def label_table(self) -> np.ndarray | None:
        """Return the label part of the cost, float64, shape (v, v), or None where it is 0.

        Classes without a label distance count as distance 0.
        """
        if self.label_distances is None or not self.labels_matter:
            return None
        distances = np.nan_to_num(self.label_distances.astype(np.float64))
        return distances * (self.label_weight / self.p)

    def mean(self) -> float:
        """Return the mean cost over all pairs (p = 2), or over a bounded sample of them (p = 1).

        O((n + m) d) time for p = 2.
        """
        features = self._mean_half_square() if self.p == 2 else self._mean_distance()
        return float(self.feature_weight * features + self._mean_label_cost())

    def _mean_half_square(self) -> float:
        shift = self.y.mean(axis=0, dtype=np.float64).astype(self.y.dtype)
        x, y = self.x - shift, self.y - shift
        squares = sum(np.einsum("nd,nd->", z, z, dtype=np.float64) / len(z) for z in (x, y))
        products = x.mean(axis=0, dtype=np.float64) @ y.mean(axis=0, dtype=np.float64)
        return float(squares / 2 - products)

    def _mean_distance(self) -> float:
        x, y = (z[_spread(len(z), 1000)].astype(np.float64) for z in (self.x, self.y))
        return float(cdist(x, y).mean())

    def _mean_label_cost(self) -> float:
        if self.label_distances is None:
            return 0.0
        v_x, v_y = self.label_distances.shape
        a = np.bincount(self.x_labels, minlength=v_x) / len(self.x)
        b = np.bincount(self.y_labels, minlength=v_y) / len(self.y)
        distances = np.nan_to_num(self.label_distances.astype(np.float64))
        return float(self.label_weight / self.p * (a @ distances @ b))


def require_embeddings(x: np.ndarray, side: str) -> None:
    """Refuse embeddings, shape (k, d), that are not float, not finite, or none at all.

    `side` names them in the sentence. Raises `DataError`.
    """
    if len(x) == 0:
        raise DataError(f"There are no {side} images.")
    if x.dtype.kind != "f":
        raise DataError(f"The {side} embeddings must be float, got {x.dtype}.")
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise DataError(f"The {side} embedding in row {row} holds NaN or infinity.")


def require_labels(labels: np.ndarray, n_classes: int | None, side: str) -> None:
    """Refuse labels that are not positions in a list of classes.

    Parameters
    ----------
    labels : shape (k,)
    n_classes : length of the list; None if it is not known
    side : names the labels in the sentence

    Raises
    ------
    DataError : the labels are not int64, or one is out of range
    """
    if labels.dtype != np.int64:
        raise DataError(f"The {side} labels must be int64, got {labels.dtype}.")
    bad = labels < 0
    if n_classes is not None:
        bad |= labels >= n_classes
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        last = "" if n_classes is None else f" to {n_classes - 1}"
        raise DataError(
            f"The {side} label in row {row} is {labels[row]}; labels are positions in the list of "
            f"classes, from 0{last}."
        )


def _spread(n: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, count)).astype(np.int64))
