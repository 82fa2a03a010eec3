"""Images that come later: the values they would have had, and how far that is from a re-solve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import spearmanr

from core.errors import ConfigError, DataError
from core.transport import GroundCost, SinkhornConfig, solve_sinkhorn, transform_fixed
from core.valuation import LavaConfig, TransportValuation, value_lava, value_new
from core.valuation.fusion import Fusion
from core.valuation.posterior import value_label_posterior
from tests.core.transport.problems import dense, random_cost

V = 4


def drawn(seed: int, n: int, shares: tuple[float, ...] | None = None) -> tuple[np.ndarray, ...]:
    """Clusters of V classes, every tenth label wrong; x, labels."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(V, n, p=shares)
    x = 2 * np.eye(V, 6)[truth] + 0.6 * rng.standard_normal((n, 6))
    labels = truth.copy()
    labels[::10] = (labels[::10] + 1) % V
    return x.astype(np.float32), labels


Y, Y_LABELS = drawn(1, 300)
CONFIG = LavaConfig(tolerance=1e-5)


def valued(x: np.ndarray, labels: np.ndarray) -> tuple[TransportValuation, GroundCost]:
    found = value_lava(x, labels, Y, Y_LABELS, V, CONFIG)
    cost = GroundCost(
        x=x, y=Y, x_labels=labels, y_labels=Y_LABELS, label_distances=found.label_distances
    )
    return found, cost


def joined(first: tuple[np.ndarray, ...], later: tuple[np.ndarray, ...]) -> TransportValuation:
    before, old = valued(*first)
    return value_new(replace(old, x=later[0], x_labels=later[1]), old, before, V, device="cpu")


@pytest.mark.parametrize("p", [1, 2])
def test_the_transform_is_that_of_the_definition(p: int) -> None:
    cost = random_cost(3, p=p)
    matrix = dense(cost)
    n, m = matrix.shape
    g = np.random.default_rng(0).standard_normal(m) * 0.3
    b = np.random.default_rng(1).uniform(size=m) * (np.arange(m) > 2)
    b /= b.sum()
    found = transform_fixed(cost, g, SinkhornConfig(epsilon=0.3, precision="float64"), b=b)
    with np.errstate(divide="ignore"):
        exponents = (g - matrix) / 0.3 + np.log(b)
    f = -0.3 * logsumexp(exponents, axis=1)
    plan = np.exp(exponents + f[:, None] / 0.3)
    np.testing.assert_allclose(found.f, f, rtol=1e-9)
    np.testing.assert_allclose(found.columns, plan.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.transport_cost, (plan * matrix).sum() / n, rtol=1e-9)
    np.testing.assert_allclose(found.primal, (f + plan @ g).mean(), rtol=1e-9)


def test_masses_that_cannot_be_are_refused() -> None:
    cost = random_cost(3)
    with pytest.raises(ConfigError, match="zero"):
        transform_fixed(cost, np.zeros(45), SinkhornConfig(), b=np.zeros(45))


def test_an_image_that_was_there_gets_its_own_value_again() -> None:
    first = drawn(2, 400)
    later = first[0][:50], first[1][:50]
    found = joined(first, later)
    # Float32 passes whose tiles differ.
    np.testing.assert_allclose(found.value[400:], found.value[:50], atol=2e-4)
    np.testing.assert_array_equal(found.looks_like[400:], found.looks_like[:50])
    np.testing.assert_allclose(
        found.looks_like_probability[400:], found.looks_like_probability[:50], atol=1e-4
    )


def test_the_order_of_the_old_images_is_kept_and_gradients_sum_to_zero() -> None:
    first, later = drawn(2, 400), drawn(3, 60)
    before = value_lava(*first, Y, Y_LABELS, V, CONFIG)
    found = joined(first, later)
    np.testing.assert_array_equal(np.argsort(found.value[:400]), np.argsort(before.value))
    assert abs(found.calibrated_gradient.sum()) < 1e-8
    assert len(found.value) == 460
    np.testing.assert_array_equal(found.g, before.g)
    np.testing.assert_array_equal(found.f[:400], before.f)


def test_the_values_are_nearly_those_of_a_new_valuation() -> None:
    first, later = drawn(2, 2000), drawn(3, 200)
    found = joined(first, later)
    anew = value_lava(*map(np.concatenate, zip(first, later, strict=True)), Y, Y_LABELS, V, CONFIG)
    assert spearmanr(found.value[2000:], anew.value[2000:])[0] > 0.995


@pytest.mark.parametrize("shares", [None, (0.7, 0.1, 0.1, 0.1)], ids=["even", "skewed"])
def test_the_distance_to_a_new_valuation_is_predicted(shares: tuple[float, ...] | None) -> None:
    """Within a factor of two; the label distances are held."""
    first, later = drawn(2, 1500), drawn(3, 150, shares)
    before, old = valued(*first)
    found = value_new(replace(old, x=later[0], x_labels=later[1]), old, before, V)
    both = replace(
        old,
        x=np.concatenate([first[0], later[0]]),
        x_labels=np.concatenate([first[1], later[1]]),
    )
    f = solve_sinkhorn(both, SinkhornConfig(epsilon=0.1, tolerance=1e-5, max_passes=500)).f
    shift = np.std(f - found.f) / np.std(f)
    said = found.details["added"]
    assert 0.5 * shift < said["shift"] < 2 * shift
    actual = spearmanr(found.f[1500:], f[1500:])[0]
    assert 1 - said["rank_correlation"] < 2.5 * (1 - actual) + 1e-3
    assert 1 - actual < 2.5 * (1 - said["rank_correlation"]) + 1e-3


def test_images_of_one_class_alone_are_said_to_be_far_from_a_new_valuation() -> None:
    """Mass must move between classes then, which a linear response understates, but not hides."""
    found = joined(drawn(2, 1500), drawn(3, 150, (0.0, 0.0, 0.0, 1.0)))
    assert found.details["added"]["shift"] > 0.4


def test_the_certificate_holds_for_all_images_together() -> None:
    """Primal and transport cost are exact; the marginal error is a tight upper bound."""
    first, later, last = drawn(2, 300), drawn(3, 80), drawn(4, 40)
    before, old = valued(*first)
    once = value_new(replace(old, x=later[0], x_labels=later[1]), old, before, V)
    both = replace(
        old,
        x=np.concatenate([first[0], later[0]]),
        x_labels=np.concatenate([first[1], later[1]]),
    )
    twice = value_new(replace(old, x=last[0], x_labels=last[1]), both, once, V)
    for found, images in ((once, (first, later)), (twice, (first, later, last))):
        x, labels = map(np.concatenate, zip(*images, strict=True))
        matrix = dense(replace(old, x=x, x_labels=labels))
        plan = np.exp((found.f[:, None] + found.g - matrix) / 0.1) / matrix.size
        np.testing.assert_allclose(plan.sum(axis=1), 1 / len(x), rtol=1e-3)
        error = np.abs(plan.sum(axis=0) - 1 / len(Y)).sum()
        assert error - 1e-4 <= found.marginal_error <= error + 1e-3
        np.testing.assert_allclose(found.transport_cost, (plan * matrix).sum(), rtol=1e-3)
        primal = found.f.mean() + plan.sum(axis=0) @ found.g
        np.testing.assert_allclose(found.primal, primal, rtol=1e-3, atol=1e-4)
        assert found.converged is bool(found.marginal_error <= found.tolerance)
    assert twice.details["added"]["images"] == 120
    assert twice.details["added"]["solved_images"] == 300


def test_two_additions_give_what_one_gives() -> None:
    first, later, last = drawn(2, 300), drawn(3, 80), drawn(4, 40)
    before, old = valued(*first)
    once = value_new(replace(old, x=later[0], x_labels=later[1]), old, before, V)
    grown = [np.concatenate(part) for part in zip(first, later, strict=True)]
    twice = value_new(
        replace(old, x=last[0], x_labels=last[1]),
        replace(old, x=grown[0], x_labels=grown[1]),
        once,
        V,
    )
    whole = joined(first, tuple(map(np.concatenate, zip(later, last, strict=True))))
    np.testing.assert_allclose(twice.value, whole.value, atol=2e-4)
    np.testing.assert_allclose(twice.marginal_error, whole.marginal_error, atol=1e-4)
    np.testing.assert_array_equal(twice.looks_like, whole.looks_like)


def test_one_new_image_and_many_work() -> None:
    first = drawn(2, 50)
    for count in (1, 700):
        found = joined(first, drawn(3, count))
        assert np.isfinite(found.value).all()
        assert 0 <= found.marginal_error <= 2
        assert -1 <= found.details["added"]["rank_correlation"] <= 1


def test_equal_images_give_finite_values() -> None:
    x, labels = np.ones((20, 6), np.float32), np.arange(20) % V
    found = joined((x, labels), (x[:3], labels[:3]))
    assert np.isfinite(found.value).all()
    assert np.isfinite(found.details["added"]["shift"])


def test_a_class_without_label_distances_is_refused() -> None:
    x, labels = drawn(2, 300)
    kept = labels != 3
    before, old = valued(x[kept], labels[kept])
    with pytest.raises(DataError, match="no training images"):
        value_new(replace(old, x=x[~kept], x_labels=labels[~kept]), old, before, V)


def test_embeddings_that_are_not_finite_are_named() -> None:
    before, old = valued(*drawn(2, 100))
    x, labels = drawn(3, 5)
    x[3, 0] = np.nan
    with pytest.raises(DataError, match="row 3"):
        value_new(replace(old, x=x, x_labels=labels), old, before, V)


def test_a_fused_score_goes_on_with_its_constants() -> None:
    x, labels = drawn(2, 400)
    fusion = Fusion(
        unit=3.0,
        epsilon=0.4,
        center=(0.2, 0.5),
        scale=(0.1, 0.3),
        kinds=("wrong label", "noise"),
        weights=tuple(tuple(row) for row in np.random.default_rng(0).uniform(0, 0.4, (2, 11))),
        offsets=(-1.0, -2.0),
        shares=(0.1, 0.02),
    )
    before = value_lava(x, labels, Y, Y_LABELS, V, replace(CONFIG, fusion=fusion))
    old = GroundCost(
        x=x, y=Y, x_labels=labels, y_labels=Y_LABELS, label_distances=before.label_distances
    )
    found = value_new(old.rows(np.arange(50)), old, before, V)
    assert not found.ranks_by_gradient
    np.testing.assert_array_equal(found.value[:400], before.value)
    np.testing.assert_allclose(found.value[400:], before.value[:50], atol=1e-3)
    for name, column in before.columns.items():
        assert len(found.columns[name]) == 450
        if column.dtype.kind == "f":
            np.testing.assert_allclose(found.columns[name][400:], column[:50], atol=1e-3)
        else:
            np.testing.assert_array_equal(found.columns[name][400:], column[:50])


def test_the_label_posterior_goes_on() -> None:
    x, labels = drawn(2, 400)
    before = value_label_posterior(x, labels, Y, Y_LABELS, V)
    old = GroundCost(
        x=x,
        y=Y,
        x_labels=labels,
        y_labels=Y_LABELS,
        label_distances=before.label_distances,
        label_weight=0.0,
    )
    found = value_new(old.rows(np.arange(50)), old, before, V)
    np.testing.assert_array_equal(found.value[:400], before.value)
    np.testing.assert_allclose(found.value[400:], before.value[:50], atol=1e-3)
    np.testing.assert_array_equal(
        found.columns["suggested_label"][400:], before.columns["suggested_label"][:50]
    )


def test_a_score_that_new_images_cannot_be_given_is_refused() -> None:
    before, old = valued(*drawn(2, 100))
    with pytest.raises(DataError, match="score of its own"):
        value_new(old.rows(np.arange(3)), old, replace(before, score=before.f), V)
