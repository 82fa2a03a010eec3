"""Several mass vectors on one kernel: the solutions that each has by itself."""

from __future__ import annotations

import numpy as np
import pytest

from core.transport import (
    GroundCost,
    SinkhornConfig,
    cost_matrix,
    soft_transform,
    solve_masses,
    solve_sinkhorn,
)

RNG = np.random.default_rng(0)
COST = GroundCost(
    x=RNG.standard_normal((30, 3)),
    y=RNG.standard_normal((20, 3)),
    x_labels=RNG.integers(3, size=30),
    y_labels=RNG.integers(2, size=20),
    label_distances=RNG.random((3, 2)),
)
MASSES = RNG.random((5, 30)) * (RNG.random((5, 30)) < 0.6)
MASSES /= MASSES.sum(axis=1, keepdims=True)
B = RNG.random(20)
B /= B.sum()
SETTINGS = SinkhornConfig(epsilon=0.1, tolerance=1e-8, precision="float64")


def solved(tolerance: float = 1e-8, masses: np.ndarray = MASSES):
    g = solve_sinkhorn(COST, SETTINGS, b=B).g
    return solve_masses(COST, g, masses, B, epsilon=0.1, tolerance=tolerance)


def test_each_is_solved_as_it_would_be_alone() -> None:
    found = solved()
    assert found.marginal_error.max() <= 1e-8
    for i, a in enumerate(MASSES):
        alone = solve_sinkhorn(COST, SETTINGS, a=a, b=B)
        value = a @ found.f[i] + B @ found.g[i]
        np.testing.assert_allclose(value, alone.dual, rtol=1e-9)
        np.testing.assert_allclose(found.transport_cost[i], alone.transport_cost, rtol=1e-6)
        # Potentials are unique up to a constant.
        np.testing.assert_allclose(np.ptp(found.g[i] - alone.g), 0, atol=1e-5)


def test_its_certificate_is_true() -> None:
    """The plan made from f and g by the textbook has the marginals that are claimed."""
    found, cost = solved(tolerance=1e-3), cost_matrix(COST)
    for i, a in enumerate(MASSES):
        plan = np.exp((found.f[i][:, None] + found.g[i] - cost) / 0.1) * np.outer(a, B)
        np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-9)
        error = np.abs(plan.sum(axis=0) - B).sum()
        np.testing.assert_allclose(found.marginal_error[i], error, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.transport_cost[i], (plan * cost).sum(), rtol=1e-9)
        f = soft_transform(COST, found.g[i], B, SETTINGS)
        np.testing.assert_allclose(found.f[i], f, rtol=1e-9, atol=1e-12)


def test_masses_far_apart_are_reached_from_one_potential() -> None:
    corners = np.eye(30)[:4]
    found = solved(masses=corners)
    assert found.marginal_error.max() <= 1e-8
    np.testing.assert_allclose(found.transport_cost, cost_matrix(COST)[:4] @ B, rtol=1e-7)


def test_many_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = solved()
    monkeypatch.setattr("core.transport.shared_kernel._AT_ONCE", 2)
    parts = solved()
    np.testing.assert_allclose(parts.transport_cost, whole.transport_cost, rtol=1e-6)
    assert parts.f.shape == whole.f.shape


def test_what_is_not_reached_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.transport.shared_kernel._ITERATIONS", 1)
    assert (solved().marginal_error > 1e-3).all()
