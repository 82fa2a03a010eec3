"""Disagreement of nearest neighbors: how few validation images near an image have its label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation

# Distances held at once.
_PAIRS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnnConfig:
    """Settings of the disagreement of nearest neighbors.

    Attributes
    ----------
    k : validation images that vote, >= 1; all of them where there are fewer
    device : "auto", "cpu", "cuda" or "mps", for what the images look like
    """

    k: int = 50
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the range."""
        if self.k < 1:
            raise ConfigError(f"k must be 1 or more, got {self.k}.")


def value_knn_disagreement(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: KnnConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by the labels of the validation images near them; parameters as `value_lava`.

    score_i = 1 - sum of w_ij over those of the k nearest validation images j that have its label,
    over the sum of all w_ij, with w_ij = 1 - |x_i - y_j|^2 / r_i^2 and r_i the distance of the next
    one, k + 1 (a kernel as wide as the neighborhood, so that few images tie). 0 to 1.

    Needs embeddings and labels of both sets; trains nothing. A high score is bad. It sees wrong
    labels and is blind to faults that leave the label plausible; an image whose class the
    validation set lacks has score 1.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(n m d), memory O(n + m) and a block of distances.

    References
    ----------
    Wilson, "Asymptotic Properties of Nearest Neighbor Rules Using Edited Data", IEEE SMC 1972: the
    edited nearest-neighbor rule, here with trusted neighbors and a share in place of a vote.
    """
    config = config or KnnConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, device=config.device, progress=progress)
    center = y.mean(axis=0, dtype=np.float64)
    points, others = (np.asarray(side - center, dtype=np.float32) for side in (x, y))
    norms = np.einsum("md,md->m", others, others)
    agreeing = np.empty(len(x))
    step = max(1, _PAIRS_AT_ONCE // len(y))
    for start in range(0, len(x), step):
        progress("Nearest validation images", start / len(x))
        rows = slice(start, start + step)
        part = points[rows]
        squared = norms - 2 * (part @ others.T) + np.einsum("nd,nd->n", part, part)[:, None]
        agreeing[rows] = _own_share(np.maximum(squared, 0.0), y_labels, x_labels[rows], config.k)
    return valuation_by(1.0 - agreeing, seen)


def _own_share(squared: np.ndarray, y_labels: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return the weighted share of each image's own label among its k nearest, float64.

    Parameters
    ----------
    squared : squared distances, shape (n, m)
    y_labels, labels : shapes (m,) and (n,)
    """
    k = min(k, squared.shape[1])
    if k < squared.shape[1]:
        near = np.argpartition(squared, k, axis=1)[:, : k + 1]
        distance = np.take_along_axis(squared, near, axis=1).astype(np.float64)
        reach = distance[:, k]
        near, distance = near[:, :k], distance[:, :k]
    else:
        near = np.broadcast_to(np.arange(k), squared.shape)
        distance = squared.astype(np.float64)
        reach = 2 * distance.max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = 1 - distance / reach[:, None]
    # Neighbors all equally far, at no distance or at one: each counts as much.
    flat = ~(weight.sum(axis=1) > 0)
    weight[flat] = 1.0
    own = y_labels[near] == labels[:, None]
    return np.asarray((weight * own).sum(axis=1) / weight.sum(axis=1))
