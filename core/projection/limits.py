"""Which mixes of n images can be bought: capacities of the sources, and a budget in money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.projection.simplex import ROUNDING, counts_of, to_capped_simplex

# Weights of less than exp(-500) of the largest count as that much.
_LOWEST = -500.0
_NOTHING = 1e-15
# Relative, of the money spent or of the multiplier; six steps or so reach it, bisections fifty.
_EXACT = 1e-14
_MOST_SEARCHES = 120
# In one step the dearest source loses at most exp(-20) of its weight beside the cheapest one.
_LONGEST_TILT = 20.0


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
        """Return `nearest` where the budget binds, by Newton's method on the multiplier l.

        From 0 upwards, for where l is far too large no weight is told from another. Between a
        multiplier that is too small and one that is too large, a step that leads out or does not
        halve what is overspent is replaced by a bisection.
        """
        most = (np.inf if self.budget is None else self.budget) * (1 + ROUNDING)
        scale = max(float(self.price.max()), 1e-300)
        longest = _LONGEST_TILT / max(float(np.ptp(self.price)), 1e-300)
        low, high = np.zeros(len(weights)), np.full(len(weights), -2 * _LOWEST / scale)
        multiplier, before = low, np.full(len(weights), np.inf)
        bounded = np.zeros(len(weights), dtype=bool)
        for _ in range(_MOST_SEARCHES):
            p = _filled(weights - multiplier[:, None] * self.price, self.upper)
            over = p @ self.price * self.n - most
            bounded |= over <= 0
            low = np.where(over > 0, multiplier, low)
            high = np.where(over > 0, high, multiplier)
            done = (np.abs(over) <= _EXACT * most) | (high - low <= _EXACT * high)
            if done.all():
                break
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                step = np.clip(over / self._fall(p), -longest, longest)
            trial = np.minimum(multiplier + step, high)
            good = (low < trial) & (trial < high) & (np.abs(over) <= before / 2)
            trial = np.where(bounded & ~good, (low + high) / 2, trial)
            multiplier, before = np.where(done, multiplier, trial), np.abs(over)
        return self._afforded(p)

    def _fall(self, p: np.ndarray) -> np.ndarray:
        """Return by how much the cost falls with l at ratios of `nearest`, shape (k,)."""
        free = np.where(p < self.upper, p, 0.0)
        middle = free @ self.price / np.maximum(free.sum(axis=1), 1e-300)
        return np.asarray((free * (self.price - middle[:, None]) ** 2).sum(axis=1) * self.n)

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
