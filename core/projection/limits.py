"""Which mixes of n images can be bought: capacities of the sources, and a budget in money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.projection.simplex import ROUNDING, counts_of, to_capped_simplex

# Weights of less than exp(-500) of the largest count as that much.
_LOWEST = -500.0
_NOTHING = 1e-15
_BISECTIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The mixes of n images that can be bought.

    Attributes
    ----------
    n : images in all
    capacity : of each source, shape (m,), infinite for no limit
    price : of one image of each source, shape (m,); 0 costs nothing
    budget : money in all, or None for no limit

    Raises
    ------
    ConfigError : n is less than 1, a number is negative or NaN, the sources have not n images, or
        the cheapest n cost more than the budget
    """

    n: int
    capacity: np.ndarray
    price: np.ndarray
    budget: float | None = None

    def __post_init__(self) -> None:
        """Check that something can be bought."""
        if self.n < 1:
            raise ConfigError(f"A mix needs an image, got n = {self.n}.")
        if self.capacity.shape != self.price.shape or self.capacity.ndim != 1:
            raise ConfigError(
                "Expected one capacity and one price a source, got shapes "
                f"{self.capacity.shape} and {self.price.shape}."
            )
        budget = np.inf if self.budget is None else self.budget
        if not ((self.capacity >= 0).all() and (self.price >= 0).all() and budget >= 0):
            raise ConfigError("Capacities, prices and the budget must be 0 or more.")
        if not np.floor(self.capacity).sum() >= self.n:
            raise ConfigError(
                f"The sources have {np.floor(self.capacity).sum():,.0f} images in all; "
                f"{self.n:,} are wanted."
            )
        least = float(self.cheapest() @ self.price) * self.n
        if least > budget * (1 + ROUNDING):
            raise ConfigError(
                f"The cheapest {self.n:,} images cost {least:,.2f}; the budget is {budget:,.2f}."
            )

    @property
    def upper(self) -> np.ndarray:
        """Return the largest share of each source, shape (m,), 0 to 1."""
        return np.minimum(np.floor(self.capacity) / self.n, 1.0)

    def cheapest(self) -> np.ndarray:
        """Return the ratio that costs least, shape (m,)."""
        p, upper, left = np.zeros(len(self.price)), self.upper, 1.0
        for source in np.argsort(self.price, kind="stable"):
            p[source] = min(left, upper[source])
            left -= p[source]
        return p

    def clipped(self, p: np.ndarray) -> np.ndarray:
        """Return ratios, shape (k, m), moved to where they can be bought.

        To the nearest within the capacities, then towards the cheapest as far as the budget asks.
        """
        return self._afforded(np.array([to_capped_simplex(row, self.upper) for row in p]))

    def nearest(self, weights: np.ndarray) -> np.ndarray:
        """Return the ratios nearest to exp(weights) in relative entropy, shape (k, m).

        They are min(upper, c exp(weights - l price)) with c so that the sum is 1 and with the
        smallest l >= 0 that the budget allows: the mirror step of an exponentiated gradient.
        """
        p = _filled(weights, self.upper)
        dear = ~self._affordable(p)
        if dear.any():
            p[dear] = self._cheapened(weights[dear])
        return p

    def counts(self, p: np.ndarray) -> np.ndarray:
        """Return images of each source, int64, shape (m,), sum n, within capacity and budget.

        What rounding spends too much is taken back from the dearest source, one image at a time.
        """
        counts = counts_of(p, self.n)
        most = np.floor(self.capacity)
        for _ in range(2 * len(counts)):
            above = np.flatnonzero(counts > most)
            if not len(above) and not self._overspent(counts):
                break
            source = above[0] if len(above) else _dearest(counts, self.price)
            target = int(np.argmin(np.where(counts < most, self.price, np.inf)))
            counts[source] -= 1
            counts[target] += 1
        return counts

    def _overspent(self, counts: np.ndarray) -> bool:
        return self.budget is not None and bool(counts @ self.price > self.budget * (1 + ROUNDING))

    def _affordable(self, p: np.ndarray) -> np.ndarray:
        """Return which ratios, shape (k, m), the budget allows, shape (k,)."""
        if self.budget is None:
            return np.ones(len(p), dtype=bool)
        return np.asarray(p @ self.price * self.n <= self.budget * (1 + ROUNDING))

    def _cheapened(self, weights: np.ndarray) -> np.ndarray:
        """Return `nearest` where the budget binds, by bisection on the multiplier l."""
        scale = max(float(self.price.max()), 1e-300)
        low, high = np.zeros((len(weights), 1)), np.full((len(weights), 1), -2 * _LOWEST / scale)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            fits = self._affordable(_filled(weights - middle * self.price, self.upper))[:, None]
            low, high = np.where(fits, low, middle), np.where(fits, middle, high)
        return self._afforded(_filled(weights - high * self.price, self.upper))

    def _afforded(self, p: np.ndarray) -> np.ndarray:
        """Move ratios, shape (k, m), towards the cheapest until the budget allows them."""
        if self.budget is None:
            return p
        cheapest = self.cheapest()
        least, costs = cheapest @ self.price * self.n, p @ self.price * self.n
        over = costs > self.budget
        part = np.zeros(len(p))
        part[over] = (costs[over] - self.budget) / np.maximum(costs[over] - least, 1e-300)
        return np.asarray(p + np.clip(part, 0, 1)[:, None] * (cheapest - p))


def _dearest(counts: np.ndarray, price: np.ndarray) -> int:
    return int(np.argmax(np.where(counts > 0, price, -1.0)))


def _filled(weights: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return min(upper, c exp(weights)) with the c at which each row sums to 1, shape (k, m)."""
    weights = np.maximum(weights - weights.max(axis=1, keepdims=True), _LOWEST)
    with np.errstate(divide="ignore"):
        # The source whose limit is lowest beside its weight reaches it first.
        order = np.argsort(np.log(upper) - weights, axis=1, kind="stable")
    w, u = np.exp(np.take_along_axis(weights, order, axis=1)), upper[order]
    full = np.cumsum(u, axis=1) - u
    open_weight = np.cumsum(w[:, ::-1], axis=1)[:, ::-1]
    # With the first j at their limits, the others get this many times their weight.
    factor = (1 - full) / open_weight
    count = np.argmax(np.hstack([factor * w <= u, np.ones((len(w), 1), bool)]), axis=1)
    at_limit = np.arange(w.shape[1]) < count[:, None]
    chosen = np.take_along_axis(factor, np.minimum(count, w.shape[1] - 1)[:, None], axis=1)
    filled = np.where(at_limit, u, np.minimum(chosen * w, u))
    p = np.empty_like(filled)
    np.put_along_axis(p, order, filled, axis=1)
    p[p < _NOTHING] = 0.0
    return np.asarray(p / p.sum(axis=1, keepdims=True))
