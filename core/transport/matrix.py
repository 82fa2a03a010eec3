"""The ground cost as a matrix: for problems small enough to hold it. NumPy alone."""

from __future__ import annotations

import numpy as np

from core.transport.cost import GroundCost


def cost_matrix(cost: GroundCost) -> np.ndarray:
    """Return the whole cost, float64, shape (n, m), as `GroundCost` defines it.

    Classes without a label distance count as distance 0, as in the streaming solver.

    Notes
    -----
    Time O(n m d), memory O(n m): for reference, exact transport and sensitivity only. By products
    of centered embeddings: exact to about 1e-15 of the largest squared norm.
    """
    center = cost.y.mean(axis=0, dtype=np.float64)
    x, y = (np.subtract(z, center, dtype=np.float64) for z in (cost.x, cost.y))
    matrix = x @ y.T
    matrix *= -1
    matrix += np.einsum("id,id->i", x, x)[:, None] / 2
    matrix += np.einsum("jd,jd->j", y, y) / 2
    np.maximum(matrix, 0, out=matrix)
    if cost.p == 1:
        matrix *= 2
        np.sqrt(matrix, out=matrix)
    matrix *= cost.feature_weight
    table = cost.label_table()
    if table is not None:
        matrix += np.take(table[:, cost.y_labels], cost.x_labels, axis=0)
    return matrix
