"""What is left to choose of a mix where the shares of some sources are fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.projection.limits import Limits
from core.projection.simplex import ROUNDING, counts_of

# Less than this much left to the free sources is nothing, and more than 1 by as much is rounding.
_NOTHING = 1e-6
# Whoever can buy this many images can buy any number.
_NO_END = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The mixes p of n images that are left: p = fixed + share q, q a ratio of the free sources.

    Attributes
    ----------
    n : images in all
    price : of one image of each source, shape (m,)
    fixed : shares that are fixed, shape (m,); 0 for free sources
    free : which sources are free, bool, shape (m,); none where the fixed shares sum to 1
    share : what the free sources have together, 0 to 1
    taken : images of the sources that are fixed, int64, shape (m,)
    limits : which q can be bought; None where no source is free
    """

    n: int
    price: np.ndarray
    fixed: np.ndarray
    free: np.ndarray
    share: float
    taken: np.ndarray
    limits: Limits | None

    @classmethod
    def of(
        cls,
        n: int,
        *,
        capacity: np.ndarray,
        price: np.ndarray,
        budget: float | None = None,
        fixed: np.ndarray | None = None,
    ) -> Choice:
        """Take what is fixed, shape (m,), NaN for free sources, from n images and from the limits.

        The other parameters are those of `best_mix`.

        Raises
        ------
        ConfigError : nothing can be bought within the limits, the shares that are fixed are no
            shares, their sum is above 1, or less where all are, or their sources have not as many
        """
        whole = Limits(n=n, capacity=capacity, price=price, budget=budget)
        fixed = np.full(len(price), np.nan) if fixed is None else np.asarray(fixed, np.float64)
        shares, free = _divided(fixed, len(price))
        share = 1 - float(shares.sum()) if free.any() else 0.0
        taken = counts_of(np.append(shares, share), n)[:-1]
        _require_images(shares, taken, whole)
        if budget is not None and taken @ price > budget * (1 + ROUNDING):
            raise ConfigError(
                f"The shares that are fixed cost {taken @ price:,.2f}; the budget is {budget:,.2f}."
            )
        limits = _left(whole, free, taken) if free.any() else None
        return cls(
            n=n, price=price, fixed=shares, free=free, share=share, taken=taken, limits=limits
        )

    def whole(self, q: np.ndarray) -> np.ndarray:
        """Return the ratios of all sources, shape (k, m), of ratios of the free ones."""
        p = np.tile(self.fixed, (len(q), 1))
        p[:, self.free] = self.share * q
        return p

    def part(self, p: np.ndarray) -> np.ndarray:
        """Return the ratio of the free sources in a ratio of all, shape (m,); undoes `whole`."""
        return np.asarray(p[self.free] / self.share)

    def slope(self, gradient: np.ndarray) -> np.ndarray:
        """Return the derivative by q of what has this one by p, shape (k, m)."""
        return np.asarray(self.share * gradient[:, self.free])

    def counts(self, q: np.ndarray) -> np.ndarray:
        """Return the images of each source, int64, shape (m,), sum n, within the limits."""
        counts = self.taken.copy()
        # A share that is less than half an image is none.
        if self.limits is not None and counts.sum() < self.n:
            counts[self.free] = self.limits.counts(q)
        return counts


def most_images(
    *, capacity: np.ndarray, price: np.ndarray, budget: float, fixed: np.ndarray
) -> int | None:
    """Return how many images can be bought at most; None where there is no end.

    Parameters are those of `Choice.of`; what is no choice at any size can buy 0.
    """

    def bought(n: int) -> bool:
        try:
            Choice.of(n, capacity=capacity, price=price, budget=budget, fixed=fixed)
        except ConfigError:
            return False
        return True

    some, many = 0, 1
    while bought(many):
        some, many = many, 2 * many
        if many > _NO_END:
            return None
    while many - some > 1:
        middle = (some + many) // 2
        some, many = (middle, many) if bought(middle) else (some, middle)
    return some


def _divided(fixed: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares that are fixed, 0 for the others, and who is free, shapes (m,)."""
    free = np.isnan(fixed)
    if fixed.shape != (m,) or not ((fixed >= 0) | free).all():
        raise ConfigError(
            f"Expected a share of 0 or more or NaN for each of {m} sources, got {fixed}."
        )
    shares = np.where(free, 0.0, fixed)
    total = float(shares.sum())
    if total > 1 + _NOTHING:
        raise ConfigError(f"The shares that are fixed sum to {_percent(total)}, more than 100 %.")
    if total >= 1 - _NOTHING:
        return shares / total, np.zeros(m, dtype=bool)
    if not free.any():
        raise ConfigError(
            f"All shares are fixed and sum to {_percent(total)}; a mix has 100 %. Set one free."
        )
    return shares, free


def _require_images(shares: np.ndarray, taken: np.ndarray, limits: Limits) -> None:
    """Raise `ConfigError` where a source has less than what is fixed of it."""
    for source in np.flatnonzero(taken > np.floor(limits.capacity))[:1]:
        raise ConfigError(
            f"A share is fixed at {_percent(shares[source])}: of {limits.n:,} images that is "
            f"{taken[source]:,}, and the source has {np.floor(limits.capacity[source]):,.0f}."
        )


def _left(limits: Limits, free: np.ndarray, taken: np.ndarray) -> Limits:
    """Return the limits of the free sources when the others have got theirs."""
    capacity, price = limits.capacity[free], limits.price[free]
    n = limits.n - int(taken.sum())
    if n == 0:
        # Shares that are less than half an image are still chosen, as if there were one. Nobody
        # buys it.
        return Limits(n=1, capacity=np.full_like(capacity, np.inf), price=price)
    budget = None if limits.budget is None else max(limits.budget - taken @ limits.price, 0.0)
    try:
        return Limits(n=n, capacity=capacity, price=price, budget=budget)
    except ConfigError as error:
        raise ConfigError(f"Nothing is left to the shares that are free. {error}") from error


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
