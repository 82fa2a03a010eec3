"""Mixing ratios: points p of the simplex, p_s >= 0 with sum 1. NumPy and SciPy alone."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from scipy.stats import qmc

from core.errors import ConfigError

_MOST_POINTS = 1_000_000
# What sums of shares may miss by rounding.
ROUNDING = 1e-9


def lattice(m: int, steps: int) -> np.ndarray:
    """Return all ratios whose shares are multiples of 1 / steps.

    Returns
    -------
    float64, shape (k, m) with k = (steps + m - 1 choose m - 1), in ascending order of the shares

    Raises
    ------
    ConfigError : m or steps is less than 1, or there would be more than a million points
    """
    if m < 1 or steps < 1:
        raise ConfigError(f"A lattice needs a source and a step, got m = {m}, steps = {steps}.")
    count = comb(steps + m - 1, m - 1)
    if count > _MOST_POINTS:
        raise ConfigError(
            f"A lattice of {steps} steps over {m} sources has {count:,} points; "
            "take fewer steps, or points that fill the simplex."
        )
    # Bars between stars: where m - 1 of the places hold bars, the gaps between them are the shares.
    bars = np.array(list(combinations(range(steps + m - 1), m - 1)), dtype=np.int64)
    edges = np.full((count, 1), -1), bars.reshape(count, m - 1), np.full((count, 1), steps + m - 1)
    return np.asarray((np.diff(np.hstack(edges), axis=1) - 1) / steps)


def space_filling(m: int, k: int, seed: int) -> np.ndarray:
    """Return k ratios spread evenly: the center, the m corners, then points of low discrepancy.

    The first points of a longer design with the same seed are a shorter one.

    Returns
    -------
    float64, shape (k, m); shape (1, 1) for one source, which has one ratio only

    Raises
    ------
    ConfigError : m or k is less than 1

    References
    ----------
    Fang and Wang, "Number-theoretic methods in statistics", 1994, section 1.5: the map from the
    cube of m - 1 dimensions, here with scrambled Sobol points, which keeps volumes.
    """
    if m < 1 or k < 1:
        raise ConfigError(f"A design needs a source and a point, got m = {m}, k = {k}.")
    if m == 1:
        return np.ones((1, 1))
    fixed = np.vstack([np.full((1, m), 1 / m), np.eye(m)])
    extra = max(k - len(fixed), 0)
    cube = qmc.Sobol(m - 1, seed=seed).random_base2(int(np.ceil(np.log2(max(extra, 1)))))[:extra]
    return np.vstack([fixed, _broken_stick(cube)])[:k]


def _broken_stick(cube: np.ndarray) -> np.ndarray:
    """Map points of the cube, shape (k, m - 1), to the simplex, shape (k, m), keeping volumes."""
    dimensions = cube.shape[1]
    kept = cube ** (1 / np.arange(dimensions, 0, -1))
    left = np.cumprod(np.hstack([np.ones((len(cube), 1)), kept]), axis=1)
    return np.hstack([left[:, :-1] - left[:, 1:], left[:, -1:]])


def rescale(p: np.ndarray, index: int, value: float, locked: np.ndarray) -> np.ndarray:
    """Move one share; the others that are not locked make room in proportion.

    Parameters
    ----------
    p : shares of sum 1, shape (m,)
    index : the share that is moved; whether it is locked itself does not matter
    value : what it is to be; where the locked ones leave less room, it gets what they leave
    locked : bool, shape (m,)

    Returns
    -------
    float64, shape (m,), sum 1. Where the free ones have been at 0, they share what is freed
    equally; where none is free, nothing can move and p comes back.

    Raises
    ------
    ConfigError : the value is no number, or p no ratio
    """
    p = require_ratio(p)
    if np.isnan(value):
        raise ConfigError("Expected a share from 0 to 1, got NaN.")
    free = ~np.asarray(locked, dtype=bool)
    free[index] = False
    if not free.any():
        return p
    room = p[index] + float(p[free].sum())
    moved = p.copy()
    moved[index] = np.clip(value, 0.0, room)
    total = float(p[free].sum())
    weights = p[free] / total if total > 0 else np.full(free.sum(), 1 / free.sum())
    moved[free] = (room - moved[index]) * weights
    return moved


def require_ratio(p: np.ndarray) -> np.ndarray:
    """Return p, shape (m,), as float64 of sum 1 exactly; raises `ConfigError` if it is no ratio."""
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1 or not (p >= -ROUNDING).all() or not abs(p.sum() - 1) < 1e-6:
        raise ConfigError(f"Expected shares of 0 or more with sum 1, got {p}.")
    p = np.maximum(p, 0.0)
    return np.asarray(p / p.sum())


def to_capped_simplex(v: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return the ratio nearest to v in Euclidean distance with shares of at most `upper`.

    It is clip(v - t, 0, upper) for the one t at which the sum is 1.

    Parameters
    ----------
    v : any point, shape (m,)
    upper : largest share of each source, 0 or more, infinite for no limit, shape (m,)

    Raises
    ------
    ConfigError : v is not finite, or the limits sum to less than 1

    Notes
    -----
    Time O(m^2).
    """
    v, upper = np.asarray(v, dtype=np.float64), np.minimum(upper, 1.0)
    if not np.isfinite(v).all():
        raise ConfigError(f"Expected finite numbers, got {v}.")
    if not upper.sum() >= 1 - ROUNDING:
        raise ConfigError(f"The shares may sum to {upper.sum():.3g} at most; 1 is needed.")
    if upper.sum() <= 1:
        return np.asarray(upper / upper.sum())
    # The sum falls piecewise linearly in t, with kinks where a share leaves 0 or its limit.
    kinks = np.sort(np.concatenate([v - upper, v]))
    sums = np.clip(v - kinks[:, None], 0.0, upper).sum(axis=1)
    after = int(np.flatnonzero(sums >= 1)[-1])
    fall = sums[after] - sums[after + 1]
    t = kinks[after] + (sums[after] - 1) / fall * (kinks[after + 1] - kinks[after])
    p = np.clip(v - t, 0.0, upper)
    return np.asarray(p / p.sum())


def counts_of(p: np.ndarray, n: int) -> np.ndarray:
    """Return how many of n images are from each source, int64, shape (m,), sum n.

    Each gets the whole part of p_s n; what is left goes to the largest remainders, the first
    source first where they are equal.

    Raises
    ------
    ConfigError : n is negative, or p no ratio
    """
    if n < 0:
        raise ConfigError(f"Expected a number of images, got {n}.")
    exact = require_ratio(p) * n
    # 0.3 * 10 is a hair below 3: what rounding took must not cost a source its image.
    counts = np.floor(exact + ROUNDING * max(n, 1)).astype(np.int64)
    left = n - int(counts.sum())
    if left > 0:
        counts[np.argsort(-(exact - counts), kind="stable")[:left]] += 1
    elif left < 0:
        counts[np.argsort(exact - counts, kind="stable")[:-left]] -= 1
    return counts
