"""Faults that a review has not found yet, and the share that it has.

What was judged speaks for the images among it, never for those past it: precision falls along the
ranking, so the worst images are the easiest ones.
"""

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
_LEAST_IN_STRETCH = 10  # judged images without a wide gap that it takes to speak for others
_WIDE = 20  # a gap is wide if it is so many times the usual one
_DRAWS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """Faults not found yet.

    The worst images, `front_images`, are those up to the last that looks harmful, or to the last
    one reached by the review, if that is further. Some of those without an answer lie among judged
    images, the others do not.

    Attributes
    ----------
    front_images : the worst images
    among_images : without an answer, among judged ones
    among : faults in them, as often as in the judged images around; None while too few are judged
    ahead_images : the other worst images without an answer; nearly always those after the last one
        judged
    ahead : faults in them by the run's calibrated odds; None where it has none
    ahead_most : at most so many of them are faulty, if precision does not rise with the rank; None
        where that says nothing
    rest_images : all images that are not among the worst
    rest : faults among those of them without an answer; None while nothing tells
    rest_how : "audit": as often as in the audit sample; "odds"
    audit_more : answers in the audit sample that are missing for `rest` to follow from it
    odds_factor : what the odds were multiplied by, where the judged images are faulty less often
        than they say; else 1
    total : all together, None where one is missing
    """

    front_images: int
    among_images: int
    among: Estimate | None
    ahead_images: int
    ahead: Estimate | None
    ahead_most: int | None
    rest_images: int
    rest: Estimate | None
    rest_how: Literal["audit", "odds"] | None
    audit_more: int
    odds_factor: float
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
    Among judged images, groups of 25 of them give the rate of those around. In a wide gap, over 20
    times the usual one, the rate lies anywhere between those on both sides. Past the last judged
    image nothing is taken over: the calibrated odds stand in, or there is no number. Beyond the
    worst images: the audit sample, else the odds. After s faults in k images a rate is uncertain as
    Beta(s + 1/2, k - s + 1/2) (Jeffreys), a count as a binomial of it; an interval holds the middle
    95 % of 4,000 draws of the sum. Odds have no interval.
    """
    end = max(ground.flagged, reached)
    groups, stretch = _groups(by_rank[:end])
    if groups:
        # A few images far on, such as those of the audit, do not make the part worked through.
        end = max(ground.flagged, int(groups[-1][-1]) + 1)
    front = by_rank[:end]
    open_ = np.flatnonzero(front < SOUND)
    inside = np.zeros(len(open_), bool)
    if groups:
        inside = (open_ > groups[0][0]) & (open_ < groups[-1][-1])
    ahead_at = open_[~inside]
    among = _among(front, groups, stretch, open_[inside], rng) if groups else None
    ahead: _Sum | None = _nothing() if not len(ahead_at) else None
    rest, audit_more = _rest(ground, by_rank, state, end, rng)
    rest_how: Literal["audit", "odds"] | None = "audit" if rest else None
    factor = 1.0
    if ground.fault_probability is not None:
        odds = np.empty(len(by_rank))
        odds[ground.rank - 1] = ground.fault_probability
        factor = _odds_factor(front, odds[:end])
        odds *= factor
        if ahead is None:
            ahead = float(odds[ahead_at].sum()), np.zeros(0)
        if rest is None:
            rest, rest_how = (float(odds[end:][by_rank[end:] < SOUND].sum()), np.zeros(0)), "odds"
    parts = [among or _nothing(), ahead, rest]
    total, recall = _total(parts, int((by_rank == FAULTY).sum()))
    remaining = Remaining(
        front_images=end,
        among_images=int(inside.sum()),
        among=_of_draws(*among) if among else None,
        ahead_images=len(ahead_at),
        ahead=_of_draws(*ahead) if ahead else None,
        ahead_most=_most(front, groups, ahead_at, rng),
        rest_images=len(by_rank) - end,
        rest=_of_draws(*rest) if rest else None,
        rest_how=rest_how,
        audit_more=audit_more,
        odds_factor=factor,
        total=total,
    )
    return remaining, recall if rest_how == "audit" else None


_Sum = tuple[float, np.ndarray]
"""The expected number of faults, and draws of that number; no draws where they are unknown."""


def _nothing() -> _Sum:
    return 0.0, np.zeros(_DRAWS)


def _of_draws(value: float, draws: np.ndarray) -> Estimate:
    if not len(draws):
        return Estimate(value=value)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value))


def _rates(faulty: int, judged: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the rate of faults after `faulty` of `judged` images were."""
    return rng.beta(faulty + 0.5, judged - faulty + 0.5, _DRAWS)


def _draw(faulty: int, judged: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how many of `images` are faulty after `faulty` of `judged` were."""
    return rng.binomial(images, _rates(faulty, judged, rng)).astype(np.float64)


def _total(parts: list[_Sum | None], found: int) -> tuple[Estimate | None, Estimate | None]:
    """Return the sum of all parts, if all are known, and the share of all faults that is found."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None, None
    value = sum(part[0] for part in known)
    draws = np.zeros(0)
    if all(len(part[1]) for part in known):
        draws = np.sum([part[1] for part in known], axis=0)
    recall = _of_draws(found / (found + value), found / (found + draws)) if found else None
    return _of_draws(value, draws), recall


def _groups(by_rank: np.ndarray) -> tuple[list[np.ndarray], list[int]]:
    """Return judged images in groups, in the order of rank, and the stretch each belongs to.

    Between stretches lies a wide gap; the few judged images of a short one speak for no others.
    """
    judged = np.flatnonzero(by_rank >= SOUND)
    if len(judged) < LEAST_JUDGED:
        return [], []
    steps = np.diff(judged)
    stretches = np.split(judged, np.flatnonzero(steps > _WIDE * np.median(steps)) + 1)
    groups, of_stretch = [], []
    for number, stretch in enumerate(stretches):
        if len(stretch) >= _LEAST_IN_STRETCH:
            parts = np.array_split(stretch, max(1, len(stretch) // GROUP))
            groups += parts
            of_stretch += [number] * len(parts)
    return groups, of_stretch


def _among(
    by_rank: np.ndarray,
    groups: list[np.ndarray],
    stretch: list[int],
    open_: np.ndarray,
    rng: np.random.Generator,
) -> _Sum:
    """Return the faults in the images `open_`, all of which lie among those of `groups`."""
    faulty = [int((by_rank[group] == FAULTY).sum()) for group in groups]
    sizes = np.zeros(len(groups), np.int64)
    expected, draws = _nothing()
    # A group speaks for the images up to halfway to the next, or up to its end before a wide gap.
    starts, ends = [groups[0][0]], []
    for k, (a, b) in enumerate(itertools.pairwise(groups)):
        middle = (a[-1] + b[0]) / 2
        wide = stretch[k] != stretch[k + 1]
        ends.append(a[-1] if wide else middle)
        starts.append(b[0] if wide else middle)
        if wide:
            size = int(((open_ > a[-1]) & (open_ < b[0])).sum())
            rate, other = (faulty[i] / len(groups[i]) for i in (k, k + 1))
            above, below = (_rates(faulty[i], len(groups[i]), rng) for i in (k, k + 1))
            between = below + rng.random(_DRAWS) * (above - below)
            expected += size * (rate + other) / 2
            draws += rng.binomial(size, between)
    ends.append(groups[-1][-1])
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        sizes[k] = ((open_ >= start) & (open_ < end)).sum()
    for group, bad, size in zip(groups, faulty, sizes.tolist(), strict=True):
        if size:
            expected += size * bad / len(group)
            draws += _draw(bad, len(group), size, rng)
    return expected, draws


def _most(
    by_rank: np.ndarray, groups: list[np.ndarray], ahead: np.ndarray, rng: np.random.Generator
) -> int | None:
    """Return how many of the images `ahead` are faulty at most, if precision does not rise.

    Then the last group has faults at least as often as they have.
    """
    if not groups or not len(ahead) or ahead[0] < groups[-1][-1]:
        return None
    faulty = int((by_rank[groups[-1]] == FAULTY).sum())
    draws = _draw(faulty, len(groups[-1]), len(ahead), rng)
    most = int(np.quantile(draws, CONFIDENCE, method="higher"))
    return most if most < 0.9 * len(ahead) else None


def _odds_factor(by_rank: np.ndarray, odds: np.ndarray) -> float:
    """Return faults found / faults that the odds said, where chance does not explain so few.

    More than said change nothing: the worst images, which are judged first, are the easiest.
    """
    judged = by_rank >= SOUND
    if judged.sum() < LEAST_JUDGED:
        return 1.0
    said = float(odds[judged].sum())
    spread = float(np.sqrt((odds[judged] * (1 - odds[judged])).sum()))
    found = int((by_rank == FAULTY).sum())
    return found / said if said - found > 2 * spread + 1 else 1.0


def _rest(
    ground: Reviewable,
    by_rank: np.ndarray,
    state: np.ndarray,
    end: int,
    rng: np.random.Generator,
) -> tuple[_Sum | None, int]:
    """Return the faults beyond rank `end`, from the part of the audit sample that lies there.

    Also return how many more of its images it takes to tell.
    """
    images = len(by_rank) - end
    if not (by_rank[end:] < SOUND).any():
        return _nothing(), 0
    drawn = ground.audit[: first_gap(state[ground.audit])]
    drawn = drawn[(ground.rank[drawn] > end) & (state[drawn] >= SOUND)]
    missing = min(LEAST_AUDITED, images) - len(drawn)
    if missing > 0:
        return None, missing
    faulty = int((state[drawn] == FAULTY).sum())
    others = images - len(drawn)
    known = int((by_rank[end:] == FAULTY).sum()) - faulty  # found beside the sample
    expected = max(0.0, others * faulty / len(drawn) - known)
    return (expected, np.maximum(_draw(faulty, len(drawn), others, rng) - known, 0.0)), 0
