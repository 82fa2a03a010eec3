"""Random transport problems, and the dense cost that the engine never holds."""

from __future__ import annotations

import numpy as np

from core.transport import GroundCost


def random_cost(
    seed: int, n: int = 60, m: int = 45, d: int = 5, v: int = 3, p: int = 2, labels: bool = True
) -> GroundCost:
    rng = np.random.default_rng(seed)
    x_labels = rng.integers(0, v, n)
    y_labels = rng.integers(0, max(1, v - 1), m)  # the last class is missing on one side
    distances = rng.uniform(0.5, 2.0, (v, v)).astype(np.float32)
    distances[:, v - 1] = np.nan
    centers = rng.standard_normal((v, d))
    return GroundCost(
        x=(centers[x_labels] + 0.5 * rng.standard_normal((n, d))).astype(np.float32),
        y=(centers[y_labels] + 0.5 * rng.standard_normal((m, d))).astype(np.float32),
        x_labels=x_labels,
        y_labels=y_labels,
        label_distances=distances if labels else None,
        feature_weight=0.7,
        label_weight=1.3,
        p=p,
    )


def dense(cost: GroundCost) -> np.ndarray:
    """The cost by its definition, float64, written independently of the tiles."""
    result = np.empty(cost.shape)
    for i in range(cost.shape[0]):
        for j in range(cost.shape[1]):
            gap = np.linalg.norm(cost.x[i].astype(float) - cost.y[j].astype(float))
            result[i, j] = cost.feature_weight * gap**cost.p / cost.p
            if cost.label_distances is not None:
                w = float(cost.label_distances[cost.x_labels[i], cost.y_labels[j]])
                result[i, j] += cost.label_weight * w / cost.p
    return result
