"""Rankings held against the truth, put together over contenders and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from core.lab.folder import ALL_FAULTS, Curves

if TYPE_CHECKING:
    from core.evaluation import DetectionCurve, Evaluation

SHARES = (0.01, 0.05, 0.1, 0.15, 0.2, 0.3)
CURVE_POINTS = 1001


class Scored(NamedTuple):
    """One contender's ranking in one repetition: how well it finds the faults, how long it took."""

    method: str
    seed: int
    evaluation: Evaluation
    seconds: float


def recall_column(share: float) -> str:
    """Return the name of the column of `Experiment.detection` with the recall at `share`."""
    return f"recall_at_{share:g}"


def detection_table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Return the table that `Experiment.detection` describes."""
    return pd.DataFrame(
        [
            {
                "method": one.method,
                "seed": one.seed,
                "fault": kind,
                "faults": curve.faults,
                "images": curve.images,
                "auroc": curve.auroc,
                "average_precision": curve.average_precision,
                **{recall_column(share): curve.recall_at(share) for share in SHARES},
                "seconds": one.seconds,
            }
            for one in scored
            for kind, curve in curves_of(one.evaluation).items()
        ]
    )


def sampled_curves(scored: Sequence[Scored]) -> Curves:
    """Return the curves of all contenders at `CURVE_POINTS` shares."""
    methods = tuple(dict.fromkeys(one.method for one in scored))
    seeds = tuple(dict.fromkeys(one.seed for one in scored))
    kinds = tuple(dict.fromkeys(kind for one in scored for kind in curves_of(one.evaluation)))
    share = np.linspace(0.0, 1.0, CURVE_POINTS)
    found = np.full((len(methods), len(kinds), len(seeds), CURVE_POINTS), np.nan)
    optimal = np.ones((len(kinds), CURVE_POINTS))
    for one in scored:
        for kind, curve in curves_of(one.evaluation).items():
            place = methods.index(one.method), kinds.index(kind), seeds.index(one.seed)
            found[place] = np.interp(share * curve.images, curve.inspected, curve.found)
            found[place] /= curve.faults
            optimal[place[1]] = np.minimum(1.0, share * curve.images / curve.faults)
    return Curves(
        share=share, methods=methods, kinds=kinds, seeds=seeds, found=found, optimal=optimal
    )


def curves_of(evaluation: Evaluation) -> Mapping[str, DetectionCurve]:
    """Return the curve of all faults and that of each kind, by name."""
    return {ALL_FAULTS: evaluation.overall, **evaluation.by_fault}
