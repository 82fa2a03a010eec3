from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.evaluation import LEARNERS, accuracy, learner_named


def test_accuracy_is_the_share_of_labels_that_are_likeliest() -> None:
    assert accuracy(np.array([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1]]), np.array([0, 1, 1])) == 2 / 3


def test_the_linear_head_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    x = (np.eye(3, 6)[labels] + 0.5 * rng.standard_normal((400, 6))).astype(np.float32)
    predict = learner_named("linear").fit(x, labels, 3)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    # Both minimize mean cross-entropy + l2 / 2 |W|^2 with l2 = 1e-3.
    other = LogisticRegression(C=1 / (1e-3 * 400), tol=1e-8, max_iter=1000).fit(z, labels)
    # The learner stops at a gradient of 1e-4.
    np.testing.assert_allclose(predict(x), other.predict_proba(z), atol=5e-3)


def test_a_class_without_images_is_never_predicted() -> None:
    x = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    predict = learner_named("linear").fit(x, np.arange(30) % 2, 3)
    assert predict(x)[:, 2].max() < 1e-10


def test_an_unknown_learner_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="linear"):
        learner_named("oracle")


def test_every_learner_says_what_it_is_and_takes() -> None:
    assert {learner.takes for learner in LEARNERS.values()} <= {"features", "pictures"}
    assert all(learner.title and learner.summary for learner in LEARNERS.values())
