"""What the transport between batches says."""

from __future__ import annotations

import numpy as np

from core.evaluation import batch_matching

RNG = np.random.default_rng(0)


def test_shares_are_those_of_each_training_batch() -> None:
    plan = np.array([[0.1, 0.3], [0.3, 0.3]])
    found = batch_matching(np.ones((2, 2)), plan)
    np.testing.assert_allclose(found.share, [[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(found.even, 0.6)
    assert found.variation == 0


def test_a_batch_of_another_kind_is_named_and_alike_ones_are_not() -> None:
    cost = 2 + 0.01 * RNG.standard_normal((30, 4))
    assert batch_matching(cost, np.ones_like(cost)).apart == ()
    cost[17] += 0.2
    assert batch_matching(cost, np.ones_like(cost)).apart == (17,)


def test_of_a_few_batches_none_is_said_to_be_apart() -> None:
    assert batch_matching(np.array([[1.0], [1.0], [9.0]]), np.ones((3, 1))).apart == ()


def test_batches_that_cost_nothing_vary_by_nothing() -> None:
    found = batch_matching(np.zeros((6, 2)), np.ones((6, 2)))
    assert found.variation == 0
    assert found.apart == ()
