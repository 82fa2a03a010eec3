from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest

from core.errors import ConfigError, DataError
from core.transport import GroundCost, SinkhornConfig, solve_sinkhorn
from core.valuation import METHODS, LavaConfig, TransportValuation, calibrated_gradient, value_lava

Problem = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
TIGHT = LavaConfig(tolerance=1e-5, max_passes=2000)


def problem(
    seed: int = 0,
    n: int = 120,
    m: int = 60,
    v: int = 3,
    noisy: float = 0.0,
    apart: float = 0.6,
    equal_shares: bool = False,
) -> Problem:
    """Gaussian classes; the first `noisy` share of the training labels is wrong."""
    rng = np.random.default_rng(seed)
    centers = apart * rng.standard_normal((v, 6))
    # Classes of exactly equal shares leave the potentials nearly free by a constant a class.
    x_labels = rng.permutation(n) % v
    y_labels = rng.permutation(m) % (v if equal_shares else v + 1) % v
    x = centers[x_labels] + 0.6 * rng.standard_normal((n, 6))
    y = centers[y_labels] + 0.6 * rng.standard_normal((m, 6))
    wrong = round(noisy * n)
    x_labels[:wrong] = (x_labels[:wrong] + 1) % v
    return x.astype(np.float32), x_labels, y.astype(np.float32), y_labels


def spread(result: TransportValuation) -> float:
    return float(np.std(result.value))


def test_calibrated_gradient_is_f_minus_the_mean_of_the_others() -> None:
    f = np.random.default_rng(0).standard_normal(7)
    expected = [f[i] - np.delete(f, i).mean() for i in range(7)]
    np.testing.assert_allclose(calibrated_gradient(f), expected, rtol=1e-12)


def test_a_constant_added_to_the_potential_changes_no_value() -> None:
    f = np.random.default_rng(1).standard_normal(50)
    np.testing.assert_allclose(calibrated_gradient(f + 1000), calibrated_gradient(f), atol=1e-9)


def test_gradients_of_each_side_sum_to_zero() -> None:
    result = value_lava(*problem(), 3)
    np.testing.assert_allclose(result.calibrated_gradient.sum(), 0, atol=1e-9)
    np.testing.assert_allclose(result.validation_gradient.sum(), 0, atol=1e-9)


def test_a_single_training_image_has_gradient_zero() -> None:
    x, x_labels, y, y_labels = problem()
    result = value_lava(x[:1], x_labels[:1], y, y_labels, 3)
    np.testing.assert_array_equal(result.value, [0.0])
    assert not np.signbit(result.value[0])


def test_wrong_labels_have_lower_values_than_right_ones() -> None:
    value = value_lava(*problem(n=210, noisy=0.1, apart=1.5, equal_shares=True), 3).value
    assert np.median(value[:21]) < np.quantile(value[21:], 0.05)


def test_value_is_minus_the_calibrated_gradient() -> None:
    result = value_lava(*problem(), 3)
    np.testing.assert_array_equal(result.value, -result.calibrated_gradient)
    np.testing.assert_array_equal(result.validation_value, -result.validation_gradient)


def test_gradient_predicts_how_the_distance_changes_with_mass() -> None:
    """The calibrated gradient is the derivative by an image's mass, the others scaled to fit."""
    x, x_labels, y, y_labels = problem(3, n=30, m=25)
    result = value_lava(x, x_labels, y, y_labels, 3, TIGHT)
    cost = GroundCost(
        x=x, y=y, x_labels=x_labels, y_labels=y_labels, label_distances=result.label_distances
    )
    config = SinkhornConfig(tolerance=1e-8, max_passes=3000, precision="float64")

    def distance(step: float, i: int) -> float:
        a = np.full(30, (1 - 1 / 30 - step) / 29)
        a[i] = 1 / 30 + step
        return solve_sinkhorn(cost, config, a=a).dual

    for i in (0, 7, 19):
        slope = (distance(1e-4, i) - distance(-1e-4, i)) / 2e-4
        np.testing.assert_allclose(slope, result.calibrated_gradient[i], atol=2e-3)


def test_row_order_changes_no_value() -> None:
    x, x_labels, y, y_labels = problem(4)
    plain = value_lava(x, x_labels, y, y_labels, 3)
    order, other = (
        np.random.default_rng(0).permutation(120),
        np.random.default_rng(1).permutation(60),
    )
    shuffled = value_lava(x[order], x_labels[order], y[other], y_labels[other], 3)
    atol = 1e-3 * spread(plain)
    np.testing.assert_allclose(shuffled.value, plain.value[order], atol=atol)
    np.testing.assert_allclose(shuffled.validation_value, plain.validation_value[other], atol=atol)


@pytest.mark.parametrize("n", [120, 900])
def test_duplicating_the_training_set_changes_no_value(n: int) -> None:
    """LAVA appendix B.8, at the default settings."""
    x, x_labels, y, y_labels = problem(5, n=n)
    once = value_lava(x, x_labels, y, y_labels, 3)
    twice = value_lava(np.r_[x, x], np.r_[x_labels, x_labels], y, y_labels, 3)
    # Eq. 1 itself has the factor n / (n - 1), which tells 120 images from 240.
    factor = (n / (n - 1)) / (2 * n / (2 * n - 1))
    for half in (twice.value[:n], twice.value[n:]):
        np.testing.assert_allclose(half * factor, once.value, atol=1e-3 * spread(once))


def test_splitting_a_mass_over_copies_is_the_same_as_weighting() -> None:
    x, x_labels, y, y_labels = problem(6, n=40)
    heavy = np.ones(40)
    heavy[0] = 3
    weighted = value_lava(x, x_labels, y, y_labels, 3, TIGHT, a=heavy)
    cost = GroundCost(
        x=np.r_[x, x[:1], x[:1]],
        y=y,
        x_labels=np.r_[x_labels, x_labels[:1], x_labels[:1]],
        y_labels=y_labels,
        label_distances=weighted.label_distances,
    )
    copied = solve_sinkhorn(cost, SinkhornConfig(tolerance=1e-5, max_passes=2000))
    np.testing.assert_allclose(
        weighted.f - weighted.f[0], copied.f[:40] - copied.f[0], atol=1e-3 * spread(weighted)
    )


def test_a_class_that_validation_lacks_is_worth_least() -> None:
    x, x_labels, y, y_labels = problem(7, apart=1.5)
    there = y_labels != 2
    result = value_lava(x, x_labels, y[there], y_labels[there], 3)
    assert np.isfinite(result.value).all()
    assert np.median(result.value[x_labels == 2]) < np.median(result.value[x_labels != 2])


def test_small_epsilon_approaches_the_exact_distance() -> None:
    x, x_labels, y, y_labels = problem(8, n=40, m=30)
    config = LavaConfig(epsilon=0.01, tolerance=1e-4, max_passes=3000)
    result = value_lava(x, x_labels, y, y_labels, 3, config)
    cost = GroundCost(
        x=x, y=y, x_labels=x_labels, y_labels=y_labels, label_distances=result.label_distances
    )
    matrix = np.stack([cost.features(i) + cost.labels(i) for i in range(40)])
    np.testing.assert_allclose(
        result.transport_cost, ot.emd2(ot.unif(40), ot.unif(30), matrix), rtol=0.01
    )


def test_relative_epsilon_is_a_share_of_the_mean_feature_cost() -> None:
    x, x_labels, y, y_labels = problem(9)
    mean = (np.linalg.norm(x[:, None] - y[None], axis=2) ** 2 / 2).mean()
    relative = value_lava(x, x_labels, y, y_labels, 3, LavaConfig(relative_epsilon=0.05))
    np.testing.assert_allclose(relative.epsilon, 0.05 * mean, rtol=1e-5)
    absolute = value_lava(x, x_labels, y, y_labels, 3, LavaConfig(epsilon=relative.epsilon))
    np.testing.assert_array_equal(relative.value, absolute.value)


def test_relative_epsilon_makes_values_proportional_to_the_scale_of_the_cost() -> None:
    x, x_labels, y, y_labels = problem(10)
    config = LavaConfig(relative_epsilon=0.05, tolerance=1e-4)
    plain = value_lava(x, x_labels, y, y_labels, 3, config)
    scaled = value_lava(10 * x, x_labels, 10 * y, y_labels, 3, config)
    np.testing.assert_allclose(scaled.value, 100 * plain.value, atol=0.1 * spread(plain))


def test_resemblance_names_the_class_of_the_features() -> None:
    x, x_labels, y, y_labels = problem(11, n=200, noisy=0.1, apart=1.5)
    result = value_lava(x, x_labels, y, y_labels, 3)
    true_labels = x_labels.copy()
    true_labels[:20] = (x_labels[:20] - 1) % 3
    assert (result.looks_like == true_labels).mean() > 0.9
    assert (result.looks_like_probability >= 1 / 3).all()


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="not both 0"):
        LavaConfig(feature_weight=0, label_weight=0)
    with pytest.raises(ConfigError, match="relative_epsilon"):
        LavaConfig(relative_epsilon=-1)
    with pytest.raises(ConfigError, match="p must be"):
        value_lava(*problem(), 3, replace(LavaConfig(), p=3))


def test_relative_epsilon_needs_embeddings_that_differ() -> None:
    x, x_labels, y, y_labels = problem()
    with pytest.raises(ConfigError, match="all equal"):
        value_lava(
            np.ones_like(x),
            x_labels,
            np.ones_like(y),
            y_labels,
            3,
            LavaConfig(relative_epsilon=0.1),
        )


def test_nan_is_refused_with_its_row() -> None:
    x, x_labels, y, y_labels = problem()
    x[4] = np.nan
    with pytest.raises(DataError, match="row 4"):
        value_lava(x, x_labels, y, y_labels, 3)


def test_the_registry_runs_lava_with_the_settings_that_it_knows() -> None:
    x, x_labels, y, y_labels = problem()
    config = METHODS["lava"].configure({"epsilon": 0.3, "seed": 7, "train": "somewhere"})
    assert config == LavaConfig(epsilon=0.3)
    by_name = METHODS["lava"](x, x_labels, y, y_labels, 3, config)
    np.testing.assert_array_equal(
        by_name.value, value_lava(x, x_labels, y, y_labels, 3, config).value
    )
