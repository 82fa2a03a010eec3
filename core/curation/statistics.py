"""Statistics of a review: how often the ranking is right, what is left to find, when to stop.

"Remove" and "relabel" confirm that an image is faulty, "keep" refutes it; "unsure" is a look
without an answer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from core.curation.intervals import Estimate, share_of, wilson
from core.curation.pace import Pace, pace
from core.curation.remaining import LEAST_JUDGED, Remaining, first_gap, remaining_faults
from core.curation.reviewable import FAULTY, SOUND, UNREVIEWED, UNSURE, Reviewable

LEAST_BELOW = 50  # judged images past the stopping point that it takes to suggest it
_LEAST_SOON = 20  # and to expect it
_REACHED = 0.95  # share of the images up to a rank that must be reviewed for it to count as reached
_CURVE_POINTS = 400
_CONFIRMS, _REFUTES = ("remove", "relabel"), ("keep",)
_LOOKED = (*_CONFIRMS, *_REFUTES, "unsure")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionCurve:
    """Precision by rank, at the images judged (at most 400 of them).

    Attributes
    ----------
    rank : of a judged image, rising; 1 is worst
    judged, confirmed : images judged up to that rank, and how many of them are faulty
    precision, low, high : confirmed / judged, with its Wilson interval
    here : how likely an image at that rank is faulty: the precision of the images around it, taken
        not to rise with the rank (isotonic regression)
    """

    rank: np.ndarray
    judged: np.ndarray
    confirmed: np.ndarray
    precision: np.ndarray
    low: np.ndarray
    high: np.ndarray
    here: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """How far the audit sample is judged; only what was judged in its order counts.

    Attributes
    ----------
    size : images in it
    reviewed : its first images that are reviewed, without a gap
    judged, confirmed : of these, with an answer, and faulty
    """

    size: int
    reviewed: int
    judged: int
    confirmed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where to stop reviewing worst first.

    Attributes
    ----------
    state : "early": too little is judged to tell; "go on": images are still worth looking at;
        "soon": it seems so, a few more make sure; "stop": further ones are not worth it
    rank : the stopping point, 0 where not even the worst images are worth it; a first guess while
        it is early, None while it is not in sight
    more : images still to be judged for certainty, where it is early or soon
    below, below_faulty : images judged past the stopping point, and the faulty among them
    worth : an image is worth looking at if it is at least this likely faulty
    """

    state: Literal["early", "go on", "soon", "stop"]
    rank: int | None
    more: int
    below: int
    below_faulty: int
    worth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStatistics:
    """What `review_statistics` found.

    Attributes
    ----------
    images, flagged : images of the run, and those that look harmful
    reviewed, reviewed_flagged : of these, with a decision
    confirmed, refuted, unsure : found faulty, found sound, no answer
    disputed : images that reviewers judge differently
    reached : rank up to which nearly all images (95 %) are reviewed
    precision : of the images judged worst first; None before the first
    curve, remaining, stop, audit, pace : see there
    recall : share of all faults that is found; None until enough of the audit sample is judged
    """

    images: int
    flagged: int
    reviewed: int
    reviewed_flagged: int
    confirmed: int
    refuted: int
    unsure: int
    disputed: int
    reached: int
    precision: Estimate | None
    curve: PrecisionCurve
    remaining: Remaining
    recall: Estimate | None
    stop: Stop
    audit: Audit
    pace: Pace

    def to_json(self) -> dict[str, Any]:
        """Return everything by name; JSON can hold it."""
        facts = asdict(self)
        facts["curve"] = {
            name: [round(x, 6) for x in column.tolist()] for name, column in facts["curve"].items()
        }
        return facts


def review_statistics(
    ground: Reviewable, decisions: pd.DataFrame, *, worth: float = 0.1, seed: int = 0
) -> ReviewStatistics:
    """Return what the decisions say about the ranking, and about what is left to find.

    Parameters
    ----------
    ground : of the run, from `reviewable`
    decisions : one row a decided image: row, verdict, reviewer, at; `disputed` if it is known
    worth : how likely an image must be faulty for a look at it to be worth it, 0 to 1; by default
        one fault in ten images
    seed : of the draws behind the intervals of sums

    Notes
    -----
    Which images were judged is taken not to depend on whether they are faulty, given their rank.
    For what is left to find see `remaining_faults`. The stopping point is where the isotonic fit of
    precision by rank falls below `worth`. Time O(n + k log k) for n images, k of them decided.
    """
    n = len(ground.rank)
    decisions = decisions[decisions["verdict"].isin(_LOOKED)]
    rows = decisions["row"].to_numpy(dtype=np.int64)
    verdict = decisions["verdict"].to_numpy(dtype=object)
    state = np.full(n, UNREVIEWED, np.int8)
    kinds = [np.isin(verdict, _CONFIRMS), np.isin(verdict, _REFUTES)]
    state[rows] = np.select(kinds, [FAULTY, SOUND], UNSURE)
    by_rank = np.empty(n, np.int8)
    by_rank[ground.rank - 1] = state
    reached = _reached(by_rank != UNREVIEWED)
    in_audit = np.zeros(n, bool)
    in_audit[ground.rank[ground.audit] - 1] = True
    # The audit's images say nothing of the images around them in the ranking's worst part.
    ranked = (by_rank >= SOUND) & (~in_audit | (np.arange(n) < reached))
    judged = np.flatnonzero(ranked) + 1
    faulty = by_rank[judged - 1] == FAULTY
    curve = _curve(judged, faulty)
    audit = _audit(ground, state)
    remaining, recall = remaining_faults(
        ground, by_rank, reached, state, np.random.default_rng(seed)
    )
    counts = np.bincount(state, minlength=4)
    return ReviewStatistics(
        images=n,
        flagged=ground.flagged,
        reviewed=int(counts[1:].sum()),
        reviewed_flagged=int((by_rank[: ground.flagged] != UNREVIEWED).sum()),
        confirmed=int(counts[FAULTY]),
        refuted=int(counts[SOUND]),
        unsure=int(counts[UNSURE]),
        disputed=int(decisions["disputed"].sum()) if "disputed" in decisions else 0,
        reached=reached,
        precision=share_of(int(faulty.sum()), len(faulty)) if len(faulty) else None,
        curve=_thinned(curve),
        remaining=remaining,
        recall=recall,
        stop=_stop(ground, curve, faulty, worth),
        audit=audit,
        pace=pace(decisions["at"], decisions["reviewer"]),
    )


def _reached(reviewed: np.ndarray) -> int:
    """Return the last rank that is reviewed and up to which nearly all are."""
    share = np.cumsum(reviewed) / np.arange(1, len(reviewed) + 1)
    found = np.flatnonzero(reviewed & (share >= _REACHED))
    return int(found[-1]) + 1 if len(found) else 0


def _curve(judged: np.ndarray, faulty: np.ndarray) -> PrecisionCurve:
    count, confirmed = np.arange(1, len(judged) + 1), np.cumsum(faulty)
    low, high = wilson(confirmed, count)
    here = np.zeros(0)
    if len(judged):
        here = isotonic_regression(faulty.astype(np.float64), increasing=False).x
    return PrecisionCurve(
        rank=judged,
        judged=count,
        confirmed=confirmed,
        precision=confirmed / count,
        low=low,
        high=high,
        here=here,
    )


def _thinned(curve: PrecisionCurve) -> PrecisionCurve:
    kept = np.unique(np.linspace(0, len(curve.rank) - 1, _CURVE_POINTS).round().astype(np.int64))
    if len(curve.rank) <= _CURVE_POINTS:
        return curve
    return PrecisionCurve(**{name: column[kept] for name, column in asdict(curve).items()})


def _audit(ground: Reviewable, state: np.ndarray) -> Audit:
    done = state[ground.audit]
    reviewed = first_gap(done)
    return Audit(
        size=len(done),
        reviewed=reviewed,
        judged=int((done[:reviewed] >= SOUND).sum()),
        confirmed=int((done[:reviewed] == FAULTY).sum()),
    )


def _stop(ground: Reviewable, curve: PrecisionCurve, faulty: np.ndarray, worth: float) -> Stop:
    judged = len(faulty)
    if judged < LEAST_JUDGED:
        guess = ground.flagged or None
        if ground.fault_probability is not None:
            guess = int((ground.fault_probability >= worth).sum()) or None
        more = LEAST_JUDGED - judged
        return Stop(state="early", rank=guess, more=more, below=0, below_faulty=0, worth=worth)
    # The fit does not rise, so these are the last ones judged.
    below = int((curve.here < worth).sum())
    if below < _LEAST_SOON:
        return Stop(state="go on", rank=None, more=0, below=0, below_faulty=0, worth=worth)
    sure = below >= LEAST_BELOW or int(curve.rank[-1]) == len(ground.rank)
    return Stop(
        state="stop" if sure else "soon",
        rank=int(curve.rank[judged - below - 1]) if below < judged else 0,
        more=0 if sure else LEAST_BELOW - below,
        below=below,
        below_faulty=int(faulty[judged - below :].sum()),
        worth=worth,
    )
