from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.projection import learn
from tests.core.projection.sources import points


def test_clear_clusters_are_learned_and_wrong_labels_cost() -> None:
    rng = np.random.default_rng(0)
    x, labels = points(300, rng)
    y, y_labels = points(200, rng)
    clean = learn(x, labels, y, y_labels, 3)
    wrong = learn(x, rng.integers(3, size=300), y, y_labels, 3)
    assert clean.accuracy > 0.9
    assert wrong.accuracy < clean.accuracy - 0.2


def test_classes_average_to_the_accuracy_and_lacking_ones_are_unknown() -> None:
    rng = np.random.default_rng(1)
    x, labels = points(100, rng)
    y, y_labels = points(90, rng)
    found = learn(x, labels, y[y_labels < 2], y_labels[y_labels < 2], 3)
    counts = np.bincount(y_labels[y_labels < 2], minlength=2)
    assert np.isnan(found.per_class[2])
    np.testing.assert_allclose(found.per_class[:2] @ counts / counts.sum(), found.accuracy)


def test_a_mixture_of_one_class_knows_that_class() -> None:
    x, _ = points(20, np.random.default_rng(2))
    found = learn(x, np.ones(20, dtype=np.int64), x, np.arange(20) % 3, 3)
    np.testing.assert_allclose(found.per_class, [0, 1, 0])


def test_nothing_to_learn_from_and_unknown_learners_are_refused() -> None:
    x, labels = points(10, np.random.default_rng(3))
    with pytest.raises(DataError):
        learn(x[:0], labels[:0], x, labels, 3)
    with pytest.raises(ConfigError):
        learn(x, labels, x, labels, 3, learner="magic")
