"""Supervised prototypes: how far an image is from the mean validation image of its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.progress import Progress, silent
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation

_ROWS_AT_ONCE = 65_536
# Cosine distance of opposite directions: the largest.
_FARTHEST = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrototypesConfig:
    """Settings of supervised prototypes.

    Attributes
    ----------
    device : "auto", "cpu", "cuda" or "mps", for what the images look like
    """

    device: str = "auto"


def value_prototypes(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: PrototypesConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by their distance to a prototype of their class; parameters as `value_lava`.

    score_i = 1 - cos(x_i, c_u), with c_u the mean of the validation embeddings of the image's class
    u. 0 to 2; an image whose class the validation set lacks has 2, one at the origin 1.

    Needs embeddings and labels of both sets; trains nothing. A high score is bad: far from what is
    typical of its label, be it wrong, noisy or rare.

    Raises
    ------
    DataError
        For embeddings or labels that cannot be used.

    Notes
    -----
    Time O((n + m) d), beside one pass of O(n m d) for what the images look like.
    DEVIATION: the prototypes are those of the validation set, which is trusted; the paper's are of
    the training set.

    References
    ----------
    Sorscher et al., "Beyond neural scaling laws: beating power law scaling via data pruning",
    NeurIPS 2022, section 5 (prototypes by k-means) and its supervised variant.
    """
    config = config or PrototypesConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, device=config.device, progress=progress)
    sums = np.zeros((n_classes, y.shape[1]))
    np.add.at(sums, y_labels, np.asarray(y, dtype=np.float64))
    prototypes = _directions(sums)
    score = np.empty(len(x))
    for start in range(0, len(x), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        points = _directions(np.asarray(x[rows], dtype=np.float64))
        score[rows] = 1 - np.einsum("nd,nd->n", points, prototypes[x_labels[rows]])
    there = np.isin(np.arange(n_classes), y_labels)
    return valuation_by(np.where(there[x_labels], score, _FARTHEST), seen)


def _directions(x: np.ndarray) -> np.ndarray:
    """Return rows of length 1; a row of zeros stays one."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(length > 0, length, 1.0))
