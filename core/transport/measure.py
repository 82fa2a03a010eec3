"""Masses of a discrete measure. NumPy alone, so that a web server needs no torch for them."""

from __future__ import annotations

import numpy as np

from core.errors import ConfigError, DataError

# A mass below this share of the mean one is far below any tolerance: the error of the marginal says
# nothing of its potential.
NEGLIGIBLE = 1e-9


def masses(given: np.ndarray | None, count: int, side: str) -> np.ndarray:
    """Return masses of sum 1, float64, shape (count,): those given, or uniform ones.

    Raises
    ------
    ConfigError
        For masses that are negative, not finite, of the wrong length, or all zero; `side` names
        them in the sentence.
    DataError
        There is nothing to carry a mass.
    """
    if count == 0:
        raise DataError(f"There are no {side} images.")
    if given is None:
        return np.full(count, 1 / count)
    given = np.asarray(given, dtype=np.float64)
    if given.shape != (count,):
        raise ConfigError(f"Expected {count} {side} masses, got an array of shape {given.shape}.")
    if not np.isfinite(given).all() or (given < 0).any():
        row = int(np.flatnonzero(~(np.isfinite(given) & (given >= 0)))[0])
        raise ConfigError(f"The {side} mass in row {row} is {given[row]}; masses are 0 or more.")
    if not given.any():
        raise ConfigError(f"All {side} masses are zero.")
    # The largest becomes 1 first: a sum of masses near the ends of float64 would leave its range.
    given = given / given.max()
    return np.asarray(given / given.sum())


def shifted_masses(a: np.ndarray, row: int, shares: np.ndarray) -> np.ndarray:
    """Return the masses when point `row` gains `shares` of its own mass from all others alike.

    a_i becomes a_i (1 + s); the others are scaled so that the sum stays 1. At s = -1 the point is
    removed, at s = 1 its mass is doubled. This is the direction along which LAVA's calibrated
    gradient (Eq. 1) is the derivative.

    Parameters
    ----------
    a : masses of sum 1, shape (n,), with 0 < a_i < 1
    shares : shape (s,), each at least -1 and at most (1 - a_i) / a_i

    Returns
    -------
    float64, shape (n, s)

    Raises
    ------
    ConfigError
        The point has no mass or all of it, or a share is out of its range.
    """
    own = float(a[row])
    if not 0 < own < 1:
        raise ConfigError(f"Point {row} has mass {own:g}: there is nothing to shift.")
    shares = np.asarray(shares, dtype=np.float64)
    if (shares < -1).any() or (own * (1 + shares) > 1 + 1e-12).any():
        raise ConfigError(f"Shares must lie between -1 and {(1 - own) / own:g}.")
    shifted: np.ndarray = a[:, None] * (1 - own * shares / (1 - own))
    shifted[row] = own * (1 + shares)
    return np.maximum(shifted, 0.0)
