"""Mixing ratios stay on the simplex, and counts on the number asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from core.errors import ConfigError
from core.projection import counts_of, lattice, rescale, space_filling, to_capped_simplex

RATIOS = st.lists(st.floats(0, 1), min_size=1, max_size=8).filter(lambda p: sum(p) > 1e-3)


def ratio(weights: list[float]) -> np.ndarray:
    p = np.array(weights)
    return p / p.sum()


def test_a_lattice_holds_each_ratio_once() -> None:
    expected = [[0, 0, 2], [0, 1, 1], [0, 2, 0], [1, 0, 1], [1, 1, 0], [2, 0, 0]]
    np.testing.assert_array_equal(lattice(3, 2), np.array(expected) / 2)


@pytest.mark.parametrize(("m", "steps", "count"), [(1, 4, 1), (2, 4, 5), (4, 5, 56), (3, 1, 3)])
def test_a_lattice_has_as_many_points_as_combinatorics_say(m: int, steps: int, count: int) -> None:
    points = lattice(m, steps)
    assert len(np.unique(points, axis=0)) == len(points) == count
    np.testing.assert_allclose(points.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize(("m", "steps"), [(0, 2), (2, 0), (20, 20)])
def test_a_lattice_that_cannot_be_is_refused(m: int, steps: int) -> None:
    with pytest.raises(ConfigError):
        lattice(m, steps)


@pytest.mark.parametrize("m", [2, 3, 10])
def test_a_design_begins_with_center_and_corners_and_grows(m: int) -> None:
    points = space_filling(m, 40, seed=1)
    np.testing.assert_array_equal(points[0], np.full(m, 1 / m))
    np.testing.assert_array_equal(points[1 : m + 1], np.eye(m))
    np.testing.assert_allclose(points.sum(axis=1), 1, rtol=1e-12)
    assert points.min() >= 0
    assert len(np.unique(points, axis=0)) == 40
    np.testing.assert_array_equal(points[:20], space_filling(m, 20, seed=1))
    assert not np.array_equal(points, space_filling(m, 40, seed=2))


def test_a_design_fills_the_simplex_more_evenly_than_chance() -> None:
    """Every source has mean share 1 / m and, as in the uniform law, variance (m-1)/(m^2 (m+1))."""
    points = space_filling(3, 4 + 256, seed=0)[4:]
    np.testing.assert_allclose(points.mean(axis=0), 1 / 3, atol=0.005)
    np.testing.assert_allclose(points.var(axis=0), 2 / 36, rtol=0.05)
    corner_cells = [(points[:, s] > 0.5).mean() for s in range(3)]
    np.testing.assert_allclose(corner_cells, 0.25, atol=0.02)


def test_a_design_of_one_source_is_one_point() -> None:
    np.testing.assert_array_equal(space_filling(1, 9, seed=0), [[1.0]])


def test_moving_one_share_rescales_the_others_in_proportion() -> None:
    moved = rescale(np.array([0.2, 0.2, 0.6]), 0, 0.6, np.zeros(3, bool))
    np.testing.assert_allclose(moved, [0.6, 0.1, 0.3], rtol=1e-12)


def test_locked_shares_stay_and_bound_the_one_that_moves() -> None:
    p, locked = np.array([0.2, 0.3, 0.5]), np.array([False, True, False])
    np.testing.assert_allclose(rescale(p, 0, 0.4, locked), [0.4, 0.3, 0.3], rtol=1e-12)
    np.testing.assert_allclose(rescale(p, 0, 0.9, locked), [0.7, 0.3, 0.0], rtol=1e-12)


def test_where_nothing_is_free_nothing_moves() -> None:
    p = np.array([0.2, 0.3, 0.5])
    np.testing.assert_array_equal(rescale(p, 0, 0.9, np.array([False, True, True])), p)
    np.testing.assert_array_equal(rescale(np.ones(1), 0, 0.3, np.zeros(1, bool)), [1.0])


def test_sources_at_zero_share_what_is_freed_equally() -> None:
    moved = rescale(np.array([1.0, 0.0, 0.0]), 0, 0.5, np.zeros(3, bool))
    np.testing.assert_allclose(moved, [0.5, 0.25, 0.25], rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(weights=RATIOS, value=st.floats(-2, 3), data=st.data())
def test_a_moved_ratio_is_a_ratio(weights: list[float], value: float, data: st.DataObject) -> None:
    p = ratio(weights)
    index = data.draw(st.integers(0, len(p) - 1))
    locked = np.array(data.draw(st.lists(st.booleans(), min_size=len(p), max_size=len(p))))
    moved = rescale(p, index, value, locked)
    np.testing.assert_allclose(moved.sum(), 1, rtol=1e-9)
    assert moved.min() >= 0
    others = locked & (np.arange(len(p)) != index)
    np.testing.assert_allclose(moved[others], p[others], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("p", [[0.5, 0.6], [1.5, -0.5], [[1.0]], [np.nan, 1.0]])
def test_what_is_no_ratio_is_refused(p: list[float]) -> None:
    with pytest.raises(ConfigError, match="sum 1"):
        rescale(np.array(p), 0, 0.5, np.zeros(2, bool))
    with pytest.raises(ConfigError, match="sum 1"):
        counts_of(np.array(p), 10)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), m=st.integers(1, 5))
def test_the_projection_is_the_nearest_point(data: st.DataObject, m: int) -> None:
    v = np.array(data.draw(st.lists(st.floats(-3, 3), min_size=m, max_size=m)))
    upper = np.array(data.draw(st.lists(st.floats(0, 1.5), min_size=m, max_size=m)))
    if np.minimum(upper, 1).sum() < 1.01:
        upper = upper + 1
    p = to_capped_simplex(v, upper)
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)
    assert (p >= 0).all()
    assert (p <= upper + 1e-9).all()
    # No other point of the set is nearer: <v - p, q - p> <= 0 at its best vertex q, found greedily.
    q, left = np.zeros(m), 1.0
    for s in np.argsort(-(v - p)):
        q[s] = min(left, upper[s])
        left -= q[s]
    assert (v - p) @ (q - p) <= 1e-9


def test_the_projection_agrees_with_a_general_solver() -> None:
    v, upper = np.array([0.9, 0.4, -0.1, 0.3]), np.array([0.5, np.inf, 1.0, 0.2])
    found = minimize(
        lambda p: ((p - v) ** 2).sum(),
        np.full(4, 0.25),
        bounds=[(0, min(u, 1)) for u in upper],
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        tol=1e-12,
    )
    np.testing.assert_allclose(to_capped_simplex(v, upper), found.x, atol=1e-6)


def test_limits_that_leave_too_little_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"0\.7"):
        to_capped_simplex(np.array([1.0, 0.0]), np.array([0.5, 0.2]))


def test_limits_of_sum_one_leave_one_ratio() -> None:
    np.testing.assert_allclose(
        to_capped_simplex(np.array([5.0, 0.0]), np.array([0.25, 0.75])), [0.25, 0.75], rtol=1e-12
    )


def test_what_is_left_goes_to_the_largest_remainders() -> None:
    np.testing.assert_array_equal(counts_of(np.array([0.5, 0.26, 0.24]), 10), [5, 3, 2])
    np.testing.assert_array_equal(counts_of(np.full(3, 1 / 3), 10), [4, 3, 3])


@settings(max_examples=100, deadline=None)
@given(weights=RATIOS, n=st.integers(0, 10**7))
def test_counts_sum_to_n_and_are_within_one_of_the_share(weights: list[float], n: int) -> None:
    p = ratio(weights)
    counts = counts_of(p, n)
    assert counts.sum() == n
    assert counts.min() >= 0
    assert np.abs(counts - p * n).max() < 1 + 1e-6


@pytest.mark.parametrize("n", [10, 1000, 7000, 10**6])
def test_shares_of_a_lattice_are_counted_exactly(n: int) -> None:
    for p in lattice(3, 10):
        np.testing.assert_array_equal(counts_of(p, n), np.round(p * n))
