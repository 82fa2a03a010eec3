"""KNN-Shapley: the exact Shapley value of each training image for a nearest-neighbor classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation

# Distances held at once, in two arrays of as many numbers.
_PAIRS_AT_ONCE = 4_000_000
# Problems of no more pairs are sorted by distances in double precision.
_SMALL_PAIRS = 2e7


@dataclass(frozen=True, slots=True, kw_only=True)
class KnnShapleyConfig:
    """Settings of KNN-Shapley.

    Attributes
    ----------
    k : neighbors that vote, >= 1
    device : "auto", "cpu", "cuda" or "mps", for what the images look like
    """

    k: int = 5
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the range."""
        if self.k < 1:
            raise ConfigError(f"k must be 1 or more, got {self.k}.")


def value_knn_shapley(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: KnnShapleyConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by their part in a k-nearest-neighbor classifier; parameters as `value_lava`.

    value_i is the Shapley value of training image i in the game whose worth is the share of right
    votes among the k training images nearest to a validation image, averaged over validation
    images (`knn_shapley`).

    Needs embeddings and labels of both sets; trains nothing. Low is bad: below 0 an image costs the
    classifier right votes. It sees wrong labels; of an image that lies near no validation image it
    says little, as its value is then near 0 from either side.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(m n (d + log n)), memory O(n + m) and a block of distances. The recursion is exact; no
    permutation is drawn.

    References
    ----------
    Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms", VLDB 2019,
    theorem 1. The learner of the LAVA paper's KNN-SV baseline.
    """
    config = config or KnnShapleyConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, device=config.device, progress=progress)
    values = knn_shapley(x, x_labels, y, y_labels, config.k, progress=progress)
    return valuation_by(0.0 - values, seen)


def knn_shapley(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    k: int,
    *,
    progress: Progress = silent,
) -> np.ndarray:
    """Return the Shapley values of the training images, float64, shape (n,); higher is better.

    With the training images in order of their distance to a validation image, a_1 nearest, and
    m_i = 1 where a_i has its label, else 0 (Jia et al., theorem 1, for any n)::

        s(a_n) = m_n / max(k, n)
        s(a_i) = s(a_i+1) + (m_i - m_i+1) / k * min(k, i) / i

    Summed by parts, with w_i = min(k, i) / (i k)::

        s(a_i) = m_i w_i - sum over j > i of m_j (w_j-1 - w_j)

    The worth of a coalition S is the number of right labels among its min(k, |S|) nearest, over k;
    values of a validation image add up to that of the whole set. The mean over validation images is
    returned. Images at equal distance are taken in the order of their rows.

    Parameters
    ----------
    x, y : embeddings, shapes (n, d) and (m, d)
    x_labels, y_labels : shapes (n,) and (m,)
    k : neighbors that vote, >= 1
    progress : told of the stage "Shapley values"
    """
    n, m = len(x), len(y)
    dtype = "float64" if n * m <= _SMALL_PAIRS else "float32"
    center = y.mean(axis=0, dtype=np.float64)
    points: np.ndarray = (x - center).astype(dtype)
    queries: np.ndarray = (y - center).astype(dtype)
    norms = np.einsum("nd,nd->n", points, points)
    place = np.arange(1, n + 1)
    weight = np.minimum(k, place) / (place * k)
    falls = np.concatenate([[0.0], weight[:-1] - weight[1:]])
    total = np.zeros(n)
    step = max(1, _PAIRS_AT_ONCE // n)
    for start in range(0, m, step):
        progress("Shapley values", start / m, f"{start:,} of {m:,} validation images")
        rows = slice(start, start + step)
        near = queries[rows]
        squared = norms - 2 * (near @ points.T) + np.einsum("md,md->m", near, near)[:, None]
        for distance, label in zip(np.maximum(squared, 0.0), y_labels[rows], strict=True):
            nearest = _by_distance(distance)
            right = x_labels[nearest] == label
            farther = np.cumsum((right * falls)[::-1])[::-1]
            total[nearest] += right * (weight + falls) - farther
    return total / m


def _by_distance(distance: np.ndarray) -> np.ndarray:
    """Return the rows of distances >= 0, nearest first, equal ones in their order."""
    if distance.dtype != np.float32:
        return np.argsort(distance, kind="stable")
    # The bits of floats >= 0 are ordered as they are. With the row below them, one sort of whole
    # numbers is stable, and eight times as fast as a stable argsort.
    keys = distance.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(distance), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
