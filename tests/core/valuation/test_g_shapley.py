"""G-Shapley against the algorithm as it is written, and what its values say."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import Cancelled, ConfigError
from core.valuation import GShapleyConfig, value_g_shapley
from tests.core.valuation.problems import clusters


def as_written(sets: tuple[np.ndarray, ...], v: int, config: GShapleyConfig) -> np.ndarray:
    """Return Algorithm 2 of Ghorbani & Zou, one order after the other, one step at a time."""
    x, x_labels, y, y_labels = sets
    center, scale = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    z, z_val = (np.c_[(part - center) / scale, np.ones(len(part))] for part in (x, y))
    step = config.learning_rate / (z**2).sum(axis=1).mean()
    rng = np.random.default_rng(config.seed)
    total = np.zeros(len(x))
    for _ in range(config.permutations):
        w, before = np.zeros((v, z.shape[1])), 1 / v
        for i in rng.permutation(len(x)):
            p = np.exp(w @ z[i])
            p /= p.sum()
            p[x_labels[i]] -= 1
            w = w - step * np.outer(p, z[i])
            after = ((z_val @ w.T).argmax(axis=1) == y_labels).mean()
            total[i] += after - before
            before = after
    return total / config.permutations


def test_is_the_published_algorithm() -> None:
    sets = clusters(n=20, m=25, v=3, d=4)
    config = GShapleyConfig(permutations=6, seed=3)
    found = value_g_shapley(*sets, 3, config)
    np.testing.assert_allclose(found.value, as_written(sets, 3, config), atol=1e-12)


def test_values_sum_to_the_accuracy_gained() -> None:
    x, x_labels, y, y_labels = clusters(n=40, m=30, v=3, d=4)
    found = value_g_shapley(x, x_labels, y, y_labels, 3, GShapleyConfig(permutations=1))
    gained = found.value.sum()
    # One order ends at the accuracy of its head, which is a share of 30 images, from a guess.
    assert abs((gained + 1 / 3) * 30 - round((gained + 1 / 3) * 30)) < 1e-9
    assert 0.4 < gained < 0.67


def test_wrong_labels_are_worth_less() -> None:
    x, x_labels, y, y_labels = clusters(n=150, m=90, v=3, d=4)
    wrong = x_labels.copy()
    wrong[:15] = (x_labels[:15] + 1) % 3
    value = value_g_shapley(x, wrong, y, y_labels, 3).value
    assert np.median(value[:15]) < np.quantile(value[15:], 0.2)


def test_more_orders_have_a_smaller_error() -> None:
    sets = clusters(n=40, m=30, v=3, d=4)
    few, many = (
        value_g_shapley(*sets, 3, GShapleyConfig(permutations=k)).columns["standard_error"]
        for k in (4, 64)
    )
    assert many.mean() < few.mean() / 2


def test_it_stops_when_asked() -> None:
    def stop(stage: str, done: float, detail: str = "") -> None:
        if stage == "Orders" and done > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        value_g_shapley(*clusters(n=40, m=30, v=3, d=4), 3, progress=stop)


@pytest.mark.parametrize("name", ["permutations", "learning_rate"])
def test_settings_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        GShapleyConfig(**{name: 0})
