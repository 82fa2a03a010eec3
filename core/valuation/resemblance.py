"""What methods without transport share: the check of their input, and what images look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.device import resolve_device
from core.progress import Progress, silent
from core.transport import GroundCost, LabelPosterior, label_posterior
from core.valuation.evidence import RESEMBLANCE_EPSILON
from core.valuation.result import Valuation


def resemblance(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    *,
    device: str = "auto",
    progress: Progress = silent,
) -> LabelPosterior:
    """Return what each training image looks like, measured as LAVA does; parameters as there.

    Raises
    ------
    DataError
        For embeddings or labels that cannot be used: a method that asks this first need not check.

    Notes
    -----
    One pass: time O(n m (d + v)), memory linear in n + m.
    """
    features = GroundCost(x=x, y=y, x_labels=x_labels, y_labels=y_labels)
    return label_posterior(
        features,
        n_classes,
        epsilon=RESEMBLANCE_EPSILON * (features.mean() or 1.0),
        device=resolve_device(device),
        progress=progress,
    )


def valuation_by(
    score: np.ndarray,
    seen: LabelPosterior,
    *,
    columns: Mapping[str, np.ndarray] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Valuation:
    """Return the valuation of images ranked by `score` (higher is worse) that look like `seen`."""
    return Valuation(
        score=np.asarray(score, dtype=np.float64),
        looks_like=seen.label,
        looks_like_probability=seen.probability,
        columns={**(columns or {}), "own_probability": seen.own_probability},
        details=details or {},
    )
