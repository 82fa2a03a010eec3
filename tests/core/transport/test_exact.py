from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from core.errors import ConfigError, DataError
from core.transport.exact import ExactConfig, solve_exact
from core.transport.matrix import cost_matrix
from tests.core.transport.problems import dense, random_cost

ROOT = Path(__file__).resolve().parents[3]


def unequal(seed: int, count: int) -> np.ndarray:
    masses = np.random.default_rng(seed).uniform(0.2, 3.0, count)
    return masses / masses.sum()


@pytest.mark.parametrize("p", [1, 2])
def test_the_matrix_is_the_cost_by_its_definition(p: int) -> None:
    cost = random_cost(0, p=p)
    matrix = cost_matrix(cost)
    expected = np.nan_to_num(dense(cost))
    np.testing.assert_allclose(matrix, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_value_and_plan_agree_with_pot(seed: int) -> None:
    matrix = dense(random_cost(seed))
    a, b = unequal(seed, 60), unequal(seed + 9, 45)
    ours = solve_exact(matrix, a=a, b=b)
    np.testing.assert_allclose(ours.value, ot.emd2(a, b, matrix), rtol=1e-10)
    plan = np.zeros_like(matrix)
    plan[ours.rows, ours.columns] = ours.mass
    np.testing.assert_allclose(plan, ot.emd(a, b, matrix), atol=1e-12)
    assert ours.marginal_error < 1e-12


def test_value_agrees_with_a_linear_program_by_another_solver() -> None:
    matrix = dense(random_cost(3, n=12, m=7))
    a, b = unequal(1, 12), unequal(2, 7)
    rows = np.kron(np.eye(12), np.ones(7))
    columns = np.kron(np.ones(12), np.eye(7))
    found = linprog(matrix.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([a, b]))
    np.testing.assert_allclose(solve_exact(matrix, a=a, b=b).value, found.fun, rtol=1e-8)


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([1e-8, 1.0, 1e8]),
)
def test_the_potentials_prove_the_optimum_at_every_size_and_scale(
    seed: int, n: int, m: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    matrix = scale * rng.uniform(0, 1, (n, m)).round(1)  # rounded: ties and degenerate vertices
    a, b = rng.integers(0, 3, n).astype(float), rng.integers(0, 3, m).astype(float)
    a[0] += 1
    b[0] += 1
    ours = solve_exact(matrix, a=a, b=b)
    slack = matrix - ours.f[:, None] - ours.g
    assert slack.min() >= -1e-12 * scale
    assert abs(ours.gap) <= 1e-12 * scale
    np.testing.assert_allclose(slack[ours.rows, ours.columns], 0, atol=1e-12 * scale)
    np.testing.assert_allclose(a / a.sum() @ ours.f, b / b.sum() @ ours.g, atol=1e-12 * scale)
    assert ours.marginal_error < 1e-12


def test_the_order_of_the_points_does_not_matter_where_the_solution_is_unique() -> None:
    matrix = dense(random_cost(4, n=31, m=20))
    order = np.random.default_rng(0).permutation(31)
    ours, again = solve_exact(matrix), solve_exact(matrix[order])
    assert ours.pieces == again.pieces == 1
    np.testing.assert_allclose(again.f, ours.f[order], atol=1e-10)
    np.testing.assert_allclose(again.g, ours.g, atol=1e-10)


def test_exchanging_the_sides_exchanges_the_potentials() -> None:
    matrix = dense(random_cost(5, n=31, m=20))
    ours, turned = solve_exact(matrix), solve_exact(matrix.T)
    np.testing.assert_allclose(turned.f, ours.g, atol=1e-10)
    np.testing.assert_allclose(turned.g, ours.f, atol=1e-10)


def test_masses_with_a_common_divisor_leave_the_potentials_open() -> None:
    """40 against 20 alike: the plan is 20 separate pieces, which may shift against each other."""
    matrix = dense(random_cost(6, n=40, m=20))
    assert solve_exact(matrix).pieces == 20
    assert solve_exact(matrix[:, :19]).pieces == 1


def test_a_point_without_mass_has_the_price_at_which_it_would_enter() -> None:
    matrix = dense(random_cost(7, n=20, m=10))
    a = np.ones(20)  # 19 of them against 10: unique
    a[4] = 0
    ours = solve_exact(matrix, a=a)
    little = a.copy()
    little[4] = 1e-7 * a.sum()
    now = solve_exact(matrix, a=little)
    rise = (now.value - ours.value) / 1e-7
    np.testing.assert_allclose(rise, ours.f[4] - ours.f @ a / a.sum(), rtol=1e-4)


def test_a_start_near_by_leads_to_the_same_value() -> None:
    matrix = dense(random_cost(8))
    first = solve_exact(matrix)
    a = unequal(8, 60)
    warm = solve_exact(matrix, a=a, start=(first.f, first.g))
    np.testing.assert_allclose(warm.value, solve_exact(matrix, a=a).value, rtol=1e-12)


def test_equal_costs_are_solved() -> None:
    ours = solve_exact(np.full((5, 3), 2.0))
    np.testing.assert_allclose(ours.value, 2.0, rtol=1e-14)
    np.testing.assert_allclose(ours.f, 1.0, rtol=1e-14)


def test_too_many_pairs_are_refused_with_a_way_out() -> None:
    with pytest.raises(ConfigError, match=r"600 pairs; the limit is 599.*lava"):
        solve_exact(np.zeros((30, 20)), ExactConfig(max_pairs=599))


def test_a_cost_that_is_no_number_is_named() -> None:
    matrix = np.zeros((3, 3))
    matrix[1, 2] = np.nan
    with pytest.raises(DataError, match="between 1 and 2 is nan"):
        solve_exact(matrix)


@pytest.mark.filterwarnings("ignore:numItermax")
def test_a_solver_that_was_stopped_says_so() -> None:
    matrix = dense(random_cost(9))
    with pytest.raises(DataError, match="stopped before the optimum"):
        solve_exact(matrix, ExactConfig(max_iterations=2))


@pytest.mark.parametrize("a", [[1, -1, 1], [0, 0, 0], [1, 1], [np.nan, 1, 1]])
def test_masses_that_cannot_be_are_refused(a: list[float]) -> None:
    with pytest.raises(ConfigError):
        solve_exact(np.ones((3, 2)), a=np.array(a, dtype=float))


def test_the_solver_brings_no_torch() -> None:
    """It runs in the web server, where torch would cost seconds and 200 MB."""
    code = (
        "import sys, numpy as np\n"
        "sys.modules['geomloss'] = None\n"  # only tests have it; POT would load it, and torch
        "from core.transport.exact import solve_exact\n"
        "solve_exact(np.eye(3))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
