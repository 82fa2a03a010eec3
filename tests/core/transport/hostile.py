"""Problems at the ends of every range, and what their solutions are held against.

The reference is Sinkhorn in the log domain, float64, on the cost by its definition.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from core.transport import GroundCost, Potentials, SinkhornConfig
from core.transport import passes as passes_module

W = np.random.default_rng(9).uniform(0.5, 2, (3, 3))
TIGHT = SinkhornConfig(epsilon=0.1, tolerance=1e-5, max_passes=300)
TYPES = st.sampled_from([np.float32, np.float64])
POWERS = st.sampled_from([1, 2])
PLANS = ("dense", "sparse", "none")


def settings(count: int) -> hypothesis_settings:
    """So many examples, without minutes of shrinking where one fails."""
    return hypothesis_settings(max_examples=count, phases=[Phase.explicit, Phase.generate])


def points(
    seed: int, n: int = 30, m: int = 20
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Three classes in 4 dimensions, of spread about 1."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((3, 4))
    x_labels, y_labels = rng.integers(0, 3, n), rng.integers(0, 3, m)
    x = centers[x_labels] + 0.5 * rng.standard_normal((n, 4))
    y = centers[y_labels] + 0.5 * rng.standard_normal((m, 4))
    return x, x_labels, y, y_labels


def cost_of(
    x: np.ndarray, x_labels: np.ndarray, y: np.ndarray, y_labels: np.ndarray, **settings: object
) -> GroundCost:
    given = {"label_distances": W, **settings}
    dtype = given.pop("dtype", np.float32)
    return GroundCost(
        x=x.astype(dtype), y=y.astype(dtype), x_labels=x_labels, y_labels=y_labels, **given
    )


def by_definition(cost: GroundCost) -> np.ndarray:
    """The cost from differences of embeddings, float64: nothing cancels."""
    gaps = cdist(cost.x.astype(np.float64), cost.y.astype(np.float64))
    matrix = cost.feature_weight * gaps**cost.p / cost.p
    if cost.label_distances is not None:
        distances = cost.label_distances[cost.x_labels][:, cost.y_labels]
        matrix += cost.label_weight * distances / cost.p
    return matrix


def log_sums(exponents: np.ndarray, axis: int) -> np.ndarray:
    peak = exponents.max(axis=axis, keepdims=True)
    return np.log(np.exp(exponents - peak).sum(axis=axis)) + np.squeeze(peak, axis)


def reference(
    matrix: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", under="ignore"):
        log_a, log_b = np.log(a), np.log(b)
        g, step = np.zeros(len(b)), max(matrix.mean(), epsilon)
        while True:
            for _ in range(5000 if step == epsilon else 8):
                f = -step * log_sums((g - matrix) / step + log_b, 1)
                new = -step * log_sums((f[:, None] - matrix) / step + log_a[:, None], 0)
                done = float(b @ np.abs(np.expm1((g - new) / step))) < 1e-7
                g = new
                if done:
                    break
            if step == epsilon:
                return f, g
            step = max(step / 3, epsilon)


def uniform(count: int) -> np.ndarray:
    return np.full(count, 1 / count)


def finite(found: Potentials) -> bool:
    certificate = (found.marginal_error, found.primal, found.dual, found.transport_cost)
    return all(np.isfinite(part).all() for part in (found.f, found.g, certificate))


def assert_solves(
    found: Potentials,
    matrix: np.ndarray,
    epsilon: float,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
) -> None:
    """Each potential is the soft transform of the other: that alone makes them the optimum.

    In float64, on the cost by its definition; a column error of t is an L1 error of t of masses.
    """
    a = uniform(len(matrix)) if a is None else a / a.sum()
    b = uniform(matrix.shape[1]) if b is None else b / b.sum()
    assert finite(found)
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    f = -epsilon * log_sums((found.g - matrix) / epsilon + log_b, 1)
    g = -epsilon * log_sums((f[:, None] - matrix) / epsilon + log_a[:, None], 0)
    scale = max(matrix.max(), 1e-300)
    # The check itself is rounded to 1e-15 epsilon.
    atol = 3e-7 * scale + 1e-3 * min(epsilon, scale) + 1e-15 * epsilon
    np.testing.assert_allclose(found.f, f, atol=atol)
    assert b @ np.abs(np.expm1((found.g - g) / epsilon)) < 1e-3
    none = b < 1e-9 / len(b)
    np.testing.assert_allclose(found.g[none], g[none], atol=1e-6 * scale + 1e-2 * epsilon)


def use(patch: pytest.MonkeyPatch, plan: str) -> None:
    patch.setattr(passes_module, "DENSE_PAIRS", 30_000_000 if plan == "dense" else 0)
    patch.setattr(passes_module, "_SPARSE_PART", 1.0 if plan == "sparse" else 0.0)
