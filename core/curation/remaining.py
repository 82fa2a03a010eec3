"""Faults that a review has not found yet, and the share that it has."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.curation.intervals import CONFIDENCE, Estimate
from core.curation.reviewable import FAULTY, SOUND, UNREVIEWED, Reviewable

LEAST_JUDGED = 20  # below it nothing is estimated from judgements
LEAST_AUDITED = 10
GROUP = 25  # judged images that share one estimate
_DRAWS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """Faults not found yet.

    Attributes
    ----------
    front_images : images from the worst one to the last that looks harmful, or to the last one
        reached by the review, if that is further
    front : faults among those of them without an answer; None while too few are judged
    front_how : "judged": as often as among the judged images around; "odds": the run's calibrated
        odds of a fault
    rest_images : all other images
    rest : faults among those of them without an answer; None while nothing tells
    rest_how : "audit": as often as in the audit sample; "odds"
    total : both together, None where one is missing
    """

    front_images: int
    front: Estimate | None
    front_how: Literal["judged", "odds"] | None
    rest_images: int
    rest: Estimate | None
    rest_how: Literal["audit", "odds"] | None
    total: Estimate | None


def first_gap(done: np.ndarray) -> int:
    """Return how many images of the audit sample are reviewed before the first that is not.

    In its order they are a random sample, whatever else was reviewed, and why.
    """
    gaps = np.flatnonzero(done == UNREVIEWED)
    return int(gaps[0]) if len(gaps) else len(done)


def remaining_faults(
    ground: Reviewable,
    by_rank: np.ndarray,
    reached: int,
    state: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Remaining, Estimate | None]:
    """Return the faults not found yet, and the share of all faults that is found.

    The share is None where the audit sample does not tell it yet.

    Parameters
    ----------
    ground : of the run
    by_rank, state : what the review says of each image, in the order of rank and of rows, int8,
        shape (n,)
    reached : rank up to which nearly all images are reviewed
    rng : for the intervals

    Notes
    -----
    Faults are summed over parts of the ranking, each with a rate of its own. Up to the cut, or to
    `reached`: groups of 25 judged images give the rate of the images around them, the last group
    that of all images after it (an upper estimate, as precision falls). Beyond: the audit sample.
    After s faults in k images a rate is uncertain as Beta(s + 1/2, k - s + 1/2) (Jeffreys), a count
    as a binomial of it; an interval holds the middle 95 % of 4,000 draws of the sum.
    """
    end = max(ground.flagged, reached)
    odds = None
    if ground.fault_probability is not None:
        odds = np.empty(len(by_rank))
        odds[ground.rank - 1] = ground.fault_probability
    front = _front(by_rank[:end], rng)
    rest = _rest(ground, by_rank, state, end, rng)
    front_how: Literal["judged", "odds"] | None = "judged" if front else None
    rest_how: Literal["audit", "odds"] | None = "audit" if rest else None
    if odds is not None:
        if front is None:
            front, front_how = _by_odds(by_rank[:end], odds[:end]), "odds"
        if rest is None:
            rest, rest_how = _by_odds(by_rank[end:], odds[end:]), "odds"
    total, recall = None, None
    if front and rest:
        value = front[0] + rest[0]
        draws = front[1] + rest[1] if len(front[1]) == len(rest[1]) else np.zeros(0)
        total = _of_draws(value, draws)
        found = int((by_rank == FAULTY).sum())
        if found and rest_how == "audit":
            recall = _of_draws(found / (found + value), found / (found + draws))
    remaining = Remaining(
        front_images=end,
        front=_of_draws(*front) if front else None,
        front_how=front_how,
        rest_images=len(by_rank) - end,
        rest=_of_draws(*rest) if rest else None,
        rest_how=rest_how,
        total=total,
    )
    return remaining, recall


_Sum = tuple[float, np.ndarray]
"""The expected number of faults, and draws of that number; no draws where they are unknown."""


def _of_draws(value: float, draws: np.ndarray) -> Estimate:
    if not len(draws):
        return Estimate(value=value)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value))


def _draw(faulty: int, judged: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how many of `images` are faulty after `faulty` of `judged` were."""
    rate = rng.beta(faulty + 0.5, judged - faulty + 0.5, _DRAWS)
    return rng.binomial(images, rate).astype(np.float64)


def _front(by_rank: np.ndarray, rng: np.random.Generator) -> _Sum | None:
    """Return the faults among the worst images, from those judged around them."""
    judged = np.flatnonzero(by_rank >= SOUND)
    open_ = np.flatnonzero(by_rank < SOUND)
    if not len(open_):
        return 0.0, np.zeros(_DRAWS)
    if len(judged) < LEAST_JUDGED:
        return None
    groups = np.array_split(judged, max(1, len(judged) // GROUP))
    # A group speaks for the images up to halfway to the next.
    ends = [(a[-1] + b[0]) / 2 for a, b in itertools.pairwise(groups)]
    images = np.bincount(np.searchsorted(ends, open_), minlength=len(groups))
    expected, draws = 0.0, np.zeros(_DRAWS)
    for group, size in zip(groups, images.tolist(), strict=True):
        if size:
            faulty = int((by_rank[group] == FAULTY).sum())
            expected += size * faulty / len(group)
            draws += _draw(faulty, len(group), size, rng)
    return expected, draws


def _rest(
    ground: Reviewable,
    by_rank: np.ndarray,
    state: np.ndarray,
    end: int,
    rng: np.random.Generator,
) -> _Sum | None:
    """Return the faults beyond rank `end`, from the part of the audit sample that lies there."""
    images = len(by_rank) - end
    if not (by_rank[end:] < SOUND).any():
        return 0.0, np.zeros(_DRAWS)
    drawn = ground.audit[: first_gap(state[ground.audit])]
    drawn = drawn[(ground.rank[drawn] > end) & (state[drawn] >= SOUND)]
    if len(drawn) < min(LEAST_AUDITED, images):
        return None
    faulty = int((state[drawn] == FAULTY).sum())
    others = images - len(drawn)
    known = int((by_rank[end:] == FAULTY).sum()) - faulty  # found beside the sample
    expected = max(0.0, others * faulty / len(drawn) - known)
    return expected, np.maximum(_draw(faulty, len(drawn), others, rng) - known, 0.0)


def _by_odds(by_rank: np.ndarray, odds: np.ndarray) -> _Sum:
    return float(odds[by_rank < SOUND].sum()), np.zeros(0)
