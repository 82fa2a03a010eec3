"""Features of a mixing ratio that laws are linear in, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

# Added to a share before its logarithm: a source at 0 % is as far from 2 % as 2 % is from 6 %.
LOG_OFFSET = 0.02


def features(p: np.ndarray, blocks: tuple[str, ...]) -> np.ndarray:
    """Return features of mixing ratios p, shape (k, m): float64, shape (k, f).

    Blocks, in the order given: shares p_s, squares p_s^2, products p_s p_t of two sources, logs
    log(p_s + 0.02).
    """
    return np.hstack([np.empty((len(p), 0)), *(_BLOCKS[name](p) for name in blocks)])


def slopes(p: np.ndarray, blocks: tuple[str, ...]) -> np.ndarray:
    """Return the derivatives of `features` by p: float64, shape (k, f, m)."""
    m = p.shape[1]
    found = [_SLOPES[name](p) for name in blocks]
    return np.concatenate([np.empty((len(p), 0, m)), *found], axis=1)


def _pairs(m: int) -> tuple[list[int], list[int]]:
    """Return the first and the second of each pair of sources."""
    pairs = list(combinations(range(m), 2))
    return [a for a, _ in pairs], [b for _, b in pairs]


def _products(p: np.ndarray) -> np.ndarray:
    first, second = _pairs(p.shape[1])
    return p[:, first] * p[:, second]


def _product_slopes(p: np.ndarray) -> np.ndarray:
    first, second = _pairs(p.shape[1])
    found = np.zeros((len(p), len(first), p.shape[1]))
    place = np.arange(len(first))
    found[:, place, first] = p[:, second]
    found[:, place, second] = p[:, first]
    return found


def _diagonal(values: np.ndarray) -> np.ndarray:
    """Return matrices with these diagonals, shape (k, m) -> (k, m, m)."""
    return values[:, :, None] * np.eye(values.shape[1])


_BLOCKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shares": lambda p: p,
    "squares": lambda p: p**2,
    "products": _products,
    "logs": lambda p: np.log(p + LOG_OFFSET),
}
_SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shares": lambda p: _diagonal(np.ones_like(p)),
    "squares": lambda p: _diagonal(2 * p),
    "products": _product_slopes,
    "logs": lambda p: _diagonal(1 / (p + LOG_OFFSET)),
}
