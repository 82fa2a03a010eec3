"""The solver at the ends of every range: the right result, or an error that names the cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import AssayError, ConfigError
from core.transport import LabelDistanceConfig, label_distances, solve_sinkhorn
from tests.core.transport.hostile import (
    PLANS,
    POWERS,
    TIGHT,
    TYPES,
    W,
    assert_solves,
    by_definition,
    cost_of,
    finite,
    points,
    reference,
    settings,
    uniform,
    use,
)
from tests.core.transport.problems import random_cost


@given(
    seed=st.integers(0, 50),
    exponent=st.integers(-8, 8),
    p=POWERS,
    dtype=TYPES,
    plan=st.sampled_from(PLANS),
)
@settings(15)
def test_scale_changes_nothing_where_epsilon_follows(
    seed: int, exponent: int, p: int, dtype: type, plan: str
) -> None:
    x, x_labels, y, y_labels = points(seed)
    scale = 10.0**exponent
    cost = cost_of(
        x * scale, x_labels, y * scale, y_labels, p=p, dtype=dtype, label_distances=W * scale**p
    )
    epsilon = 0.1 * scale**p
    with pytest.MonkeyPatch.context() as patch:
        use(patch, plan)
        found = solve_sinkhorn(cost, replace(TIGHT, epsilon=epsilon))
    assert_solves(found, by_definition(cost), epsilon)


@given(
    seed=st.integers(0, 50),
    exponent=st.integers(-8, 8),
    p=POWERS,
    labels=st.booleans(),
    precision=st.sampled_from(["float32", "float64"]),
)
@settings(15)
def test_any_scale_at_one_epsilon_is_solved_or_refused(
    seed: int, exponent: int, p: int, labels: bool, precision: str
) -> None:
    """Far above epsilon the dual value must come near that of the linear program; far below, the
    potentials are mean costs."""
    x, x_labels, y, y_labels = points(seed, n=15, m=11)
    scale = 10.0**exponent
    cost = cost_of(
        x * scale, x_labels, y * scale, y_labels, p=p, label_distances=W if labels else None
    )
    config = replace(TIGHT, precision=precision)
    try:
        found = solve_sinkhorn(cost, config)
    except ConfigError as error:
        assert "Scale the embeddings down, or set relative_epsilon" in str(error)
        assert (p, exponent) in [(2, 6), (2, 7), (2, 8)]
        return
    assert (p, exponent) not in [(2, 7), (2, 8)]
    assert finite(found)
    assert found.passes <= config.max_passes
    matrix = by_definition(cost)
    if matrix.mean() > 1e3:
        exact = ot.emd2(uniform(15), uniform(11), matrix)
        assert found.dual <= exact + 0.1 * np.log(15 * 11) + 1e-4 * exact
        # At a millionth of the cost and less, passes may run out; then that is said.
        assert found.converged == (found.marginal_error <= config.tolerance)
        if found.converged:
            np.testing.assert_allclose(found.transport_cost, exact, rtol=1e-2)
    else:
        assert_solves(found, matrix, 0.1)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("scale", [1e-8, 1e-5])
def test_costs_far_below_epsilon_leave_mean_costs(plan: str, p: int, scale: float) -> None:
    x, x_labels, y, y_labels = points(1)
    cost = cost_of(scale * x, x_labels, scale * y, y_labels, p=p, label_distances=None)
    found = solve_sinkhorn(cost, TIGHT)
    matrix = by_definition(cost)
    means = matrix.mean(axis=1)
    # Beyond first order in cost / epsilon: half of a row's variance over epsilon.
    atol = 1e-4 * np.ptp(means) + matrix.var() / 0.1
    np.testing.assert_allclose(found.f - found.f.mean(), means - means.mean(), atol=atol)
    assert found.epsilon == 0.1


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("apart", [100.0, 1e4])
def test_a_training_set_far_away_is_solved(plan: str, p: int, apart: float) -> None:
    x, x_labels, y, y_labels = points(2)
    cost = cost_of(x + apart, x_labels, y, y_labels, p=p)
    # The potentials span the distance; what matters is their error in units of epsilon.
    found = solve_sinkhorn(cost, TIGHT)
    f, g = reference(by_definition(cost), uniform(30), uniform(20), 0.1)
    assert found.converged
    np.testing.assert_allclose(found.f - found.f.mean(), f - f.mean(), atol=2e-3, rtol=0)
    np.testing.assert_allclose(found.g - found.g.mean(), g - g.mean(), atol=2e-3, rtol=0)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_common_to_both_sides_changes_nothing(plan: str, p: int, dtype: type) -> None:
    x, x_labels, y, y_labels = points(3)
    cost = cost_of(x + 1e6, x_labels, y + 1e6, y_labels, p=p, dtype=dtype)
    assert_solves(solve_sinkhorn(cost, TIGHT), by_definition(cost), 0.1)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_one_outlier_leaves_the_other_training_images_right(plan: str, p: int, size: float) -> None:
    x, x_labels, y, y_labels = points(4)
    x[0] = size
    cost = cost_of(x, x_labels, y, y_labels, p=p)
    assert_solves(solve_sinkhorn(cost, TIGHT), by_definition(cost), 0.1)


@pytest.mark.parametrize("p", [1, 2])
def test_one_outlier_among_the_validation_images_is_solved(plan: str, p: int) -> None:
    x, x_labels, y, y_labels = points(5)
    y[0] = 1e3
    cost = cost_of(x, x_labels, y, y_labels, p=p)
    assert_solves(solve_sinkhorn(cost, TIGHT), by_definition(cost), 0.1)


def test_equal_embeddings_have_equal_potentials(plan: str) -> None:
    labels = np.zeros(30, dtype=np.int64)
    for value in (0.0, 0.1, 1e8):
        x = np.full((30, 4), value)
        cost = cost_of(x, labels, x[:20], labels[:20], label_distances=None)
        found = solve_sinkhorn(cost, TIGHT)
        assert found.converged
        np.testing.assert_allclose(found.f, found.f[0], atol=1e-7)
        np.testing.assert_allclose(found.transport_cost, 0, atol=1e-6)


@pytest.mark.parametrize("weight", ["feature_weight", "label_weight"])
def test_a_weight_of_zero_leaves_the_other_cost(plan: str, weight: str) -> None:
    cost = replace(cost_of(*points(6)), **{weight: 0.0})
    assert_solves(solve_sinkhorn(cost, TIGHT), by_definition(cost), 0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (30, 1)])
def test_one_image_on_a_side(plan: str, shape: tuple[int, int]) -> None:
    x, x_labels, y, y_labels = points(7)
    n, m = shape
    cost = cost_of(x[:n], x_labels[:n], y[:m], y_labels[:m])
    found = solve_sinkhorn(cost, TIGHT)
    assert_solves(found, by_definition(cost), 0.1)
    # There is one plan.
    np.testing.assert_allclose(found.transport_cost, by_definition(cost).mean(), rtol=1e-4)


def test_a_row_a_thousand_times_over_is_one_row_of_a_thousand_masses(plan: str) -> None:
    x, x_labels, y, y_labels = points(8)
    copies = np.r_[np.zeros(1000, dtype=np.int64), np.arange(1, 30)]
    found = solve_sinkhorn(cost_of(x[copies], x_labels[copies], y, y_labels), TIGHT)
    a = np.r_[1000.0, np.ones(29)]
    once = cost_of(x, x_labels, y, y_labels)
    f, g = reference(by_definition(once), a / a.sum(), uniform(20), 0.1)
    ours = found.f[np.r_[0, 1000:1029]]
    assert found.converged
    np.testing.assert_allclose(ours - ours.mean(), f - f.mean(), atol=2e-3)
    np.testing.assert_allclose(found.g - found.g.mean(), g - g.mean(), atol=2e-3)


@given(
    seed=st.integers(0, 50),
    small=st.sampled_from([0.0, 1e-320, 1e-300, 1e-30, 1e-12]),
    sides=st.sampled_from(["a", "b", "ab"]),
    p=POWERS,
    plan=st.sampled_from(PLANS),
)
@settings(12)
def test_next_to_no_mass_is_no_mass(seed: int, small: float, sides: str, p: int, plan: str) -> None:
    cost = cost_of(*points(seed), p=p)
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 2, 30), rng.uniform(0.5, 2, 20)
    a[[3, 8, 20]] = small if "a" in sides else 1.0
    b[[0, 11]] = small if "b" in sides else 1.0
    with pytest.MonkeyPatch.context() as patch:
        use(patch, plan)
        found = solve_sinkhorn(cost, TIGHT, a=a, b=b)
    # The potential where there is no mass: the limit, which the c-transform assigns.
    assert_solves(found, by_definition(cost), 0.1, a, b)


@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e300, 1.7e308])
def test_the_unit_of_masses_means_nothing(size: float) -> None:
    cost = random_cost(0)
    plain, scaled = (
        solve_sinkhorn(cost, TIGHT, a=np.full(60, unit), b=np.full(45, unit))
        for unit in (1.0, size)
    )
    np.testing.assert_allclose(scaled.f, plain.f, atol=1e-5)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("epsilon", [1e-6, 1e6])
def test_extreme_epsilon_is_exact_transport_or_mean_costs(p: int, epsilon: float) -> None:
    cost = cost_of(*points(9, n=15, m=11), p=p)
    found = solve_sinkhorn(cost, replace(TIGHT, epsilon=epsilon))
    matrix = by_definition(cost)
    assert finite(found)
    assert found.passes <= TIGHT.max_passes
    expected = matrix.mean() if epsilon > 1 else ot.emd2(uniform(15), uniform(11), matrix)
    np.testing.assert_allclose(found.dual, expected, rtol=1e-3)
    np.testing.assert_allclose(found.transport_cost, expected, rtol=1e-3)


def test_one_pass_and_an_unreachable_tolerance_end_and_say_so(plan: str) -> None:
    cost = random_cost(1)
    one = solve_sinkhorn(cost, replace(TIGHT, max_passes=1))
    assert finite(one)
    assert (one.passes, one.converged) == (1, False)
    never = solve_sinkhorn(cost, replace(TIGHT, tolerance=1e-12))
    assert never.passes <= TIGHT.max_passes
    assert never.marginal_error < 1e-5
    assert never.converged == (never.marginal_error <= 1e-12)


@given(
    scale=st.sampled_from([0.0, 1e-160, 1e-30, 1e-8, 1.0, 1e8, 1e18, 1e30, 1e160]),
    epsilon=st.sampled_from([1e-300, 1e-9, 0.1, 1e9, 1e300]),
    p=POWERS,
    dtype=TYPES,
)
@settings(15)
def test_nothing_is_ever_nan(scale: float, epsilon: float, p: int, dtype: type) -> None:
    """Whatever the units: finite potentials within the passes allowed, or an error in words."""
    x, x_labels, y, y_labels = points(17, n=9, m=7)
    with np.errstate(over="ignore", under="ignore"):
        x, y = (scale * x).astype(dtype), (scale * y).astype(dtype)
    config = replace(TIGHT, epsilon=epsilon, max_passes=20)
    try:
        cost = cost_of(x, x_labels, y, y_labels, p=p, dtype=dtype)
        found = solve_sinkhorn(cost, config)
        w = label_distances(x, x_labels, y, y_labels, 3, LabelDistanceConfig(epsilon=epsilon, p=p))
    except AssayError as error:
        assert "scale the embeddings" in str(error).lower() or "NaN or infinity" in str(error)
        return
    assert finite(found)
    assert found.passes <= 20
    assert np.isfinite(w).all()
