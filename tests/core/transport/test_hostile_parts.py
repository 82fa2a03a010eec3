"""What stands beside the solver, at the ends of every range."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from core.errors import DataError
from core.transport import (
    LabelDistanceConfig,
    SinkhornConfig,
    cost_matrix,
    label_distances,
    label_posterior,
    soft_transform,
    solve_exact,
    transform_fixed,
)
from core.transport.batched import BatchedConfig, solve_batched
from tests.core.transport.hostile import (
    POWERS,
    TYPES,
    W,
    by_definition,
    cost_of,
    log_sums,
    points,
    reference,
    settings,
    uniform,
)


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
