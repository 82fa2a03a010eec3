"""The label posterior as a method."""

from __future__ import annotations

import numpy as np
import ot
import pytest

from core.errors import ConfigError
from core.valuation import METHODS, PosteriorConfig, value_label_posterior


def problem(n: int = 90, m: int = 60) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1.5, (3, 5))
    x_labels, y_labels = np.arange(n) % 3, np.arange(m) % 3
    x = (centers[x_labels] + rng.standard_normal((n, 5))).astype(np.float32)
    y = (centers[y_labels] + rng.standard_normal((m, 5))).astype(np.float32)
    return x, x_labels, y, y_labels


def test_is_the_surprise_of_the_plan_that_pot_finds() -> None:
    x, x_labels, y, y_labels = problem()
    cost = ot.dist(x.astype(float), y.astype(float)) / 2
    epsilon = 0.3 * cost.mean()
    a, b = ot.unif(len(x)), ot.unif(len(y))
    plan = ot.sinkhorn(a, b, cost, epsilon, stopThr=1e-12, numItermax=5000)
    posterior = np.stack([plan[:, y_labels == v].sum(axis=1) for v in range(3)], axis=1)
    posterior /= posterior.sum(axis=1, keepdims=True)
    config = PosteriorConfig(relative_epsilon=0.3, tolerance=1e-6)
    ours = value_label_posterior(x, x_labels, y, y_labels, 3, config)
    own = posterior[np.arange(len(x)), x_labels]
    np.testing.assert_allclose(ours.value, np.log(own), atol=2e-3)
    np.testing.assert_array_equal(ours.columns["suggested_label"], posterior.argmax(axis=1))
    np.testing.assert_allclose(
        ours.columns["suggested_probability"], posterior.max(axis=1), atol=2e-3
    )


def test_a_wrong_label_is_worth_less_and_the_right_one_is_suggested() -> None:
    x, x_labels, y, y_labels = problem(300)
    wrong = x_labels.copy()
    wrong[:30] = (x_labels[:30] + 1) % 3
    found = value_label_posterior(x, wrong, y, y_labels, 3)
    assert np.median(found.value[:30]) < np.quantile(found.value[30:], 0.2)
    assert (found.columns["suggested_label"][:30] == x_labels[:30]).mean() > 0.8


def test_a_class_without_validation_images_has_finite_values() -> None:
    x, x_labels, y, y_labels = problem()
    there = y_labels != 2
    found = value_label_posterior(x, x_labels, y[there], y_labels[there], 3)
    assert np.isfinite(found.value).all()
    assert found.value[x_labels == 2].max() < np.median(found.value[x_labels != 2])


def test_a_validation_image_of_no_mass_takes_no_part() -> None:
    x, x_labels, y, y_labels = problem()
    b = np.ones(len(y))
    b[:6] = 0
    heavy = value_label_posterior(x, x_labels, y, y_labels, 3, b=b)
    config = PosteriorConfig(epsilon=heavy.epsilon)
    without = value_label_posterior(x, x_labels, y[6:], y_labels[6:], 3, config)
    np.testing.assert_allclose(heavy.value, without.value, atol=1e-3)


def test_the_method_is_in_the_registry_under_its_name() -> None:
    method = METHODS["label-posterior"]
    config = method.configure({"epsilon": None, "label_weight": 3.0, "p": 1})
    assert config == PosteriorConfig(p=1)


@pytest.mark.parametrize("name", ["epsilon", "relative_epsilon"])
def test_settings_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        PosteriorConfig(**{name: 0.0})
