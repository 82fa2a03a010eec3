from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest
import torch
from geomloss import SamplesLoss
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Cancelled, ConfigError
from core.transport import (
    GroundCost,
    Potentials,
    SinkhornConfig,
    representative_rows,
    soft_transform,
    solve_sinkhorn,
)
from tests.core.transport.problems import dense, random_cost

TIGHT = SinkhornConfig(epsilon=0.1, tolerance=1e-5, max_passes=3000)


def centered(potential: np.ndarray) -> np.ndarray:
    return potential - potential.mean()


def unequal_masses(seed: int, count: int) -> np.ndarray:
    masses = np.random.default_rng(seed).uniform(0.2, 3.0, count)
    return masses / masses.sum()


def pot_potentials(
    matrix: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """POT's log-domain Sinkhorn in float64, in our convention KL(plan | a x b)."""
    _, log = ot.sinkhorn(
        a, b, matrix, epsilon, method="sinkhorn_log", numItermax=20000, stopThr=1e-10, log=True
    )
    return epsilon * (log["log_u"] - np.log(a)), epsilon * (log["log_v"] - np.log(b))


def assert_same_potentials(ours: Potentials, f: np.ndarray, g: np.ndarray, scale: float) -> None:
    np.testing.assert_allclose(centered(ours.f), centered(f), atol=1e-3 * scale)
    np.testing.assert_allclose(centered(ours.g), centered(g), atol=1e-3 * scale)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("p", [1, 2])
def test_potentials_agree_with_pot(seed: int, p: int) -> None:
    """Unequal masses, n != m, a class missing on one side, float32."""
    cost = random_cost(seed, n=90 - 10 * seed, m=40 + 5 * seed, p=p)
    a, b = unequal_masses(seed, cost.shape[0]), unequal_masses(seed + 100, cost.shape[1])
    ours = solve_sinkhorn(cost, TIGHT, a=a, b=b)
    matrix = dense(cost)
    assert ours.converged
    assert_same_potentials(ours, *pot_potentials(matrix, a, b, 0.1), matrix.mean())


def test_potentials_agree_with_geomloss() -> None:
    cost = replace(random_cost(7, labels=False), feature_weight=1.0)
    a, b = unequal_masses(7, cost.shape[0]), unequal_masses(8, cost.shape[1])
    loss = SamplesLoss(
        "sinkhorn", p=2, blur=0.1**0.5, scaling=0.9995, debias=False, potentials=True,
        backend="tensorized",
    )  # fmt: skip
    f, g = loss(*(torch.as_tensor(part, dtype=torch.float64) for part in (a, cost.x, b, cost.y)))
    ours = solve_sinkhorn(cost, TIGHT, a=a, b=b)
    assert_same_potentials(ours, f.numpy().ravel(), g.numpy().ravel(), dense(cost).mean())


def test_transport_cost_approaches_the_exact_one_as_epsilon_falls() -> None:
    cost = random_cost(9, n=30, m=25)
    exact = ot.emd2(ot.unif(30), ot.unif(25), dense(cost))
    gaps = []
    for epsilon in (0.5, 0.1, 0.02):
        config = SinkhornConfig(
            epsilon=epsilon, tolerance=1e-6, max_passes=5000, precision="float64"
        )
        gaps.append(solve_sinkhorn(cost, config).transport_cost - exact)
    assert gaps[0] > gaps[1] > gaps[2] > -1e-9
    assert gaps[2] < 0.02 * exact


def test_certificate_matches_the_dense_plan() -> None:
    cost = random_cost(10)
    a, b = unequal_masses(1, 60), unequal_masses(2, 45)
    config = SinkhornConfig(tolerance=0.05, memory=0, precision="float64")
    ours = solve_sinkhorn(cost, config, a=a, b=b)
    matrix = dense(cost)
    ratio = np.exp((ours.f[:, None] + ours.g[None] - matrix) / 0.1)
    plan = a[:, None] * b[None] * ratio
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-9)
    np.testing.assert_allclose(ours.marginal_error, np.abs(plan.sum(axis=0) - b).sum(), rtol=1e-6)
    np.testing.assert_allclose(ours.transport_cost, (plan * matrix).sum(), rtol=1e-6)
    value = (plan * matrix).sum() + 0.1 * (plan * np.log(ratio)).sum()
    np.testing.assert_allclose(ours.primal, value, rtol=1e-6)
    np.testing.assert_allclose(ours.dual, a @ ours.f + b @ ours.g, rtol=1e-12)


def test_dual_is_a_lower_bound_that_closes() -> None:
    cost = random_cost(11)
    loose = solve_sinkhorn(cost, SinkhornConfig(tolerance=0.3, memory=0, precision="float64"))
    tight = solve_sinkhorn(cost, replace(TIGHT, precision="float64"))
    assert loose.dual < tight.dual
    np.testing.assert_allclose(tight.primal, tight.dual, atol=1e-5)


@pytest.mark.parametrize("p", [1, 2])
def test_tile_size_changes_nothing(p: int) -> None:
    cost = random_cost(12, p=p)
    one = solve_sinkhorn(cost, replace(TIGHT, tile=1))
    all_at_once = solve_sinkhorn(cost, replace(TIGHT, tile=1000))
    np.testing.assert_allclose(centered(one.f), centered(all_at_once.f), atol=2e-5)


def test_row_order_changes_nothing_even_with_a_warm_start_and_a_loose_tolerance() -> None:
    cost = random_cost(13, n=200)
    config = SinkhornConfig(tolerance=0.02, warm_rows=64)
    order = np.random.default_rng(0).permutation(200)
    plain, shuffled = solve_sinkhorn(cost, config), solve_sinkhorn(cost.rows(order), config)
    np.testing.assert_allclose(centered(plain.f)[order], centered(shuffled.f), atol=1e-4)


def test_warm_start_reaches_the_same_potentials() -> None:
    cost = random_cost(14, n=300)
    cold = solve_sinkhorn(cost, replace(TIGHT, warm_rows=0))
    warm = solve_sinkhorn(cost, replace(TIGHT, warm_rows=50))
    np.testing.assert_allclose(centered(cold.f), centered(warm.f), atol=2e-4)


def test_acceleration_reaches_the_same_potentials_in_fewer_passes() -> None:
    cost = random_cost(15)
    plain = solve_sinkhorn(cost, replace(TIGHT, memory=0))
    accelerated = solve_sinkhorn(cost, TIGHT)
    assert plain.converged
    assert accelerated.passes < plain.passes / 2
    np.testing.assert_allclose(centered(plain.f), centered(accelerated.f), atol=3e-4)


def test_one_point_on_each_side_has_a_closed_form() -> None:
    cost = GroundCost(
        x=np.array([[3.0, 4.0]], np.float32),
        y=np.zeros((1, 2), np.float32),
        x_labels=np.zeros(1, np.int64),
        y_labels=np.zeros(1, np.int64),
    )
    ours = solve_sinkhorn(cost)
    np.testing.assert_allclose([ours.primal, ours.dual, ours.transport_cost], 12.5, rtol=1e-6)


def test_masses_of_zero_play_no_part_but_get_a_potential() -> None:
    cost = random_cost(16)
    a, b = unequal_masses(3, 60), unequal_masses(4, 45)
    a[5] = b[7] = 0.0
    ours = solve_sinkhorn(cost, TIGHT, a=a, b=b)
    keep_a, keep_b = a > 0, b > 0
    inner = solve_sinkhorn(cost.rows(keep_a).columns(keep_b), TIGHT, a=a[keep_a], b=b[keep_b])
    np.testing.assert_allclose(centered(ours.f[keep_a]), centered(inner.f), atol=1e-4)
    a, b = a / a.sum(), b / b.sum()
    matrix = dense(cost)
    f5 = -0.1 * np.log((b * np.exp((ours.g - matrix[5]) / 0.1)).sum())
    g7 = -0.1 * np.log((a * np.exp((ours.f - matrix[:, 7]) / 0.1)).sum())
    np.testing.assert_allclose([ours.f[5], ours.g[7]], [f5, g7], atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50), scale=st.sampled_from([0.1, 1, 30]))
def test_translation_and_scale_are_equivariant(seed: int, shift: float, scale: float) -> None:
    cost = random_cost(seed, n=20, m=15)
    config = SinkhornConfig(epsilon=0.3, tolerance=1e-6, max_passes=500, precision="float64")
    plain = solve_sinkhorn(cost, config)
    moved = replace(cost, x=cost.x.astype(float) + shift, y=cost.y.astype(float) + shift)
    np.testing.assert_allclose(
        centered(solve_sinkhorn(moved, config).f), centered(plain.f), atol=1e-4
    )
    grown = replace(
        cost,
        feature_weight=cost.feature_weight * scale,
        label_weight=cost.label_weight * scale,
    )
    scaled = solve_sinkhorn(grown, replace(config, epsilon=0.3 * scale))
    np.testing.assert_allclose(centered(scaled.f), scale * centered(plain.f), atol=1e-4 * scale)


def test_soft_transform_is_its_formula() -> None:
    cost = random_cost(17)
    b, g = unequal_masses(5, 45), np.random.default_rng(1).standard_normal(45)
    expected = -0.1 * np.log((b * np.exp((g - dense(cost)) / 0.1)).sum(axis=1))
    np.testing.assert_allclose(
        soft_transform(cost, g, b, SinkhornConfig(epsilon=0.1)), expected, atol=1e-4
    )


def test_a_solution_that_ran_out_of_passes_says_so() -> None:
    ours = solve_sinkhorn(random_cost(18), SinkhornConfig(tolerance=1e-6, max_passes=2, memory=0))
    assert not ours.converged
    assert ours.passes == 2
    assert ours.marginal_error > 1e-6


def test_a_tolerance_below_what_float32_can_reach_ends_without_convergence() -> None:
    ours = solve_sinkhorn(random_cost(18), SinkhornConfig(tolerance=1e-13, max_passes=10_000))
    assert not ours.converged
    assert ours.passes < 500
    assert ours.marginal_error < 1e-5


def test_progress_can_cancel() -> None:
    calls = []

    def stop(stage: str, done: float, detail: str = "") -> None:
        calls.append(stage)
        if len(calls) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        solve_sinkhorn(random_cost(19), TIGHT, progress=stop)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("masses", "message"),
    [
        (np.full(59, 1 / 59), "60 training masses"),
        (np.zeros(60), "All training masses are zero"),
        (np.r_[-1.0, np.ones(59)], "row 0 is -1.0"),
        (np.r_[np.ones(59), np.nan], "row 59 is nan"),
    ],
)
def test_masses_that_are_none_are_refused(masses: np.ndarray, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        solve_sinkhorn(random_cost(20), a=masses)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan, np.inf])
def test_epsilon_must_be_positive(epsilon: float) -> None:
    with pytest.raises(ConfigError, match="epsilon"):
        SinkhornConfig(epsilon=epsilon)


def test_representative_rows_are_chosen_by_content() -> None:
    rng = np.random.default_rng(2)
    x, labels = rng.standard_normal((100, 4)).astype(np.float32), rng.integers(0, 4, 100)
    picked = x[representative_rows(x, labels, 20)]
    order = rng.permutation(100)
    shuffled = x[order][representative_rows(x[order], labels[order], 20)]
    np.testing.assert_array_equal(picked, shuffled)
    twice = np.concatenate([x, x])
    doubled = twice[representative_rows(twice, np.concatenate([labels, labels]), 20)]
    np.testing.assert_array_equal(picked, doubled)
    counts = np.bincount(labels[representative_rows(x, labels, 20)], minlength=4)
    np.testing.assert_allclose(counts, np.bincount(labels, minlength=4) / 5, atol=1)
