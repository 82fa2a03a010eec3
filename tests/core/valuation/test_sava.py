"""SAVA and batch-wise LAVA, against a plain reference and by what must hold of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluation import detection_curve
from core.transport import BATCH_KINDS, GroundCost
from core.valuation import (
    METHODS,
    LavaConfig,
    SavaConfig,
    TransportValuation,
    value_batchwise_lava,
    value_lava,
    value_sava,
)
from tests.core.transport.problems import dense

TIGHT = SavaConfig(batch_size=30, tolerance=1e-6, max_passes=2000, device="cpu")
V = 4
# 1e-3 of the standard deviation of the values: the agreement that the project asks for.
AGREEMENT = 1e-3

Sets = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def two_sets(
    seed: int, n: int = 110, m: int = 70, d: int = 6, apart: float = 0.6, every: int = 5
) -> Sets:
    """Return embeddings in clusters; one training label in `every` is wrong."""
    rng = np.random.default_rng(seed)
    centers = apart * rng.standard_normal((V, d))
    truth, y_labels = rng.integers(0, V, n), rng.integers(0, V, m)
    x = centers[truth] + 0.6 * rng.standard_normal((n, d))
    y = centers[y_labels] + 0.6 * rng.standard_normal((m, d))
    x_labels = np.where(np.arange(n) % every == 0, rng.integers(1, V, n) + truth, truth) % V
    return x.astype(np.float32), x_labels, y.astype(np.float32), y_labels


def batches_of(of_each: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(of_each == k) for k in range(of_each.max() + 1)]


def plain_gradient(
    sets: Sets,
    found: TransportValuation,
    a: np.ndarray,
    b: np.ndarray,
    *,
    by_plan: bool,
    p: int = 2,
) -> np.ndarray:
    """SAVA's Algorithm 1 as loops over batches with POT, in float64, from the run's W."""
    x, x_labels, y, y_labels = sets
    cost = dense(
        GroundCost(
            x=x,
            y=y,
            x_labels=x_labels,
            y_labels=y_labels,
            label_distances=np.nan_to_num(found.label_distances),
            p=p,
        )
    )
    rows = batches_of(found.arrays["train_batch"])
    columns = batches_of(found.arrays["validation_batch"])
    gradients = np.zeros((len(columns), len(x)))
    between = np.zeros((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            pair = cost[np.ix_(row, column)]
            a_i, b_j = a[row] / a[row].sum(), b[column] / b[column].sum()
            plan, log = ot.bregman.sinkhorn_log(
                a_i, b_j, pair, found.epsilon, numItermax=20_000, stopThr=1e-9, log=True
            )
            f = found.epsilon * (log["log_u"] - np.log(a_i))
            k = len(row)
            # As the published code writes LAVA's Eq. 1.
            gradients[j, row] = (1 + 1 / (k - 1)) * f - f.sum() / (k - 1)
            between[i, j] = (plan * pair).sum()
    a_bar = np.array([a[row].sum() for row in rows])
    b_bar = np.array([b[column].sum() for column in columns])
    outer = ot.sinkhorn(
        a_bar, b_bar, between / between.max(), 0.01, method="sinkhorn_log", stopThr=1e-12
    )
    result = np.empty(len(x))
    for i, row in enumerate(rows):
        weights = outer[i] / outer[i].sum() if by_plan else b_bar
        result[row] = sum(w * gradients[j, row] for j, w in enumerate(weights))
    return result


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("batches", ["random", "stratified"])
def test_sava_agrees_with_a_plain_loop(batches: str, p: int) -> None:
    sets = two_sets(0)
    found = value_sava(*sets, V, replace(TIGHT, batches=batches, p=p))
    a, b = np.full(110, 1 / 110), np.full(70, 1 / 70)
    expected = plain_gradient(sets, found, a, b, by_plan=True, p=p)
    spread = expected.std()
    np.testing.assert_allclose(found.calibrated_gradient, expected, atol=AGREEMENT * spread)


@pytest.mark.parametrize("function", [value_sava, value_batchwise_lava])
def test_both_methods_agree_with_a_plain_loop_where_masses_differ(function: object) -> None:
    sets = two_sets(1)
    rng = np.random.default_rng(1)
    a, b = rng.dirichlet(np.full(110, 4.0)), rng.dirichlet(np.full(70, 4.0))
    found = function(*sets, V, TIGHT, a=a, b=b)  # type: ignore[operator]
    expected = plain_gradient(sets, found, a, b, by_plan=function is value_sava)
    np.testing.assert_allclose(found.calibrated_gradient, expected, atol=1e-3 * expected.std())


def test_the_default_tolerance_keeps_the_agreement() -> None:
    """At the settings that a user gets, in the root mean square over images."""
    sets = two_sets(2)
    found = value_sava(*sets, V, SavaConfig(batch_size=30, device="cpu"))
    expected = plain_gradient(sets, found, np.full(110, 1 / 110), np.full(70, 1 / 70), by_plan=True)
    gap = found.calibrated_gradient - expected
    assert np.sqrt((gap**2).mean()) <= AGREEMENT * expected.std()


@pytest.mark.parametrize("function", [value_sava, value_batchwise_lava])
def test_with_one_batch_a_side_it_is_lava(function: object) -> None:
    """Hierarchical transport is transport where each set is one batch (SAVA, section 4)."""
    sets = two_sets(3)
    one = function(*sets, V, replace(TIGHT, batch_size=200))  # type: ignore[operator]
    lava = value_lava(*sets, V, LavaConfig(tolerance=1e-6, device="cpu"))
    np.testing.assert_allclose(one.value, lava.value, atol=AGREEMENT * lava.value.std())
    np.testing.assert_allclose(
        one.validation_value, lava.validation_value, atol=AGREEMENT * lava.validation_value.std()
    )
    np.testing.assert_allclose(one.transport_cost, lava.transport_cost, rtol=1e-4)
    np.testing.assert_allclose(one.dual, lava.dual, rtol=1e-4)


@given(seed=st.integers(0, 1000), size=st.integers(5, 60), kind=st.sampled_from(BATCH_KINDS))
@settings(max_examples=15, deadline=None)
def test_what_holds_of_every_valuation_in_batches(seed: int, size: int, kind: str) -> None:
    sets = two_sets(seed, n=60, m=40)
    config = replace(TIGHT, batch_size=size, batches=kind, seed=seed)
    found = value_sava(*sets, V, config)
    plan = found.arrays["batch_plan"]
    rows, columns = (batches_of(found.arrays[name]) for name in ("train_batch", "validation_batch"))
    assert plan.shape == found.arrays["batch_cost"].shape == (len(rows), len(columns))
    np.testing.assert_allclose(plan.sum(axis=1), [len(row) / 60 for row in rows], rtol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=0), [len(c) / 40 for c in columns], atol=1e-8)
    # Calibrated gradients say how mass should move within a batch: their sum is 0 there.
    for row in rows:
        assert abs(found.calibrated_gradient[row].sum()) < 1e-6
    # The mean potentials carry the value of the hierarchical problem.
    np.testing.assert_allclose(found.f.mean() + found.g.mean(), found.dual, rtol=1e-4)
    # It restricts the plan, so that it costs at least the exact transport (SAVA, section 3).
    exact = ot.emd2([], [], dense(_cost(sets, found)))
    assert found.transport_cost >= exact * (1 - 1e-5)


def _cost(sets: Sets, found: TransportValuation) -> GroundCost:
    x, x_labels, y, y_labels = sets
    return GroundCost(
        x=x,
        y=y,
        x_labels=x_labels,
        y_labels=y_labels,
        label_distances=np.nan_to_num(found.label_distances),
    )


def test_batchwise_lava_is_the_plain_mean_over_batches_of_one_size() -> None:
    sets = two_sets(5, n=90, m=60)
    config = replace(TIGHT, batch_size=30)
    found = value_batchwise_lava(*sets, V, config)
    np.testing.assert_allclose(found.arrays["batch_plan"], 1 / 6)
    weighted = value_sava(*sets, V, config)
    assert np.abs(weighted.value - found.value).max() > 1e-3 * found.value.std()
    np.testing.assert_array_equal(weighted.arrays["batch_cost"], found.arrays["batch_cost"])


def test_wrong_labels_are_worth_least() -> None:
    sets = two_sets(6, n=400, m=200, apart=1.5, every=10)
    wrong = np.arange(400) % 10 == 0
    for name in ("sava", "batchwise-lava"):
        found = METHODS[name](*sets, V, METHODS[name].configure({"batch_size": 100}))
        assert detection_curve(found.value, wrong).auroc > 0.7, name


def test_the_seed_decides_the_batches_and_nothing_else_does() -> None:
    sets = two_sets(7)
    first, again, other = (
        value_sava(*sets, V, replace(TIGHT, seed=seed, tolerance=1e-3)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.value, again.value)
    assert (first.arrays["train_batch"] != other.arrays["train_batch"]).any()


def test_a_shift_of_all_embeddings_changes_nothing() -> None:
    x, x_labels, y, y_labels = two_sets(8)
    found = value_sava(x, x_labels, y, y_labels, V, TIGHT)
    shifted = value_sava(x + 3, x_labels, y + 3, y_labels, V, TIGHT)
    np.testing.assert_allclose(shifted.value, found.value, atol=AGREEMENT * found.value.std())


def test_what_was_done_is_told() -> None:
    sets = two_sets(9)
    found = value_sava(*sets, V, replace(TIGHT, batches="stratified", tolerance=None))
    assert found.details == {
        "batches": "stratified",
        "batch_size": 30,
        "training_batches": 4,
        "validation_batches": 3,
    }
    assert found.marginal_error == found.arrays["batch_error"].max()
    assert found.converged
    stopped = value_sava(*sets, V, replace(TIGHT, max_passes=1))
    assert not stopped.converged
    assert np.isfinite(stopped.value).all()


def test_a_memory_limit_chooses_the_batches() -> None:
    sets = two_sets(10)
    few = value_sava(*sets, V, SavaConfig(memory_limit=0.02, device="cpu"))
    many = value_sava(*sets, V, SavaConfig(memory_limit=10.0, device="cpu"))
    assert few.details["batch_size"] < many.details["batch_size"]
    assert many.details["training_batches"] == 1


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e3, 1e8])
def test_tiny_and_huge_scales_are_valued_at_a_relative_epsilon(scale: float) -> None:
    x, x_labels, y, y_labels = two_sets(11)
    config = replace(TIGHT, relative_epsilon=0.05)
    usual = value_sava(x, x_labels, y, y_labels, V, config)
    scaled = value_sava(
        (x * scale).astype(np.float32),
        x_labels,
        (y * scale).astype(np.float32),
        y_labels,
        V,
        config,
    )
    np.testing.assert_allclose(
        scaled.value / scale**2, usual.value, atol=2 * AGREEMENT * usual.value.std()
    )


@pytest.mark.parametrize("n", [1, 2, 31])
def test_few_images_copies_and_missing_classes_give_finite_values(n: int) -> None:
    x, x_labels, y, y_labels = two_sets(12, n=n)
    for name, sets in {
        "few": (x, x_labels, y, y_labels),
        "equal": (np.ones_like(x), x_labels, np.ones_like(y), y_labels),
        "copies": (np.repeat(x, 40, 0), np.repeat(x_labels, 40), y, y_labels),
        "one class": (x, np.zeros_like(x_labels), y, y_labels),
        "class of one side": (x, np.full_like(x_labels, 3), y, y_labels % 3),
    }.items():
        found = value_sava(*sets, V, SavaConfig(batch_size=30, device="cpu"))
        assert np.isfinite(found.value).all(), name
        assert np.isfinite(found.validation_value).all(), name


def test_settings_out_of_range_are_refused() -> None:
    for wrong in (
        {"batch_size": 1},
        {"batches": "sorted"},
        {"memory_limit": 0.0},
        {"epsilon": -1.0},
    ):
        with pytest.raises(ConfigError):
            SavaConfig(**wrong)  # type: ignore[arg-type]
    sets = two_sets(13)
    with pytest.raises(ConfigError, match="validation mass in row 5 is 0"):
        value_sava(*sets, V, TIGHT, b=np.where(np.arange(70) == 5, 0.0, 1.0))
