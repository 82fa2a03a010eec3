"""What the page of mixtures shows of a projection, ready for JSON.

Nothing here knows HTTP or Streamlit. Accuracies are from 0 to 1 and not clipped; numbers have six
digits, money and the mix itself all of theirs, and what is no number is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from core.acquisition import (
    INTERVAL_LEVEL,
    MixRecord,
    OfferRecord,
    Projection,
    ProjectionRecord,
)
from core.evaluation import LEARNERS
from core.projection import PREDICTORS, Measured, counts_of, rescale

# As far as the curve goes: this many times what was trained, and no farther than that many images.
_FARTHEST, _MOST = 30, 10_000_000
_CURVE_STEPS = 61
TRACK = np.linspace(0.0, 1.0, 21)
"""Shares of a source for which its track gives the accuracy."""


def ready(content: Any) -> Any:
    """Return arrays as lists, numbers with six digits, and null for what is no number."""
    if isinstance(content, np.ndarray):
        return ready(content.tolist())
    if isinstance(content, dict):
        return {name: ready(one) for name, one in content.items()}
    if isinstance(content, (list, tuple)):
        return [ready(one) for one in content]
    if isinstance(content, float):
        return float(f"{content:.6g}") if isfinite(content) else None
    return content


def about(projection: Projection) -> dict[str, Any]:
    """Return what does not depend on the mix; raises `RunError` where the folder is damaged."""
    record = projection.record
    return {
        "id": record.id,
        "names": list(record.names),
        "offers": [_offer(one) for one in record.offers],
        "currency": record.currency,
        "class_names": list(record.class_names),
        "class_measured": class_measured(projection).tolist(),
        "validation": {"classes": list(record.validation_counts)},
        "test": {"images": record.test.images, "note": record.test_note},
        "scales": list(record.scales),
        "learner": learner_title(record),
        "embedder": record.embedder,
        "from_table": record.from_table,
        "level": INTERVAL_LEVEL,
        "sizes": sizes_shown(record),
        "trained": max(record.scales),
        "predictor": record.predictor,
        "predictors": ready(_predictors(record)),
        "growth": None if projection.bend is None else projection.bend.sentence,
        "findings": [
            {"severity": one.severity, "sentence": one.sentence} for one in record.findings
        ],
        "models": record.models,
        "skipped": record.skipped,
        "converged": ready(record.converged),
        "measured": ready(_measured(projection.measured)),
        "best": [described(record, one) for one in record.best],
    }


def learner_title(record: ProjectionRecord) -> str:
    """Return what was trained on each mix, for people."""
    name = str(record.configuration["learner"])
    return LEARNERS[name].title if name in LEARNERS else name


def class_measured(projection: Projection) -> np.ndarray:
    """Return of which classes an accuracy was measured, bool, shape (v,).

    A law may still tell of the others, from the classes of the pilots: that is nothing but what it
    assumes.
    """
    known = projection.measured.per_class
    if known is None:
        return np.zeros(len(projection.record.class_names), dtype=bool)
    return np.asarray(np.isfinite(known).any(axis=0))


def most_shown(record: ProjectionRecord) -> int:
    """Return the largest size that is shown."""
    trained, total = max(record.scales), float(record.capacity.sum())
    sizes = [_FARTHEST * trained, *(one.n for one in record.best)]
    if isfinite(total):
        sizes.append(int(total))
    return max(trained, min(max(sizes), _MOST))


def sizes_shown(record: ProjectionRecord) -> list[int]:
    """Return the sizes of the curve, ascending: evenly spaced in log, and those trained."""
    spaced = np.geomspace(min(record.scales), most_shown(record), _CURVE_STEPS)
    return sorted({*np.rint(spaced).astype(int).tolist(), *record.scales})


def cost_of(record: ProjectionRecord, counts: Sequence[int] | np.ndarray) -> float | None:
    """Return what images of each source, shape (m,), cost; None where a price is not known."""
    bought = [(one.price, int(n)) for one, n in zip(record.offers, counts, strict=True) if n > 0]
    if any(price is None for price, _ in bought):
        return None
    return round(sum((price or 0.0) * n for price, n in bought), 6)


def described(record: ProjectionRecord, mix: MixRecord) -> dict[str, Any]:
    """Return a best mix; its cost is null where it is not known."""
    kept = asdict(mix)
    del kept["per_image"]
    return {**ready(kept), "cost": cost_of(record, mix.counts)}


def mix(
    projection: Projection, p: np.ndarray, n: int, by: str, locked: Sequence[int] = ()
) -> dict[str, Any]:
    """Return everything that one mix says.

    Parameters
    ----------
    p : the ratio, sum 1, shape (m,)
    n : images in all, 1 or more
    by : the predictor
    locked : sources that keep their shares when another one's moves

    Raises
    ------
    ConfigError : there is no such predictor, or it is not fitted
    RunError : the folder is damaged
    """
    record = projection.record
    counts = counts_of(p, n)
    sizes = np.array([*sizes_shown(record), n], dtype=np.float64)
    accuracy, low, high = _around(projection, p, sizes, by)
    at = {"accuracy": accuracy[-1], "low": low[-1], "high": high[-1]}
    more = projection.marginal(p, n, predictor=by)
    said = ready(
        {
            "n": n,
            "by": by,
            "curve": {"accuracy": accuracy[:-1], "low": low[:-1], "high": high[:-1]},
            "at": at,
            "distance": projection.tangents.distance(p),
            "counts": counts,
            "per_class": _per_class(projection, p, n, by),
            "shares": p @ _class_shares(record),
            "more": {"per_image": more.per_image, "per_price": more.per_price},
            "others": {
                name: at if name == by else _at(projection, p, n, name)
                for name in projection.predictors
            },
            "tracks": _tracks(projection, p, n, by, locked),
        }
    )
    # With six digits of a share a source would run out at 29,999 of 30,000 images.
    return {**said, "p": p.tolist(), "cost": cost_of(record, counts)}


def _offer(offer: OfferRecord) -> dict[str, Any]:
    return {
        "name": offer.name,
        "capacity": offer.capacity,
        "price": offer.price,
    }


def _predictors(record: ProjectionRecord) -> list[dict[str, Any]]:
    """Return what the predictors are and how they did, the most exact first."""
    found = []
    for name, title in record.titles.items():
        kept = record.predictors[name]
        found.append(
            {
                "name": name,
                "title": title,
                "summary": _summary(name),
                "error": kept.held_out_error,
                "points": kept.points,
                "parameters": kept.parameters,
                "notes": kept.notes,
                "missing": kept.missing,
            }
        )
    return found


def _summary(name: str) -> str:
    """Return what a predictor assumes, and whose it is; empty of one that is not known here."""
    if name not in PREDICTORS:
        return ""
    known = PREDICTORS[name]
    return f"{known.summary} ({known.source}.)"


def _measured(measured: Measured) -> dict[str, Any]:
    """Return what was trained, one entry a mixture and size, with how its repeats spread."""
    means = measured.mean()
    _, mixture = measured.mixtures()
    _, cell, repeats = np.unique(
        np.column_stack([measured.n, mixture]), axis=0, return_inverse=True, return_counts=True
    )
    cell = cell.reshape(-1)
    squares = np.bincount(cell, weights=(measured.accuracy - means.accuracy[cell]) ** 2)
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(squares / np.where(repeats > 1, repeats - 1, np.nan))
    return {
        "p": means.p,
        "n": means.n,
        "accuracy": means.accuracy,
        "deviation": deviation if (repeats > 1).any() else None,
        "repeats": repeats,
    }


def _class_shares(record: ProjectionRecord) -> np.ndarray:
    """Return the share of each class in each pilot, shape (m, v), rows with sum 1."""
    counts = np.array([one.class_counts for one in record.offers], dtype=np.float64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0))


def _around(
    projection: Projection, p: np.ndarray, n: np.ndarray, by: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return accuracies at sizes n and the ends of their intervals, shapes (k,)."""
    accuracy = projection.fitted(by).predict(p, n)
    return accuracy, *projection.interval(by).interval(p, n, INTERVAL_LEVEL)


def _at(projection: Projection, p: np.ndarray, n: int, by: str) -> dict[str, float]:
    accuracy, low, high = _around(projection, p, np.array([n]), by)
    return {"accuracy": float(accuracy[0]), "low": float(low[0]), "high": float(high[0])}


def _per_class(
    projection: Projection, p: np.ndarray, n: int, by: str
) -> dict[str, np.ndarray] | None:
    """Return the accuracy of each class and its interval, shapes (v,); None if the law has none.

    NaN of classes that nothing was measured of.
    """
    accuracy = projection.fitted(by).per_class(p, np.array([n]))
    around = projection.interval(by).per_class(p, np.array([n]), INTERVAL_LEVEL)
    if accuracy is None or around is None:
        return None
    known = class_measured(projection)
    found = {"accuracy": accuracy, "low": around[0], "high": around[1]}
    return {name: np.where(known, values[0], np.nan) for name, values in found.items()}


def _tracks(
    projection: Projection, p: np.ndarray, n: int, by: str, locked: Sequence[int]
) -> np.ndarray:
    """Return what moving each share would do, shape (m, 21)."""
    m = len(p)
    held = np.isin(np.arange(m), locked)
    ratios = [rescale(p, source, share, held) for source in range(m) for share in TRACK]
    accuracy = projection.fitted(by).predict(np.array(ratios), np.array([n]))
    return accuracy.reshape(m, len(TRACK))
