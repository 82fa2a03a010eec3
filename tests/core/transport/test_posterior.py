from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.transport import label_posterior
from tests.core.transport.problems import dense, random_cost


def test_is_the_softmax_of_the_cost_summed_by_class() -> None:
    cost = random_cost(1, labels=False)
    weights = np.exp(-dense(cost) / 0.3)
    by_class = np.stack([weights[:, cost.y_labels == v].sum(axis=1) for v in range(3)], axis=1)
    expected = by_class / by_class.sum(axis=1, keepdims=True)
    ours = label_posterior(cost, 3, epsilon=0.3, tile=7)
    np.testing.assert_array_equal(ours.label, expected.argmax(axis=1))
    np.testing.assert_allclose(ours.probability, expected.max(axis=1), rtol=1e-4)
    rows = np.arange(len(expected))
    np.testing.assert_allclose(ours.own_probability, expected[rows, cost.x_labels], atol=1e-5)


def test_a_tiny_epsilon_gives_the_class_of_the_nearest_validation_image() -> None:
    cost = random_cost(2, labels=False)
    nearest = cost.y_labels[dense(cost).argmin(axis=1)]
    np.testing.assert_array_equal(label_posterior(cost, 3, epsilon=1e-6).label, nearest)


def test_epsilon_must_be_positive() -> None:
    with pytest.raises(ConfigError):
        label_posterior(random_cost(3), 3, epsilon=0.0)


def test_the_distance_is_the_soft_minimum_at_an_eighth_of_epsilon() -> None:
    cost = random_cost(4, labels=False)
    expected = -0.05 * np.log(np.exp(-dense(cost) / 0.05).mean(axis=1))
    ours = label_posterior(cost, 3, epsilon=0.4, tile=7)
    np.testing.assert_allclose(ours.distance, expected, atol=1e-4)


def test_a_potential_moves_posterior_and_distance_as_it_moves_the_cost() -> None:
    cost = random_cost(5, labels=False)
    g = np.random.default_rng(0).normal(0, 0.3, cost.shape[1])
    scores = g - dense(cost)
    weights = np.exp(scores / 0.4)
    own = [weights[i, cost.y_labels == u].sum() for i, u in enumerate(cost.x_labels)]
    ours = label_posterior(cost, 3, epsilon=0.4, g=g)
    np.testing.assert_allclose(ours.own_probability, own / weights.sum(axis=1), atol=1e-5)
    expected = -0.05 * np.log(np.exp(scores / 0.05).mean(axis=1))
    np.testing.assert_allclose(ours.distance, expected, atol=1e-4)
