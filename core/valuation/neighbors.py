"""Images near a given one, among any number: NumPy alone, in pieces, nothing kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROWS_AT_ONCE = 65_536
# Candidates whose distance is worked out again: float32 loses half of the digits of small ones.
_SPARE = 32
_SAMPLE = 1000
_PAIRS_AT_ONCE = 2_000_000


class Neighbors(NamedTuple):
    """The rows nearest to a point, nearest first.

    Attributes
    ----------
    rows : int64, shape (k,)
    distance : float64, shape (k,), Euclidean, in units of the embedding
    """

    rows: np.ndarray
    distance: np.ndarray


def squared_norms(x: np.ndarray) -> np.ndarray:
    """Return the squared length of each row of `x`, shape (n, d), as float32, shape (n,)."""
    norms = np.empty(len(x), dtype=np.float32)
    for start in range(0, len(x), _ROWS_AT_ONCE):
        part = np.asarray(x[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        norms[start : start + len(part)] = np.einsum("nd,nd->n", part, part)
    return norms


def nearest_rows(
    x: np.ndarray, norms: np.ndarray, point: np.ndarray, k: int, *, leave_out: int | None = None
) -> Neighbors:
    """Return the k rows of `x` nearest to `point`.

    Parameters
    ----------
    x : shape (n, d), possibly mapped from disk
    norms : `squared_norms` of it
    point : shape (d,)
    leave_out : a row that does not count: the point itself

    Notes
    -----
    Time O(n d), one reading of `x`; memory O(n). Distances are exact to float64's rounding.
    """
    wanted = min(k, len(x) - (leave_out is not None))
    if wanted <= 0:
        return Neighbors(np.empty(0, np.int64), np.empty(0))
    direction = np.asarray(point, dtype=np.float32)
    keys = norms.copy()
    for start in range(0, len(x), _ROWS_AT_ONCE):
        part = np.asarray(x[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        keys[start : start + len(part)] -= 2 * (part @ direction)
    if leave_out is not None:
        keys[leave_out] = np.inf
    spare = min(wanted + _SPARE, len(x) - (leave_out is not None))
    near = np.sort(np.argpartition(keys, spare - 1)[:spare])
    distance = np.linalg.norm(x[near].astype(np.float64) - np.asarray(point, np.float64), axis=1)
    first = np.argsort(distance, kind="stable")[:wanted]
    return Neighbors(near[first].astype(np.int64), distance[first])


def usual_spacing(y: np.ndarray, seed: int = 0) -> float:
    """Return the median distance from an image of `y`, shape (m, d), to its nearest other one.

    Over a seeded sample of at most a thousand of them; 0 for a single image. Of the validation
    images: they are trusted, and a training set full of copies cannot make it small.
    """
    if len(y) < 2:
        return 0.0
    rows = _some(len(y), seed)
    return float(np.median(_nearest_distance(y, rows, y, leave_out=rows)))


def usual_reach(x: np.ndarray, y: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return how far training images are from their nearest validation image, float64, ascending.

    Of a seeded sample of at most a thousand of `x`, shape (n, d): what is usual in this set.
    """
    return np.sort(_nearest_distance(x, _some(len(x), seed), y))


def _nearest_distance(
    x: np.ndarray, rows: np.ndarray, y: np.ndarray, *, leave_out: np.ndarray | None = None
) -> np.ndarray:
    """Return the distance from each of `rows` of `x` to the nearest of `y`, float64.

    `leave_out` : for each of `rows`, the row of `y` that does not count
    """
    center = y.mean(axis=0, dtype=np.float64)
    other = y.astype(np.float64) - center
    norms = np.einsum("md,md->m", other, other)
    least = np.empty(len(rows))
    step = max(1, _PAIRS_AT_ONCE // len(y))
    for start in range(0, len(rows), step):
        part = x[rows[start : start + step]].astype(np.float64) - center
        squared = norms - 2 * (part @ other.T) + np.einsum("nd,nd->n", part, part)[:, None]
        if leave_out is not None:
            squared[np.arange(len(part)), leave_out[start : start + step]] = np.inf
        least[start : start + len(part)] = np.sqrt(np.maximum(squared.min(axis=1), 0.0))
    return least


def _some(n: int, seed: int) -> np.ndarray:
    """Return at most a thousand rows of n, ascending."""
    if n <= _SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, _SAMPLE, replace=False))
