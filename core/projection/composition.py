"""The best mix (Algorithm 2): a climb on the simplex, within what can be bought.

The paper leaves the step open. Here it is the exponentiated gradient (mirror descent with relative
entropy), which keeps shares positive and of sum 1, from several starts at once, followed by the
projection that capacities and budget ask for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Protocol

import numpy as np

from core.errors import ConfigError
from core.projection.choice import Choice
from core.projection.limits import Limits
from core.projection.simplex import lattice, require_ratio, space_filling

_STEPS = 400
# A step multiplies shares by e to this at most.
_LONGEST_STEP = 2.0
_SHORTEST_STEP = 1e-5
# A share of 0 is left again from here.
_LEAST_SHARE = 1e-9
# The steps never quite reach 0: less than this at the end, of what is free, is none.
_TRACE = 1e-6
_GRID_POINTS = 2000
_GRID_STEPS = 50
# Accuracies this close count as one optimum: 0.1 points.
_SAME = 1e-3
# And ends whose shares differ by this much in all as one place.
_SAME_PLACE = 0.02
# Relative change of n by which the slope in n is found.
_STEP_IN_N = 1e-3


class Projection(Protocol):
    """What a predictor must answer, as `Fitted` does."""

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,), of ratios, shape (k, m), at sizes, shape (k,)."""

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return the derivative of `predict` by p, shape (k, m), up to a constant in each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The mix of n images of which the highest accuracy is predicted.

    Attributes
    ----------
    n : images in all
    p : the ratio, shape (m,)
    counts : images to order of each source, int64, shape (m,), sum n, within the limits
    cost : of the order, in the currency of the prices
    accuracy : predicted at p, not clipped to 0 to 1
    path : ratios that a climb to p went through, shape (s, m), p last: that from the first of the
        starts which led there
    starts : where climbs began, shape (k, m); the best point of the grid is the last
    ends, end_accuracies : where they ended, shapes (k, m) and (k,)
    grid_p, grid_accuracy : the best point of the grid that it was checked against
    """

    n: int
    p: np.ndarray
    counts: np.ndarray
    cost: float
    accuracy: float
    path: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    end_accuracies: np.ndarray
    grid_p: np.ndarray
    grid_accuracy: float

    @property
    def agreement(self) -> float:
        """Return the share of climbs that end within 0.1 points of the best accuracy."""
        return float((self.end_accuracies >= self.accuracy - _SAME).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Marginal:
    """What more images would bring, at a mix.

    Attributes
    ----------
    per_image : predicted accuracy (0 to 1) that one more image of each source adds, shape (m,)
    per_price : the same for one unit of money; NaN where the price is 0, which is unknown
    """

    per_image: np.ndarray
    per_price: np.ndarray


def best_mix(
    fitted: Projection,
    n: int,
    *,
    capacity: np.ndarray,
    price: np.ndarray,
    budget: float | None = None,
    fixed: np.ndarray | None = None,
    starts: int = 8,
    seed: int = 0,
) -> Mix:
    """Find the ratio of highest predicted accuracy at n images.

    Parameters
    ----------
    fitted : the predictor
    n : images in all
    capacity, price : of each source, shape (m,); infinite and 0 where unknown
    budget : money in all, None for no limit
    fixed : shares that are not to be chosen, shape (m,), NaN for sources that are free; None if
        all are
    starts : climbs, beside the one from the best point of the grid
    seed : of the starts

    Raises
    ------
    ConfigError : nothing can be bought within the limits, there is no start, or what is fixed is
        no part of a mix: its sum is above 1, or less where no source is free

    Notes
    -----
    At most 400 predictions for all climbs, and one for a grid of up to 2,000 points.
    """
    if starts < 1:
        raise ConfigError(f"The climb needs a start, got {starts}.")
    choice = Choice.of(n, capacity=capacity, price=price, budget=budget, fixed=fixed)
    return _best(fitted, choice, starts, seed)


def best_path(
    fitted: Projection,
    sizes: Iterable[int],
    *,
    capacity: np.ndarray,
    price: np.ndarray,
    budget: float | None = None,
    fixed: np.ndarray | None = None,
    starts: int = 8,
    seed: int = 0,
) -> tuple[Mix, ...]:
    """Find the best mix at each size that can be bought; parameters are those of `best_mix`.

    Each size also starts from the best mix of the one before, so that a path has no jump that the
    predictor does not ask for. Sizes beyond the capacities or the budget are left out.

    Raises
    ------
    ConfigError : no size can be bought; the reason is that of the smallest
    """
    found: list[Mix] = []
    reason = ConfigError("Expected a size.")
    for n in sorted(sizes):
        try:
            choice = Choice.of(n, capacity=capacity, price=price, budget=budget, fixed=fixed)
        except ConfigError as error:
            reason = error if not found else reason
            break
        before = found[-1] if found else None
        found.append(_best(fitted, choice, max(starts, 1), seed, before))
    if not found:
        raise reason
    return tuple(found)


def marginal(fitted: Projection, p: np.ndarray, n: int, price: np.ndarray) -> Marginal:
    """Return what one more image of each source would add to the predicted accuracy.

    One image of source s takes n to n + 1 and p to (n p + e_s) / (n + 1), so that to first order

        d accuracy / d n_s = (d/dp_s - <p, d/dp>) / n + d/dn.

    Parameters
    ----------
    p : the ratio now, shape (m,)
    n : images now
    price : of one image of each source, shape (m,); 0 where unknown

    Raises
    ------
    ConfigError : p is no ratio, or n less than 1
    """
    if n < 1:
        raise ConfigError(f"A mix needs an image, got n = {n}.")
    p = require_ratio(p)
    gradient = fitted.gradient(p[None], np.array([float(n)]))[0]
    sizes = n * np.array([1 + _STEP_IN_N, max(1 - _STEP_IN_N, 1 / n)])
    more, less = fitted.predict(np.stack([p, p]), sizes)
    per_image = (gradient - p @ gradient) / n + (more - less) / (sizes[0] - sizes[1])
    known = price > 0
    per_price = np.where(known, per_image / np.where(known, price, 1.0), np.nan)
    return Marginal(per_image=per_image, per_price=per_price)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A predictor as a function of what is free in a mix, q, shape (k, number of free sources)."""

    fitted: Projection
    choice: Choice

    def predict(self, q: np.ndarray, n: np.ndarray) -> np.ndarray:
        return self.fitted.predict(self.choice.whole(q), n)

    def gradient(self, q: np.ndarray, n: np.ndarray) -> np.ndarray:
        return self.choice.slope(self.fitted.gradient(self.choice.whole(q), n))


def _best(
    fitted: Projection, choice: Choice, starts: int, seed: int, before: Mix | None = None
) -> Mix:
    """Climb from designed starts, from the mix before and from the best point of a grid."""
    limits = choice.limits
    if limits is None:
        return _only(fitted, choice)
    chosen, m = _Chosen(fitted, choice), len(limits.price)
    grid = limits.clipped(_grid(m))
    at_grid = chosen.predict(grid, np.full(len(grid), float(choice.n)))
    top = int(np.argmax(at_grid))
    designed = [
        space_filling(m, starts, seed),
        *([] if before is None else [choice.part(before.p)]),
    ]
    begun = np.vstack([limits.clipped(np.vstack(designed)), grid[top]])
    climb = _climb(chosen, limits, begun, choice.n)
    winner = int(np.argmax(climb.accuracies))
    q, accuracy = _without_traces(
        chosen, limits, climb.ends[winner], climb.accuracies[winner], choice.n
    )
    counts = choice.counts(q)
    return Mix(
        n=choice.n,
        p=choice.whole(q[None])[0],
        counts=counts,
        cost=float(counts @ choice.price),
        accuracy=accuracy,
        path=choice.whole(climb.path(_first_at(climb.ends, q), q)),
        starts=choice.whole(begun),
        ends=choice.whole(climb.ends),
        end_accuracies=climb.accuracies,
        grid_p=choice.whole(grid[top : top + 1])[0],
        grid_accuracy=float(at_grid[top]),
    )


def _only(fitted: Projection, choice: Choice) -> Mix:
    """Return the mix that is fixed as a whole."""
    p = choice.fixed[None]
    accuracy = fitted.predict(p, np.array([float(choice.n)]))
    return Mix(
        n=choice.n,
        p=p[0],
        counts=choice.taken,
        cost=float(choice.taken @ choice.price),
        accuracy=float(accuracy[0]),
        path=p,
        starts=p,
        ends=p,
        end_accuracies=accuracy,
        grid_p=p[0],
        grid_accuracy=float(accuracy[0]),
    )


def _without_traces(
    chosen: _Chosen, limits: Limits, q: np.ndarray, accuracy: float, n: int
) -> tuple[np.ndarray, float]:
    """Return a ratio without shares that are nearly 0, and its accuracy, unless that falls."""
    if not ((q > 0) & (q < _TRACE)).any():
        return q, float(accuracy)
    kept = np.where(q < _TRACE, 0.0, q)
    # The others grow in proportion, as far as there are images and money.
    trial = limits.nearest(np.log(np.maximum(kept, 1e-300))[None])
    gained = float(chosen.predict(trial, np.array([float(n)]))[0])
    return (trial[0], gained) if gained >= accuracy else (q, float(accuracy))


def _first_at(ends: np.ndarray, p: np.ndarray) -> int:
    """Return the row of the first of the ends, shape (k, m), that is close to p, which is one."""
    return int(np.argmax(np.abs(ends - p).sum(axis=1) <= _SAME_PLACE))


def _grid(m: int) -> np.ndarray:
    """Return a lattice of up to 2,000 points, or a design where that would be too coarse."""
    fits = [k for k in range(1, _GRID_STEPS + 1) if comb(k + m - 1, m - 1) <= _GRID_POINTS]
    if not fits or fits[-1] < 4:
        return space_filling(m, _GRID_POINTS, seed=0)
    return lattice(m, fits[-1])


@dataclass(frozen=True, slots=True)
class _Climb:
    """Where k climbs went: every stop of each, shape (s, k, m), and the accuracies at the ends."""

    stops: np.ndarray
    accuracies: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """Return the last stops, shape (k, m)."""
        return np.asarray(self.stops[-1])

    def path(self, row: int, end: np.ndarray) -> np.ndarray:
        """Return the stops of one climb and where it is said to end, each once, shape (s, m)."""
        path = np.vstack([self.stops[:, row], end])
        moved = np.append(True, (np.diff(path, axis=0) != 0).any(axis=1))
        return np.asarray(path[moved])


def _climb(fitted: Projection, limits: Limits, starts: np.ndarray, images: int) -> _Climb:
    """Climb from each start, shape (k, m); a step is taken only where it gains accuracy."""
    n = np.full(len(starts), float(images))
    p, value = starts, fitted.predict(starts, n)
    length = np.full(len(p), _LONGEST_STEP / 4)
    stops = [p]
    for _ in range(_STEPS):
        gradient = fitted.gradient(p, n)
        span = np.maximum(np.ptp(gradient, axis=1), 1e-300)
        step = (length / span)[:, None] * (gradient - gradient.max(axis=1, keepdims=True))
        trial = limits.nearest(np.log(np.maximum(p, _LEAST_SHARE)) + step)
        gained = fitted.predict(trial, n)
        better = gained > value
        p, value = np.where(better[:, None], trial, p), np.where(better, gained, value)
        stops.append(p)
        length = np.where(better, np.minimum(1.5 * length, _LONGEST_STEP), length / 3)
        if (length < _SHORTEST_STEP).all():
            break
    return _Climb(np.stack(stops), value)
