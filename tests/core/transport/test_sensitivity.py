"""Exact OT over the mass of one point: figure 2 of LAVA and its radius."""

from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from core.errors import ConfigError
from core.transport.exact import solve_exact
from core.transport.measure import shifted_masses
from core.transport.sensitivity import MassCurve, exact_curve, linear_range
from tests.core.transport.problems import dense, random_cost

SHARES = np.linspace(-1, 1, 21)


def distance(matrix: np.ndarray, row: int, share: float) -> float:
    """By POT, with the masses written down by hand."""
    n, m = matrix.shape
    a = np.full(n, (1 - (1 + share) / n) / (n - 1))
    a[row] = (1 + share) / n
    return float(ot.emd2(a, ot.unif(m), matrix))


def radius_by_ratio_test(matrix: np.ndarray, row: int, sign: float) -> float:
    """Return how far a basic solution stays feasible: the textbook's LP sensitivity.

    The masses are such that no flow of the plan is 0: its support is a spanning tree, its flows
    solve a linear system, and the first that reaches 0 ends the range.
    """
    n, m = matrix.shape
    rows, columns = np.nonzero(ot.emd(ot.unif(n), ot.unif(m), matrix) > 1e-12)
    assert len(rows) == n + m - 1
    incidence = np.zeros((n + m, n + m - 1))
    incidence[rows, np.arange(n + m - 1)] = 1
    incidence[n + columns, np.arange(n + m - 1)] = 1
    direction = np.concatenate([np.full(n, -1 / n / (n - 1)), np.zeros(m)])
    direction[row] = 1 / n
    masses = np.concatenate([ot.unif(n), ot.unif(m)])
    flow, change = (np.linalg.lstsq(incidence, z, rcond=None)[0] for z in (masses, direction))
    falls = sign * change < -1e-15
    return float(min(1.0, (flow[falls] / -(sign * change[falls])).min(initial=np.inf)))


def test_shifted_masses_remove_a_point_and_double_it() -> None:
    a = np.array([0.2, 0.3, 0.5])
    shifted = shifted_masses(a, 0, np.array([-1.0, 0.0, 1.0]))
    expected = [[0, 0.2, 0.4], [0.375, 0.3, 0.225], [0.625, 0.5, 0.375]]
    np.testing.assert_allclose(shifted, expected, rtol=1e-14)


@pytest.mark.parametrize(("row", "share"), [(0, -1.1), (2, 1.01), (3, 0.5)])
def test_masses_that_cannot_be_shifted_are_refused(row: int, share: float) -> None:
    with pytest.raises(ConfigError):
        shifted_masses(np.array([0.2, 0.3, 0.5, 0.0]), row, np.array([share]))


@pytest.mark.parametrize("row", range(4))
def test_the_actual_change_is_that_of_pot(row: int) -> None:
    matrix = dense(random_cost(row, n=37, m=20))
    curve = exact_curve(matrix, row, SHARES)
    actual = [distance(matrix, row, s) - distance(matrix, row, 0) for s in SHARES.tolist()]
    np.testing.assert_allclose(curve.actual, actual, atol=1e-13)
    np.testing.assert_allclose(curve.value, distance(matrix, row, 0), rtol=1e-12)


def test_the_prediction_is_the_calibrated_gradient_of_the_dual() -> None:
    matrix = dense(random_cost(5, n=37, m=20))
    f = solve_exact(matrix).f
    curve = exact_curve(matrix, 7, SHARES)
    gradient = f[7] - np.delete(f, 7).mean()  # LAVA Eq. 1
    np.testing.assert_allclose(curve.gradient, gradient, rtol=1e-10)
    np.testing.assert_allclose(curve.predicted, SHARES * gradient / 37, atol=1e-14)


@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(1, 9))
def test_the_distance_is_convex_and_never_below_the_prediction(seed: int, n: int, m: int) -> None:
    matrix = np.random.default_rng(seed).uniform(0, 1, (n, m)).round(1)
    curve = exact_curve(matrix, seed % n, SHARES)
    assert (curve.actual - curve.predicted).min() >= -1e-12
    assert np.diff(curve.actual, n=2).min() >= -1e-12


@pytest.mark.parametrize("row", range(8))
def test_the_range_is_that_of_the_ratio_test(row: int) -> None:
    """29 and 20 have no common divisor: no flow is 0, so the radius of the one basis is right."""
    matrix = dense(random_cost(100 + row, n=29, m=20))
    found = linear_range(matrix, row)
    np.testing.assert_allclose(found.high, radius_by_ratio_test(matrix, row, 1.0), rtol=1e-6)
    np.testing.assert_allclose(-found.low, radius_by_ratio_test(matrix, row, -1.0), rtol=1e-6)
    assert not found.kink
    np.testing.assert_allclose(found.slope_up, exact_curve(matrix, row, SHARES).gradient, rtol=1e-7)


@given(st.integers(0, 10**6), st.integers(3, 10), st.integers(1, 8))
def test_the_distance_is_linear_inside_the_range_and_bends_behind_it(
    seed: int, n: int, m: int
) -> None:
    """Ties and common divisors too: one-sided slopes, each right on its side."""
    matrix = np.random.default_rng(seed).uniform(0, 1, (n, m)).round(1)
    row = seed % n
    found = linear_range(matrix, row)
    now = distance(matrix, row, 0)
    assert -1 <= found.low <= 0 <= found.high <= 1
    for end, slope in ((found.low, found.slope_down), (found.high, found.slope_up)):
        for part in (0.5, 1.0):
            line = now + slope * part * end / n
            np.testing.assert_allclose(distance(matrix, row, part * end), line, atol=1e-9)
        behind = 1.0 if end > 0 else -1.0
        step = end + 0.02 * behind
        if abs(step) < 1 and end != 0:
            assert distance(matrix, row, step) > now + slope * step / n
    assert found.slope_down <= found.slope_up + 1e-9


def test_a_kink_at_todays_masses_is_told() -> None:
    """Two points, two targets: each more or less of a point costs."""
    found = linear_range(np.array([[0.0, 1.0], [1.0, 0.0]]), 0)
    assert found.kink
    np.testing.assert_allclose([found.slope_down, found.slope_up], [-1, 1], rtol=1e-9)
    np.testing.assert_allclose([found.low, found.high], [-1, 1], rtol=1e-9)


def test_the_slopes_are_those_of_a_parametric_program() -> None:
    """One-sided slopes by HiGHS: the extreme duals of the optimal face."""
    matrix = dense(random_cost(9, n=12, m=6))
    n, m = matrix.shape
    value = solve_exact(matrix).value
    direction = np.full(n, -1 / (n - 1))
    direction[3] = 1.0
    a_ub = np.hstack([np.kron(np.eye(n), np.ones((m, 1))), np.kron(np.ones((n, 1)), np.eye(m))])
    optimal = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])[None]
    slopes = []
    for sign in (1, -1):
        program = linprog(
            sign * np.concatenate([direction, np.zeros(m)]),
            A_ub=a_ub, b_ub=matrix.ravel(), A_eq=optimal, b_eq=[value], bounds=(None, None),
        )  # fmt: skip
        slopes.append(sign * program.fun)
    found = linear_range(matrix, 3)
    assert found.kink
    np.testing.assert_allclose([found.slope_down, found.slope_up], slopes, rtol=1e-6)


def curve(shares: list[float], predicted: list[float], actual: list[float]) -> MassCurve:
    arrays = [np.array(part, dtype=float) for part in (shares, predicted, actual)]
    return MassCurve(
        shares=arrays[0], predicted=arrays[1], actual=arrays[2],
        value=1.0, gradient=1.0, mass=0.1, marginal_error=0.0,
    )  # fmt: skip


def test_the_prediction_holds_as_far_as_its_relative_error_is_small() -> None:
    made = curve([-1, -0.5, 0, 0.5, 1], [-1, -0.5, 0, 0.5, 1], [-1 / 1.2, -0.5 / 1.1, 0, 0.5, 1])
    low, high = made.holds_within(0.05)
    np.testing.assert_allclose([low, high], [-0.25, 1.0], rtol=1e-12)


def test_a_change_of_the_other_sign_ends_the_range_and_none_at_all_does_not() -> None:
    made = curve([-1, 0, 1], [-1, 0, 0], [0, 0, 0])
    assert made.holds_within(0.05) == (0.0, 1.0)
