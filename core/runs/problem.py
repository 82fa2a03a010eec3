"""The problem that a run solved, put together again from what it keeps."""

from __future__ import annotations

import numpy as np

from core.runs.folder import Run
from core.transport import GroundCost


def ground_cost(run: Run, *, precise: bool = False) -> GroundCost:
    """Return the ground cost that a run was valued with; training embeddings stay on disk.

    Of a run without a transport plan, the cost of features alone, |x - y|^2 / 2: what says which
    images are near.

    Parameters
    ----------
    precise : validation embeddings as float64, once, for whoever asks for many single rows
    """
    settings = run.record.configuration
    labels = run.has_plan
    return GroundCost(
        x=np.asarray(run.x),
        y=np.asarray(run.y, dtype=np.float64 if precise else np.float32),
        # Copies: the tables' own arrays cannot be written to, which torch warns of.
        x_labels=np.array(run.values["label"]),
        y_labels=np.array(run.validation["label"]),
        label_distances=run.label_distances if labels else None,
        feature_weight=float(settings["feature_weight"]) if labels else 1.0,
        label_weight=float(settings["label_weight"]) if labels else 0.0,
        p=int(settings["p"]) if labels else 2,
    )
