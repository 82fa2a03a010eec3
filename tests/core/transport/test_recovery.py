from __future__ import annotations

import numpy as np
import ot
import pytest

from core.errors import ConfigError
from core.transport.exact import solve_exact
from core.transport.recovery import exact_difference, log_density, recover_exact
from core.transport.response import solve_dense
from tests.core.transport.problems import dense, random_cost


def centered(potential: np.ndarray) -> np.ndarray:
    return potential - potential.mean()


def pairs_with_a_common_target(rows: np.ndarray, columns: np.ndarray) -> list[tuple[int, int, int]]:
    found = []
    for j in np.unique(columns):
        members = rows[columns == j]
        found += [(int(i), int(members[0]), int(j)) for i in members[1:]]
    return found


@pytest.mark.parametrize("epsilon", [0.05, 0.3, 3.0])
def test_exact_differences_follow_from_entropic_potentials_at_any_epsilon(epsilon: float) -> None:
    """Against the duals of `ot.emd`; 41 and 30 have no common divisor, so those are unique."""
    matrix = dense(random_cost(1, n=41, m=30))
    plan, log = ot.emd(ot.unif(41), ot.unif(30), matrix, log=True)
    rows, columns = np.nonzero(plan > 1e-12)
    soft = solve_dense(matrix, epsilon)
    triples = pairs_with_a_common_target(rows, columns)
    assert len(triples) >= 40
    for i, k, j in triples:
        density = log_density(matrix, soft.f, soft.g, epsilon, np.array([i, k]), np.array([j, j]))
        found = exact_difference(soft.f[i], soft.f[k], density[0], density[1], epsilon)
        np.testing.assert_allclose(found, log["u"][i] - log["u"][k], atol=1e-9)


def test_the_density_is_that_of_the_plan_that_sinkhorn_returns() -> None:
    matrix = dense(random_cost(2, n=21, m=16))
    soft = solve_dense(matrix, 0.5)
    plan = ot.sinkhorn(
        ot.unif(21),
        ot.unif(16),
        matrix,
        0.5,
        method="sinkhorn_log",
        stopThr=1e-13,
        numItermax=10**5,
    )
    rows, columns = np.nonzero(plan > 1e-9)
    found = log_density(matrix, soft.f, soft.g, 0.5, rows, columns)
    np.testing.assert_allclose(found, np.log(plan[rows, columns] * 21 * 16), atol=1e-6)


@pytest.mark.parametrize("epsilon", [0.1, 1.0])
def test_all_exact_potentials_are_recovered_along_the_support(epsilon: float) -> None:
    matrix = dense(random_cost(3, n=53, m=20))
    exact = solve_exact(matrix)
    assert exact.pieces == 1
    soft = solve_dense(matrix, epsilon)
    density = log_density(matrix, soft.f, soft.g, epsilon, exact.rows, exact.columns)
    found = recover_exact(soft.f, soft.g, epsilon, exact.rows, exact.columns, density)
    np.testing.assert_allclose(centered(found.f), centered(exact.f), atol=1e-9)
    np.testing.assert_allclose(centered(found.g), centered(exact.g), atol=1e-9)
    assert np.abs(centered(soft.f) - centered(exact.f)).max() > 1e-3  # there was something to do


def test_pieces_of_the_support_are_recovered_each_by_itself() -> None:
    matrix = dense(random_cost(4, n=40, m=20))
    exact = solve_exact(matrix)
    soft = solve_dense(matrix, 0.2)
    density = log_density(matrix, soft.f, soft.g, 0.2, exact.rows, exact.columns)
    found = recover_exact(soft.f, soft.g, 0.2, exact.rows, exact.columns, density)
    assert len(np.unique(found.row_piece)) == exact.pieces == 20
    for piece in range(20):
        ours = found.row_piece == piece
        np.testing.assert_allclose(centered(found.f[ours]), centered(exact.f[ours]), atol=1e-9)
        np.testing.assert_allclose(found.f[ours].mean(), soft.f[ours].mean(), atol=1e-12)


def test_the_form_printed_in_the_paper_does_not_hold_for_the_entropy() -> None:
    """Theorem 2, Eq. 2, with 1 / plan in place of its logarithm: off by orders of magnitude."""
    matrix = dense(random_cost(5, n=41, m=30))
    epsilon = 0.3
    exact, soft = solve_exact(matrix), solve_dense(matrix, epsilon)
    i, k, j = pairs_with_a_common_target(exact.rows, exact.columns)[0]
    plan = soft.kernel / 41
    printed = soft.f[i] - soft.f[k] - epsilon * (1 / plan[k, j] - 1 / plan[i, j])
    assert abs(printed - (exact.f[i] - exact.f[k])) > 10


def test_a_pair_without_a_density_is_refused() -> None:
    with pytest.raises(ConfigError, match="one density"):
        recover_exact(np.zeros(2), np.zeros(2), 0.1, np.array([0]), np.array([1]), np.zeros(2))
