"""Input at the ends of every range: the right result, or an error that names the cause.

The reference is Sinkhorn in the log domain, float64, on the cost by its definition.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest
import torch
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from core.errors import AssayError, ConfigError, DataError
from core.transport import (
    GroundCost,
    LabelDistanceConfig,
    Potentials,
    SinkhornConfig,
    cost_matrix,
    label_distances,
    label_posterior,
    soft_transform,
    solve_exact,
    solve_sinkhorn,
    transform_fixed,
)
from core.transport import passes as passes_module
from core.transport.batched import BatchedConfig, solve_batched
from tests.core.transport.problems import random_cost

W = np.random.default_rng(9).uniform(0.5, 2, (3, 3))
TIGHT = SinkhornConfig(epsilon=0.1, tolerance=1e-5, max_passes=300)
TYPES = st.sampled_from([np.float32, np.float64])
POWERS = st.sampled_from([1, 2])
PLANS = ("dense", "sparse", "none")


def settings(count: int) -> hypothesis_settings:
    """So many examples, without minutes of shrinking where one fails."""
    return hypothesis_settings(max_examples=count, phases=[Phase.explicit, Phase.generate])


def points(
    seed: int, n: int = 30, m: int = 20
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Three classes in 4 dimensions, of spread about 1."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((3, 4))
    x_labels, y_labels = rng.integers(0, 3, n), rng.integers(0, 3, m)
    x = centers[x_labels] + 0.5 * rng.standard_normal((n, 4))
    y = centers[y_labels] + 0.5 * rng.standard_normal((m, 4))
    return x, x_labels, y, y_labels


def cost_of(
    x: np.ndarray, x_labels: np.ndarray, y: np.ndarray, y_labels: np.ndarray, **settings: object
) -> GroundCost:
    given = {"label_distances": W, **settings}
    dtype = given.pop("dtype", np.float32)
    return GroundCost(
        x=x.astype(dtype), y=y.astype(dtype), x_labels=x_labels, y_labels=y_labels, **given
    )


def by_definition(cost: GroundCost) -> np.ndarray:
    """The cost from differences of embeddings, float64: nothing cancels."""
    gaps = cdist(cost.x.astype(np.float64), cost.y.astype(np.float64))
    matrix = cost.feature_weight * gaps**cost.p / cost.p
    if cost.label_distances is not None:
        distances = cost.label_distances[cost.x_labels][:, cost.y_labels]
        matrix += cost.label_weight * distances / cost.p
    return matrix


def log_sums(exponents: np.ndarray, axis: int) -> np.ndarray:
    peak = exponents.max(axis=axis, keepdims=True)
    return np.log(np.exp(exponents - peak).sum(axis=axis)) + np.squeeze(peak, axis)


def reference(
    matrix: np.ndarray, a: np.ndarray, b: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", under="ignore"):
        log_a, log_b = np.log(a), np.log(b)
        g, step = np.zeros(len(b)), max(matrix.mean(), epsilon)
        while True:
            for _ in range(5000 if step == epsilon else 8):
                f = -step * log_sums((g - matrix) / step + log_b, 1)
                new = -step * log_sums((f[:, None] - matrix) / step + log_a[:, None], 0)
                done = float(b @ np.abs(np.expm1((g - new) / step))) < 1e-7
                g = new
                if done:
                    break
            if step == epsilon:
                return f, g
            step = max(step / 3, epsilon)


def uniform(count: int) -> np.ndarray:
    return np.full(count, 1 / count)


def finite(found: Potentials) -> bool:
    certificate = (found.marginal_error, found.primal, found.dual, found.transport_cost)
    return all(np.isfinite(part).all() for part in (found.f, found.g, certificate))


def assert_solves(
    found: Potentials,
    matrix: np.ndarray,
    epsilon: float,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
) -> None:
    """Each potential is the soft transform of the other: that alone makes them the optimum.

    In float64, on the cost by its definition; a column error of t is an L1 error of t of masses.
    """
    a = uniform(len(matrix)) if a is None else a / a.sum()
    b = uniform(matrix.shape[1]) if b is None else b / b.sum()
    assert finite(found)
    with np.errstate(divide="ignore"):
        log_a, log_b = np.log(a), np.log(b)
    f = -epsilon * log_sums((found.g - matrix) / epsilon + log_b, 1)
    g = -epsilon * log_sums((f[:, None] - matrix) / epsilon + log_a[:, None], 0)
    scale = max(matrix.max(), 1e-300)
    # The check itself is rounded to 1e-15 epsilon.
    atol = 3e-7 * scale + 1e-3 * min(epsilon, scale) + 1e-15 * epsilon
    np.testing.assert_allclose(found.f, f, atol=atol)
    assert b @ np.abs(np.expm1((found.g - g) / epsilon)) < 1e-3
    none = b < 1e-9 / len(b)
    np.testing.assert_allclose(found.g[none], g[none], atol=1e-6 * scale + 1e-2 * epsilon)


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which plan the solver keeps between passes: all of it, its largest entries, or nothing."""
    use(monkeypatch, request.param)
    return str(request.param)


def use(patch: pytest.MonkeyPatch, plan: str) -> None:
    patch.setattr(passes_module, "DENSE_PAIRS", 30_000_000 if plan == "dense" else 0)
    patch.setattr(passes_module, "_SPARSE_PART", 1.0 if plan == "sparse" else 0.0)


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["training", "validation"])
def test_embeddings_that_are_no_numbers_are_named(bad: float, side: str) -> None:
    x, x_labels, y, y_labels = points(10)
    (x if side == "training" else y)[4, 2] = bad
    with pytest.raises(DataError, match=f"{side} embedding in row 4"):
        cost_of(x, x_labels, y, y_labels)
    with pytest.raises(DataError, match=f"{side} embedding in row 4"):
        label_distances(x, x_labels, y, y_labels, 3)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("side", ["training", "validation"])
def test_labels_that_are_no_classes_are_named(label: int, side: str) -> None:
    x, x_labels, y, y_labels = points(11)
    (x_labels if side == "training" else y_labels)[5] = label
    message = f"{side} label in row 5 is {label}"
    with pytest.raises(DataError, match=message):
        cost_of(x, x_labels, y, y_labels)
    with pytest.raises(DataError, match=message):
        label_distances(x, x_labels, y, y_labels, 3)
    with pytest.raises(DataError, match=message):
        label_posterior(cost_of(x, x_labels, y, y_labels, label_distances=None), 3, epsilon=1.0)


def test_types_that_would_be_taken_for_something_else_are_refused() -> None:
    x, x_labels, y, y_labels = points(12)
    with pytest.raises(DataError, match="must be float"):
        cost_of(x, x_labels, y, y_labels, dtype=np.uint8)
    for dtype in (np.float64, np.uint8):
        with pytest.raises(DataError, match="must be int64"):
            cost_of(x, x_labels.astype(dtype), y, y_labels)


def test_nothing_is_no_set() -> None:
    x, x_labels, y, y_labels = points(13)
    with pytest.raises(DataError, match="no training images"):
        cost_of(x[:0], x_labels[:0], y, y_labels)
    with pytest.raises(DataError, match="no validation images"):
        label_distances(x, x_labels, y[:0], y_labels[:0], 3)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_weights_that_mean_nothing_are_refused(weight: float) -> None:
    for name in ("feature_weight", "label_weight"):
        with pytest.raises(ConfigError, match=name):
            replace(random_cost(2), **{name: weight})


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.nan, np.inf])
def test_an_epsilon_that_means_nothing_is_refused(epsilon: float) -> None:
    for config in (SinkhornConfig, LabelDistanceConfig, BatchedConfig):
        with pytest.raises(ConfigError, match="epsilon must be a positive number"):
            config(epsilon=epsilon)


@pytest.mark.parametrize("epsilon", [1e-300, 1e-30])
def test_an_epsilon_lost_in_the_cost_is_refused_by_every_solver(epsilon: float) -> None:
    x, x_labels, y, y_labels = points(14)
    cost = cost_of(x, x_labels, y, y_labels)
    config = SinkhornConfig(epsilon=epsilon)
    for solve in (
        lambda: solve_sinkhorn(cost, config),
        lambda: soft_transform(cost, np.zeros(20), uniform(20), config),
        lambda: transform_fixed(cost, np.zeros(20), config),
        lambda: label_posterior(cost, 3, epsilon=epsilon),
        lambda: label_distances(x, x_labels, y, y_labels, 3, LabelDistanceConfig(epsilon=epsilon)),
    ):
        with pytest.raises(ConfigError, match="relative_epsilon"):
            solve()


@given(
    seed=st.integers(0, 50),
    exponent=st.integers(-8, 8),
    p=POWERS,
    dtype=TYPES,
    gaps=st.booleans(),
    offset=st.sampled_from([0.0, 1e3]),
)
@settings(12)
def test_label_distances_follow_the_scale(
    seed: int, exponent: int, p: int, dtype: type, gaps: bool, offset: float
) -> None:
    x, x_labels, y, y_labels = points(seed, n=24, m=18)
    if gaps:
        x_labels, y_labels = 2 * x_labels, 2 * y_labels
    y_labels[y_labels == y_labels.max()] = 0  # A class that the validation set lacks.
    scale = 10.0**exponent
    x, y = ((scale * (z + offset)).astype(dtype) for z in (x, y))
    config = LabelDistanceConfig(epsilon=0.2 * scale**p, p=p, tolerance=1e-4, max_iterations=2000)
    w = label_distances(x, x_labels, y, y_labels, 7, config)
    for u in range(7):
        for v in range(7):
            left, right = (
                z.astype(float)[k == c] for z, k, c in ((x, x_labels, u), (y, y_labels, v))
            )
            if len(left) == 0 or len(right) == 0:
                assert np.isnan(w[u, v])
                continue
            matrix = cdist(left, right) ** p / p
            f, g = reference(matrix, uniform(len(left)), uniform(len(right)), config.epsilon)
            np.testing.assert_allclose(w[u, v], f.mean() + g.mean(), rtol=2e-3)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("scale", [1e-8, 1e-4])
def test_label_distances_far_below_epsilon_are_mean_costs(p: int, scale: float) -> None:
    x, x_labels, y, y_labels = points(15)
    w = label_distances(
        scale * x, x_labels, scale * y, y_labels, 3, LabelDistanceConfig(epsilon=0.1, p=p)
    )
    for u in range(3):
        for v in range(3):
            matrix = cdist(scale * x[x_labels == u], scale * y[y_labels == v]) ** p / p
            np.testing.assert_allclose(w[u, v], matrix.mean(), rtol=2e-3)


@pytest.mark.parametrize("p", [1, 2])
def test_an_outlier_leaves_the_other_classes_their_distances(p: int) -> None:
    x, x_labels, y, y_labels = points(16)
    config = LabelDistanceConfig(p=p)
    plain = label_distances(x, x_labels, y, y_labels, 3, config)
    y[0] = 1e6
    shifted = label_distances(x, x_labels, y, y_labels, 3, config)
    others = [v for v in range(3) if v != y_labels[0]]
    np.testing.assert_allclose(shifted[:, others], plain[:, others], rtol=2e-3)
    assert (shifted[:, y_labels[0]] > 1e4).all()


def test_label_distances_of_equal_embeddings_are_zero() -> None:
    labels = np.arange(12) % 3
    w = label_distances(np.full((12, 4), 0.1), labels, np.full((9, 4), 0.1), labels[:9], 3)
    np.testing.assert_allclose(w, 0, atol=1e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e36])
def test_costs_beyond_the_range_end_the_batched_solver(bad: float) -> None:
    cost = torch.full((2, 8, 6), bad)
    masses = torch.full((2, 8), 1 / 8), torch.full((2, 6), 1 / 6)
    if np.isfinite(bad):
        found = solve_batched(cost, *masses, BatchedConfig(epsilon=1e36))
        np.testing.assert_allclose(found.plan, 1 / 6, rtol=1e-4)
        return
    with pytest.raises(DataError, match="beyond what float32 can hold"):
        solve_batched(cost, *masses, BatchedConfig())


@given(seed=st.integers(0, 50), exponent=st.integers(-8, 8), precision=TYPES)
@settings(12)
def test_batched_problems_follow_the_scale(seed: int, exponent: int, precision: type) -> None:
    rng = np.random.default_rng(seed)
    scale = 10.0 ** (2 * exponent)
    matrix = rng.uniform(0.1, 2, (2, 12, 9))
    b = np.r_["0,2", uniform(9), np.r_[uniform(6), 0, 0, 0]]  # The second one is padded.
    arrays = (matrix * scale, np.tile(uniform(12), (2, 1)), b)
    cost, a, masses = (torch.as_tensor(part.astype(precision)) for part in arrays)
    config = BatchedConfig(epsilon=0.1 * scale, tolerance=1e-4, max_iterations=1000)
    found = solve_batched(cost, a, masses, config)
    for k in range(2):
        real = b[k] > 0
        f, g = reference(matrix[k][:, real], uniform(12), b[k][real], 0.1)
        np.testing.assert_allclose(found.value[k] / scale, f.mean() + b[k][real] @ g, rtol=1e-3)
        ours = found.f[k].numpy() / scale
        np.testing.assert_allclose(ours - ours.mean(), f - f.mean(), atol=2e-3)


@given(
    seed=st.integers(0, 50),
    exponent=st.integers(-8, 8),
    p=POWERS,
    small=st.sampled_from([1.0, 0.0, 1e-12]),
)
@settings(12)
def test_exact_transport_at_any_scale_is_that_of_the_unscaled_problem(
    seed: int, exponent: int, p: int, small: float
) -> None:
    x, x_labels, y, y_labels = points(seed, n=14, m=9)
    scale = 10.0**exponent
    cost = cost_of(
        scale * x, x_labels, scale * y, y_labels, p=p, label_distances=W * scale**p, dtype=float
    )
    a, b = np.ones(14), np.ones(9)
    a[3], b[[1, 5]] = small, small
    found = solve_exact(cost_matrix(cost), a=a, b=b)
    plain = by_definition(cost_of(x, x_labels, y, y_labels, p=p, dtype=float))
    expected = ot.emd2(a / a.sum(), b / b.sum(), plain)
    np.testing.assert_allclose(found.value / scale**p, expected, rtol=1e-7)
    assert found.gap <= 1e-7 * found.value
    slack = cost_matrix(cost) - found.f[:, None] - found.g
    assert slack.min() >= -1e-9 * scale**p


def test_exact_transport_of_equal_costs_duplicates_and_single_images() -> None:
    for matrix in (np.zeros((5, 4)), np.full((5, 4), 1e8), np.ones((1, 1)), np.ones((1, 4))):
        found = solve_exact(matrix)
        np.testing.assert_allclose(found.value, matrix.flat[0])
        np.testing.assert_allclose(np.ptp(found.f), 0)
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="cost between 1 and 2"):
            solve_exact(np.where(np.arange(12).reshape(3, 4) == 6, bad, 1.0))


@given(seed=st.integers(0, 50), exponent=st.integers(-8, 8), p=POWERS, dtype=TYPES)
@settings(12)
def test_new_images_at_any_scale_get_the_soft_transform(
    seed: int, exponent: int, p: int, dtype: type
) -> None:
    scale = 10.0**exponent
    x, x_labels, y, y_labels = points(seed)
    cost = cost_of(
        scale * x, x_labels, scale * y, y_labels, p=p, dtype=dtype, label_distances=W * scale**p
    )
    unit = scale**p
    g = unit * np.random.default_rng(seed).standard_normal(20)
    config = SinkhornConfig(epsilon=0.1 * unit)
    b = np.r_[0.0, 1e-300, np.ones(18)]
    with np.errstate(divide="ignore"):
        exponents = (g - by_definition(cost)) / config.epsilon + np.log(b / b.sum())
    expected = -config.epsilon * log_sums(exponents, 1)
    for f in (
        soft_transform(cost, g, b / b.sum(), config),
        transform_fixed(cost, g, config, b=b).f,
    ):
        np.testing.assert_allclose(f, expected, atol=1e-4 * unit)


@given(seed=st.integers(0, 50), exponent=st.integers(-8, 8), p=POWERS, dtype=TYPES)
@settings(12)
def test_the_label_posterior_follows_the_scale(
    seed: int, exponent: int, p: int, dtype: type
) -> None:
    scale = 10.0**exponent
    x, x_labels, y, y_labels = points(seed)
    cost = cost_of(scale * x, x_labels, scale * y, y_labels, p=p, dtype=dtype, label_distances=None)
    epsilon = 0.3 * scale**p
    found = label_posterior(cost, 3, epsilon=epsilon)
    weights = np.exp(-by_definition(cost) / epsilon)
    shares = weights @ np.eye(3)[y_labels] / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.own_probability, shares[np.arange(30), x_labels], atol=1e-4)
    np.testing.assert_allclose(found.probability, shares.max(axis=1), atol=1e-4)


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
