from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from core.valuation import nearest_rows, neighbors, squared_norms, usual_reach, usual_spacing


@pytest.mark.parametrize("rows_at_once", [7, 65_536])
def test_the_nearest_are_those_of_all_distances(monkeypatch, rows_at_once: int) -> None:
    monkeypatch.setattr(neighbors, "_ROWS_AT_ONCE", rows_at_once)
    x = np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32)
    distance = cdist(x[[4]], x)[0]
    found = nearest_rows(x, squared_norms(x), x[4], 9)
    np.testing.assert_array_equal(found.rows, np.argsort(distance)[:9])
    np.testing.assert_allclose(found.distance, np.sort(distance)[:9], atol=1e-12)


def test_the_image_itself_is_left_out_and_its_copy_is_not() -> None:
    x = np.random.default_rng(1).standard_normal((50, 4)).astype(np.float32)
    x[31] = x[7]
    found = nearest_rows(x, squared_norms(x), x[7], 3, leave_out=7)
    assert 7 not in found.rows
    assert (found.rows[0], found.distance[0]) == (31, 0.0)


def test_small_distances_far_from_the_origin_keep_their_digits() -> None:
    """In float32 |x|² + |y|² - 2 x y of such points is noise; only the choice is made with it."""
    rng = np.random.default_rng(2)
    x = (1000 + rng.standard_normal((20, 3))).astype(np.float32)
    found = nearest_rows(x, squared_norms(x), x[0], 5, leave_out=0)
    expected = np.sort(cdist(x[[0]].astype(np.float64), x[1:].astype(np.float64))[0])[:5]
    np.testing.assert_allclose(found.distance, expected, rtol=1e-12)


@pytest.mark.parametrize(("n", "k", "expected"), [(1, 5, 0), (3, 5, 2), (3, 0, 0)])
def test_there_are_no_more_neighbors_than_other_images(n: int, k: int, expected: int) -> None:
    x = np.ones((n, 2), np.float32)
    assert len(nearest_rows(x, squared_norms(x), x[0], k, leave_out=0).rows) == expected


@pytest.mark.parametrize("pairs_at_once", [100, 2_000_000])
def test_spacing_and_reach_are_those_of_all_distances(monkeypatch, pairs_at_once: int) -> None:
    monkeypatch.setattr(neighbors, "_PAIRS_AT_ONCE", pairs_at_once)
    rng = np.random.default_rng(3)
    x, y = (10 + rng.standard_normal((n, 4)).astype(np.float32) for n in (60, 40))
    among = cdist(y, y) + np.diag(np.full(40, np.inf))
    np.testing.assert_allclose(usual_spacing(y), np.median(among.min(axis=1)), rtol=1e-6)
    np.testing.assert_allclose(usual_reach(x, y), np.sort(cdist(x, y).min(axis=1)), rtol=1e-6)


def test_a_large_set_is_sampled_the_same_way_each_time() -> None:
    y = np.random.default_rng(4).standard_normal((3000, 3)).astype(np.float32)
    assert usual_spacing(y) == usual_spacing(y)
    assert len(usual_reach(y, y[:50])) == 1000


def test_a_single_validation_image_has_no_spacing() -> None:
    assert usual_spacing(np.ones((1, 3), np.float32)) == 0.0
