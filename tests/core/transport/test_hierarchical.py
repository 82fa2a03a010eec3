"""Transport between batches, against a plain loop over pairs with POT."""

from __future__ import annotations

import numpy as np
import ot
import pytest

import core.transport.hierarchical as hierarchical
from core.errors import Cancelled, ConfigError, DataError
from core.transport import (
    BatchPairConfig,
    BatchPairs,
    GroundCost,
    batch_plan,
    make_batches,
    positive_masses,
    solve_batch_pairs,
)
from tests.core.transport.problems import dense, random_cost

EPSILON = 0.1
TIGHT = BatchPairConfig(epsilon=EPSILON, tolerance=1e-6, max_iterations=2000)


class Split:
    """A problem cut into batches, solved."""

    def __init__(self, cost: GroundCost, size: int, *, seed: int = 0, uniform: bool = True) -> None:
        rng = np.random.default_rng(seed)
        n, m = cost.shape
        self.cost = cost
        self.rows = make_batches(cost.x_labels, size, "random", rng)
        self.columns = make_batches(cost.y_labels, size, "random", rng)
        self.a = np.full(n, 1 / n) if uniform else rng.dirichlet(np.full(n, 3.0))
        self.b = np.full(m, 1 / m) if uniform else rng.dirichlet(np.full(m, 3.0))

    def solve(self, config: BatchPairConfig = TIGHT, **settings: object) -> BatchPairs:
        return solve_batch_pairs(
            self.cost, self.rows, self.columns, config, a=self.a, b=self.b, **settings
        )


def pot_pair(
    cost: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return plan, f and g of one pair by POT's log-domain Sinkhorn; f has mean 0 under a."""
    plan, log = ot.bregman.sinkhorn_log(
        a, b, cost, EPSILON, numItermax=20_000, stopThr=1e-9, log=True
    )
    # POT regularizes by entropy, not relative to a x b: its potentials carry the masses.
    f = EPSILON * (log["log_u"] - np.log(a))
    g = EPSILON * (log["log_v"] - np.log(b))
    return plan, f - f @ a, g + f @ a


@pytest.mark.parametrize("uniform", [True, False])
@pytest.mark.parametrize("p", [1, 2])
def test_every_pair_agrees_with_a_plain_loop(p: int, uniform: bool) -> None:
    split = Split(random_cost(3, n=55, m=37, p=p), 20, uniform=uniform)
    pairs = split.solve()
    whole = np.nan_to_num(dense(split.cost))
    for i, rows in enumerate(split.rows):
        for j, columns in enumerate(split.columns):
            cost = whole[np.ix_(rows, columns)]
            a, b = split.a[rows], split.b[columns]
            plan, f, g = pot_pair(cost, a / a.sum(), b / b.sum())
            # 1e-3 of the spread of the potentials.
            np.testing.assert_allclose(pairs.f[j, rows], f, atol=1e-3 * f.std())
            np.testing.assert_allclose(pairs.g[i, columns], g, atol=1e-3 * g.std())
            np.testing.assert_allclose(pairs.cost[i, j], (plan * cost).sum(), rtol=1e-4)
            assert pairs.marginal_error[i, j] <= 1e-5


def test_the_dual_value_is_below_the_primal_one_and_both_are_near_the_optimum() -> None:
    split = Split(random_cost(5), 20)
    loose = split.solve(BatchPairConfig(epsilon=EPSILON, tolerance=0.05))
    tight = split.solve()
    assert (loose.dual <= tight.primal + 1e-5).all()
    np.testing.assert_allclose(tight.primal, tight.dual, rtol=1e-5)
    assert (tight.cost <= tight.primal + 1e-6).all()  # the regularizer is not negative


def test_how_many_pairs_a_call_solves_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Split(random_cost(7, n=60, m=45), 10)
    solved = []
    for flying in (1, 2, 100):
        monkeypatch.setattr(hierarchical, "pairs_in_flight", lambda *_, k=flying: k)
        solved.append(split.solve())
    for other in solved[1:]:
        np.testing.assert_allclose(other.f, solved[0].f, atol=1e-3 * solved[0].f.std())
        np.testing.assert_allclose(other.cost, solved[0].cost, rtol=1e-4)


def test_batches_of_different_sizes_are_padded_without_trace() -> None:
    cost = random_cost(11, n=30, m=23)
    split = Split(cost, 30)
    split.columns = [np.arange(3), np.arange(3, 23)]
    alone = Split(cost, 30)
    alone.columns = [np.arange(3, 23)]
    alone.rows = split.rows
    b = split.b[3:] / split.b[3:].sum()
    reference = solve_batch_pairs(
        cost.columns(np.arange(3, 23)),
        split.rows,
        [np.arange(20)],
        TIGHT,
        a=split.a,
        b=b,
    )
    pairs = split.solve()
    np.testing.assert_allclose(pairs.f[1], reference.f[0], atol=1e-3 * reference.f.std())
    np.testing.assert_allclose(pairs.g[0, 3:], reference.g[0], atol=1e-3 * reference.g.std())


def test_potentials_of_each_training_batch_have_mean_zero() -> None:
    split = Split(random_cost(13), 16, uniform=False)
    pairs = split.solve()
    for rows in split.rows:
        means = pairs.f[:, rows] @ (split.a[rows] / split.a[rows].sum())
        np.testing.assert_allclose(means, 0, atol=1e-6)


def test_work_stops_when_progress_says_so() -> None:
    seen: list[str] = []

    def stop(stage: str, done: float, detail: str = "") -> None:
        seen.append(detail)
        if len(seen) == 3:
            raise Cancelled

    hierarchical_calls = Split(random_cost(17, n=60, m=45), 4)
    with pytest.raises(Cancelled):
        hierarchical_calls.solve(progress=stop)
    assert len(seen) == 3


def test_a_cost_beyond_float32_is_refused_by_name() -> None:
    cost = random_cost(19)
    huge = GroundCost(
        x=cost.x * 1e25, y=cost.y * 1e25, x_labels=cost.x_labels, y_labels=cost.y_labels
    )
    with pytest.raises(DataError, match="scale the embeddings down"):
        Split(huge, 20).solve()


@pytest.mark.parametrize("shape", [(4, 3), (2, 7), (1, 1), (1, 5)])
def test_the_plan_between_batches_is_that_of_pot(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    cost = 3 + 0.2 * rng.standard_normal(shape)
    a, b = rng.dirichlet(np.full(shape[0], 5.0)), rng.dirichlet(np.full(shape[1], 5.0))
    plan = batch_plan(cost, a, b)
    expected = ot.sinkhorn(a, b, cost / cost.max(), 0.01, method="sinkhorn_log", stopThr=1e-12)
    np.testing.assert_allclose(plan, expected, atol=1e-8)
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-12)
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-8)


def test_batches_that_cost_nothing_are_coupled_by_their_masses() -> None:
    a, b = np.array([0.25, 0.75]), np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(batch_plan(np.zeros((2, 3)), a, b), np.outer(a, b))


def test_masses_of_zero_are_refused_by_row() -> None:
    with pytest.raises(ConfigError, match="training mass in row 2 is 0"):
        positive_masses(np.array([1.0, 1.0, 0.0]), 3, "training")
