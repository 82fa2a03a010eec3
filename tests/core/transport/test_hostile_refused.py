"""Input that means nothing is refused in words, by every solver alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.transport import (
    LabelDistanceConfig,
    SinkhornConfig,
    label_distances,
    label_posterior,
    soft_transform,
    solve_sinkhorn,
    transform_fixed,
)
from core.transport.batched import BatchedConfig
from tests.core.transport.hostile import cost_of, points, uniform
from tests.core.transport.problems import random_cost


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["training", "validation"])
def test_embeddings_that_are_no_numbers_are_named(bad: float, side: str) -> None:
    x, x_labels, y, y_labels = points(10)
    (x if side == "training" else y)[4, 2] = bad
    with pytest.raises(DataError, match=f"{side} embedding in row 4"):
        cost_of(x, x_labels, y, y_labels)
    with pytest.raises(DataError, match=f"{side} embedding in row 4"):
        label_distances(x, x_labels, y, y_labels, 3)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("side", ["training", "validation"])
def test_labels_that_are_no_classes_are_named(label: int, side: str) -> None:
    x, x_labels, y, y_labels = points(11)
    (x_labels if side == "training" else y_labels)[5] = label
    message = f"{side} label in row 5 is {label}"
    with pytest.raises(DataError, match=message):
        cost_of(x, x_labels, y, y_labels)
    with pytest.raises(DataError, match=message):
        label_distances(x, x_labels, y, y_labels, 3)
    with pytest.raises(DataError, match=message):
        label_posterior(cost_of(x, x_labels, y, y_labels, label_distances=None), 3, epsilon=1.0)


def test_types_that_would_be_taken_for_something_else_are_refused() -> None:
    x, x_labels, y, y_labels = points(12)
    with pytest.raises(DataError, match="must be float"):
        cost_of(x, x_labels, y, y_labels, dtype=np.uint8)
    for dtype in (np.float64, np.uint8):
        with pytest.raises(DataError, match="must be int64"):
            cost_of(x, x_labels.astype(dtype), y, y_labels)


def test_nothing_is_no_set() -> None:
    x, x_labels, y, y_labels = points(13)
    with pytest.raises(DataError, match="no training images"):
        cost_of(x[:0], x_labels[:0], y, y_labels)
    with pytest.raises(DataError, match="no validation images"):
        label_distances(x, x_labels, y[:0], y_labels[:0], 3)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_that_mean_nothing_are_refused(weight: float) -> None:
    for name in ("feature_weight", "label_weight"):
        with pytest.raises(ConfigError, match=name):
            replace(random_cost(2), **{name: weight})


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan, np.inf])
def test_an_epsilon_that_means_nothing_is_refused(epsilon: float) -> None:
    for config in (SinkhornConfig, LabelDistanceConfig, BatchedConfig):
        with pytest.raises(ConfigError, match="epsilon must be a positive number"):
            config(epsilon=epsilon)


@pytest.mark.parametrize("epsilon", [1e-300, 1e-30])
def test_an_epsilon_lost_in_the_cost_is_refused_by_every_solver(epsilon: float) -> None:
    x, x_labels, y, y_labels = points(14)
    cost = cost_of(x, x_labels, y, y_labels)
    config = SinkhornConfig(epsilon=epsilon)
    for solve in (
        lambda: solve_sinkhorn(cost, config),
        lambda: soft_transform(cost, np.zeros(20), uniform(20), config),
        lambda: transform_fixed(cost, np.zeros(20), config),
        lambda: label_posterior(cost, 3, epsilon=epsilon),
        lambda: label_distances(x, x_labels, y, y_labels, 3, LabelDistanceConfig(epsilon=epsilon)),
    ):
        with pytest.raises(ConfigError, match="relative_epsilon"):
            solve()
