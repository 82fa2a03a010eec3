"""Projections of any number of sources, made in a second: accuracies are planted, not trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.acquisition import (
    FindingRecord,
    MixRecord,
    OfferRecord,
    PredictorRecord,
    Projection,
    ProjectionRecord,
    write_projection,
)
from core.projection import (
    Fitted,
    Intervals,
    Measured,
    Tangents,
    best_path,
    class_shares,
    fit_intervals,
    fit_predictor,
    space_filling,
)
from core.runs import SourceRecord

CLASSES = ("bag", "boot", "coat")
SCALES = (50, 100, 200)
FITTED = ("saturating", "linear", "projektor-cs")
_SIZES = (500, 1000, 2000)


def planted(folder: Path, m: int, *, prices: bool = True, capacities: bool = True) -> Projection:
    """Write `folder`/<id>: m sources, each worse than the one before; odd ones lack a class."""
    rng = np.random.default_rng(m)
    counts = np.array([[30, 30, 0 if s % 2 else 30] for s in range(m)])
    measured = _measured(m, counts / counts.sum(axis=1, keepdims=True), rng)
    tangents = Tangents(np.eye(m), np.tile(1.0 + np.arange(m), (m, 1)))
    labels = np.concatenate([np.repeat(np.arange(3), row) for row in counts])
    source = np.repeat(np.arange(m), counts.sum(axis=1))
    classes = class_shares(labels, source, np.arange(60) % 3, 3)
    fits: dict[str, Fitted] = {}
    around: dict[str, Intervals] = {}
    for name in FITTED:
        fits[name] = fit_predictor(name, measured, distance=tangents, classes=classes)
        around[name] = fit_intervals(
            fits[name], measured, distance=tangents, classes=classes, draws=4
        )
    record = _record(m, counts, prices=prices, capacities=capacities)
    mixes = best_path(
        fits["saturating"], _SIZES, capacity=record.capacity, price=record.price, starts=2
    )
    best = tuple(MixRecord.of(mix, around["saturating"], record.price) for mix in mixes)
    return write_projection(
        folder / record.id,
        replace(record, best=best),
        measured=measured,
        fits=fits,
        intervals=around,
        tangents=tangents,
    )


def _measured(m: int, shares: np.ndarray, rng: np.random.Generator) -> Measured:
    """Return accuracies of 2 m + 6 mixtures at three sizes, trained twice."""
    ratios = np.unique(space_filling(m, 2 * m + 6, seed=0), axis=0)
    p = np.tile(ratios, (2 * len(SCALES), 1))
    n = np.repeat(np.tile(SCALES, 2), len(ratios))
    worse = p @ np.arange(m) / m
    left = (n[:, None] * (p @ shares) + 5) ** -0.4
    per_class = 1 - (0.8 + 0.5 * worse[:, None]) * left + rng.normal(0, 0.005, (len(n), 3))
    per_class = per_class.clip(0, 1)
    return Measured(
        p=p,
        n=n,
        repeat=np.repeat([0, 1], len(n) // 2),
        accuracy=per_class.mean(axis=1),
        per_class=per_class,
        distance=1 + p @ np.arange(m),
    )


def _record(m: int, counts: np.ndarray, *, prices: bool, capacities: bool) -> ProjectionRecord:
    def shown(images: int) -> SourceRecord:
        return SourceRecord(source="x", fingerprint="0" * 64, images=images)

    fitted = PredictorRecord(held_out_error=0.01, points=24, parameters=9, notes=("A note.",))
    return ProjectionRecord(
        id=f"{m:016x}",
        created="2026-11-22T00:00:00+00:00",
        configuration={"currency": "EUR", "table": None, "learner": "linear"},
        embedder="precomputed",
        class_names=CLASSES,
        offers=tuple(
            OfferRecord(
                name=f"Source {s}",
                pilot=shown(int(counts[s].sum())),
                class_counts=tuple(counts[s].tolist()),
                capacity=1000 * (s + 3) if capacities else None,
                # The last one's price is not known where prices are not.
                price=0.5 / (s + 1) if prices or s < m - 1 else None,
            )
            for s in range(m)
        ),
        validation=shown(60),
        validation_counts=(20, 20, 20),
        test=shown(60),
        test_note="Half of it.",
        scales=SCALES,
        models=6 * (2 * m + 6),
        skipped=0,
        predictors={
            **dict.fromkeys(FITTED, fitted),
            "rational": PredictorRecord(missing="It was not asked for."),
        },
        predictor="saturating",
        best=(),
        findings=(FindingRecord(kind="small-pilot", severity="warning", sentence="Small."),),
        versions={},
        device="cpu",
    )
