"""The linear head: the optimum of its loss, and what it says of images it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.errors import ConfigError
from core.valuation import HeadConfig, fit_head, label_log_probabilities
from core.valuation.head import log_softmax


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return 2 * np.eye(3, 5)[labels] + rng.standard_normal((n, 5)), labels


def test_it_is_the_logistic_regression_of_scikit_learn() -> None:
    x, labels = blobs(200)
    head = fit_head(x, labels, 3, HeadConfig(l2=0.01))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-8, max_iter=1000).fit(z, labels)
    # Both stop near one optimum, by rules of their own.
    np.testing.assert_allclose(head.probabilities(x), theirs.predict_proba(z), atol=2e-4)


def test_a_class_without_images_is_all_but_impossible_and_finite() -> None:
    x, labels = blobs(60)
    found = fit_head(x, labels, 5).log_probabilities(x)
    assert np.isfinite(found).all()
    assert (found[:, 3:] < -30).all()


def test_a_feature_that_does_not_vary_is_harmless() -> None:
    x, labels = blobs(60)
    still = np.concatenate([x, np.full((60, 1), 7.0)], axis=1)
    np.testing.assert_allclose(
        fit_head(still, labels, 3).probabilities(still),
        fit_head(x, labels, 3).probabilities(x),
        atol=1e-4,
    )


def test_log_softmax_does_not_overflow() -> None:
    np.testing.assert_allclose(log_softmax(np.array([[1e4, 0.0]])), [[0.0, -1e4]])


def test_training_images_are_judged_by_heads_that_have_not_seen_them() -> None:
    rng = np.random.default_rng(0)
    # More features than images: whoever has seen a label knows it by heart.
    x, labels = rng.standard_normal((60, 200)), rng.integers(0, 2, 60)
    config = HeadConfig(trained_on="training")
    apart = label_log_probabilities(x, labels, x, labels, 2, config)
    seen = fit_head(x, labels, 2).log_probabilities(x)
    assert (seen.argmax(axis=1) == labels).all()
    assert (apart.argmax(axis=1) == labels).mean() < 0.75


def test_one_image_has_something_said_of_it() -> None:
    config = HeadConfig(trained_on="training")
    x, label = np.ones((1, 3)), np.zeros(1, dtype=np.int64)
    assert np.isfinite(label_log_probabilities(x, label, x, label, 2, config)).all()


@pytest.mark.parametrize("wrong", [{"l2": 0.0}, {"trained_on": "test"}, {"folds": 1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        HeadConfig(**wrong)
