"""The statistics of a review in plain sentences, the same on every surface."""

from __future__ import annotations

from core.curation.intervals import Estimate
from core.curation.statistics import ReviewStatistics


def sentences(found: ReviewStatistics) -> dict[str, str]:
    """Return what `found` says by subject: precision, remaining, recall, stop, audit, pace.

    Parameters
    ----------
    found : from `review_statistics`
    """
    return {
        "precision": _precision(found),
        "stop": _stop(found),
        "remaining": _remaining(found),
        "recall": _recall(found),
        "audit": _audit(found),
        "pace": _pace(found),
    }


def percent(share: float) -> str:
    """Return a share as percent with at most two digits that count: "6.6 %", "98 %", "0 %"."""
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def _count(number: float, one: str = "fault", many: str = "faults") -> str:
    whole = round(number)
    return f"1 {one}" if whole == 1 else f"{whole:,} {many}"


def _about(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"About {_count(estimate.value)}"
    if round(estimate.value) == 0:
        return f"No fault expected, at most {round(estimate.high):,},"
    return f"About {_count(estimate.value)} ({round(estimate.low):,} to {round(estimate.high):,})"


def _precision(found: ReviewStatistics) -> str:
    precision = found.precision
    if precision is None or precision.low is None or precision.high is None:
        return "Nothing is judged yet: remove or relabel confirms a fault, keep refutes it."
    return (
        f"{percent(precision.value)} of the images judged worst first are faulty (95 % interval "
        f"{percent(precision.low)} to {percent(precision.high)})."
    )


def _stop(found: ReviewStatistics) -> str:
    stop = found.stop
    worth = f"one fault in {1 / stop.worth:.0f} images"
    if stop.state == "early":
        guess = f" A first guess for the end is rank {stop.rank:,}." if stop.rank else ""
        return f"Judge {_count(stop.more, 'more image', 'more images')} to see how it goes.{guess}"
    if stop.state == "go on":
        here = found.curve.here
        rate = (
            f"about {percent(float(here[-1]))} of the last ones were faulty, " if here[-1] else ""
        )
        return f"Go on: {rate}more than {worth}." if rate else f"Go on: not below {worth} for sure."
    tail = f"{stop.below_faulty:,} of the {stop.below:,} images judged after it were faulty"
    if stop.state == "soon":
        return (
            f"Rank {stop.rank:,} may be the end: {tail}. Judge {stop.more:,} more to be sure that "
            f"there is less than {worth}."
        )
    return f"You may stop at rank {stop.rank:,}: {tail}, less than {worth}."


def _remaining(found: ReviewStatistics) -> str:
    left = found.remaining
    odds = "by the calibrated odds"
    if left.odds_factor != 1:
        odds += f" times {left.odds_factor:.2g}: the judged images were faulty less often than said"
    parts = []
    if left.among is not None and left.among_images:
        parts.append(
            f"{_about(left.among)} among {_count(left.among_images, 'image', 'images')} between "
            "the judged ones, as often as in those around them."
        )
    if left.ahead_images:
        parts.append(_ahead(found, odds))
    elif not left.among_images and left.front_images:
        parts.append(f"None among the worst {left.front_images:,}: all are judged.")
    if left.rest is not None and left.rest_images:
        how = odds if left.rest_how == "odds" else "by the audit sample"
        parts.append(
            f"{_about(left.rest)} among the other {left.rest_images:,}, {how}."
            if left.rest.high != 0
            else "None among the others: all are judged."
        )
    elif left.rest_images:
        parts.append(
            f"Not known yet among the other {left.rest_images:,}: judge "
            f"{_count(left.audit_more, 'more image', 'more images')} of the audit sample."
        )
    return " ".join(parts)


def _ahead(found: ReviewStatistics, odds: str) -> str:
    """Say what is known of the worst images that no judged image speaks for."""
    left = found.remaining
    where = f"among {left.ahead_images:,} of the worst {left.front_images:,} not judged yet"
    if left.ahead is not None:
        return f"{_about(left.ahead)} {where}, {odds}."
    most = ""
    if left.ahead_most is not None:
        most = f" (at most {left.ahead_most:,} if they are faulty no more often than the last ones)"
    return f"Not known yet {where}{most}: go on to rank {left.front_images:,} to learn it."


def _recall(found: ReviewStatistics) -> str:
    recall = found.recall
    if recall is None:
        return (
            "The share of all faults that is found is known once the worst images and the audit "
            "sample are judged."
        )
    span = ""
    if recall.low is not None and recall.high is not None:
        if recall.value >= 0.995 and percent(recall.low) != percent(1):
            return f"At least {percent(recall.low)} of all faults are found, perhaps all."
        span = f" ({percent(recall.low)} to {percent(recall.high)})"
    odds = "" if span else ", if the calibrated odds hold"
    return f"About {percent(recall.value)}{span} of all faults are found{odds}."


def _audit(found: ReviewStatistics) -> str:
    audit = found.audit
    if not audit.size:
        return "Every image looks harmful, so there are none to audit."
    if not audit.reviewed:
        return (
            f"{audit.size:,} images that do not look harmful, drawn at random: judge them, in "
            "their order, to learn how many faults the ranking misses."
        )
    return (
        f"{audit.reviewed:,} of {audit.size:,} reviewed in their order, "
        f"{_count(audit.confirmed)} among them."
    )


def _pace(found: ReviewStatistics) -> str:
    if found.pace.per_minute is None:
        return "No pace yet."
    minutes = round(found.pace.active_minutes)
    over = {0: "less than an active minute", 1: "1 active minute"}.get(
        minutes, f"{minutes:,} active minutes"
    )
    return f"{found.pace.per_minute:.0f} decisions a minute over {over}; pauses are not counted."
