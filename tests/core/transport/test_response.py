"""Entropic OT over the mass of one point, against re-solves by other means."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.transport import SinkhornConfig, solve_sinkhorn
from core.transport.measure import shifted_masses
from core.transport.response import entropic_curve, solve_dense, with_point
from core.transport.sensitivity import exact_curve
from tests.core.transport.problems import dense, random_cost

SHARES = np.linspace(-1, 1, 9)


def centered(potential: np.ndarray) -> np.ndarray:
    return potential - potential.mean()


def entropic_value(matrix: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float) -> float:
    """By POT in float64; points without mass left out."""
    keep = a > 0
    matrix, a = matrix[keep], a[keep]
    plan = ot.sinkhorn(
        a, b, matrix, epsilon, method="sinkhorn_log", stopThr=1e-14, numItermax=50_000
    )
    density = plan / (a[:, None] * b)
    entropy = (plan * np.log(np.where(density > 0, density, 1.0))).sum()
    return float((plan * matrix).sum() + epsilon * entropy)


@pytest.mark.parametrize("epsilon", [0.05, 0.5])
def test_potentials_agree_with_the_streaming_solver(epsilon: float) -> None:
    cost = random_cost(0)
    ours = solve_dense(dense(cost), epsilon)
    config = SinkhornConfig(
        epsilon=epsilon, tolerance=1e-7, max_passes=5000, precision="float64", warm_rows=0
    )
    other = solve_sinkhorn(cost, config)
    assert ours.marginal_error < 1e-8
    np.testing.assert_allclose(centered(ours.f), centered(other.f), atol=1e-5)
    np.testing.assert_allclose(centered(ours.g), centered(other.g), atol=1e-5)
    np.testing.assert_allclose(ours.value, other.dual, rtol=1e-6)


@pytest.mark.parametrize("epsilon", [0.02, 0.3, 5.0])
@pytest.mark.parametrize("row", [0, 11])
def test_the_actual_change_is_that_of_a_full_resolve_by_pot(row: int, epsilon: float) -> None:
    matrix = dense(random_cost(1, n=30, m=20))
    curve = entropic_curve(solve_dense(matrix, epsilon), row, SHARES)
    masses = shifted_masses(ot.unif(30), row, SHARES)
    b = ot.unif(20)
    now = entropic_value(matrix, ot.unif(30), b, epsilon)
    actual = [entropic_value(matrix, a, b, epsilon) - now for a in masses.T]
    np.testing.assert_allclose(curve.actual, actual, atol=1e-8)
    assert curve.marginal_error < 1e-7


def test_the_prediction_is_the_slope_of_the_actual_change() -> None:
    matrix = dense(random_cost(2))
    solved = solve_dense(matrix, 0.2)
    curve = entropic_curve(solved, 3, np.array([-1e-4, 1e-4]))
    slope = (curve.actual[1] - curve.actual[0]) / 2e-4
    np.testing.assert_allclose(curve.gradient * curve.mass, slope, rtol=1e-7)
    gradient = solved.f[3] - np.delete(solved.f, 3).mean()  # LAVA Eq. 1
    np.testing.assert_allclose(curve.gradient, gradient, rtol=1e-10)


@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 9), st.sampled_from([0.05, 1.0]))
def test_the_change_is_convex_and_never_below_the_prediction(
    seed: int, n: int, m: int, epsilon: float
) -> None:
    """Few points, so that doubling one is a large perturbation; ties; down to a single target."""
    matrix = np.random.default_rng(seed).uniform(0, 1, (n, m)).round(1)
    curve = entropic_curve(solve_dense(matrix, epsilon), seed % n, SHARES)
    assert np.isfinite(curve.actual).all()
    assert (curve.actual - curve.predicted).min() >= -1e-9
    assert np.diff(curve.actual, n=2).min() >= -1e-9
    assert curve.marginal_error < 1e-6


def test_a_small_epsilon_approaches_the_exact_curve() -> None:
    matrix = dense(random_cost(3, n=23, m=10))
    exact = exact_curve(matrix, 5, SHARES)
    gaps = [
        np.abs(entropic_curve(solve_dense(matrix, epsilon), 5, SHARES).actual - exact.actual).max()
        for epsilon in (0.3, 0.03, 0.003)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-3


def test_a_point_added_is_as_one_that_was_there() -> None:
    matrix = dense(random_cost(4))
    whole = solve_dense(matrix, 0.2)
    grown = with_point(solve_dense(matrix[:-1], 0.2), matrix[-1], 1 / 60)
    np.testing.assert_allclose(centered(grown.f), centered(whole.f), atol=1e-7)
    np.testing.assert_allclose(grown.value, whole.value, rtol=1e-10)
    ours, other = (entropic_curve(solved, 59, SHARES) for solved in (grown, whole))
    np.testing.assert_allclose(ours.actual, other.actual, atol=1e-9)


def test_scales_of_cost_do_not_matter() -> None:
    matrix = dense(random_cost(5))
    plain = entropic_curve(solve_dense(matrix, 0.1), 0, SHARES)
    for scale in (1e-8, 1e8):
        scaled = entropic_curve(solve_dense(scale * matrix, scale * 0.1), 0, SHARES)
        np.testing.assert_allclose(scaled.actual / scale, plain.actual, atol=1e-9)


def test_a_start_leads_to_the_same_solution() -> None:
    matrix = dense(random_cost(6))
    first = solve_dense(matrix, 0.1)
    start = first.g + 0.3 * np.random.default_rng(0).standard_normal(45)
    np.testing.assert_allclose(
        centered(solve_dense(matrix, 0.1, start=start).f), centered(first.f), atol=1e-6
    )


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan, np.inf])
def test_an_epsilon_that_cannot_be_is_refused(epsilon: float) -> None:
    with pytest.raises(ConfigError, match="epsilon"):
        solve_dense(np.ones((3, 3)), epsilon)


def test_an_image_alone_has_nothing_to_shift() -> None:
    with pytest.raises(ConfigError, match="nothing to shift"):
        entropic_curve(solve_dense(np.ones((1, 3)), 0.1), 0, SHARES)


def test_a_new_point_needs_a_mass() -> None:
    with pytest.raises(ConfigError, match="new point"):
        with_point(solve_dense(np.ones((2, 3)), 0.1), np.ones(3), 0.0)
