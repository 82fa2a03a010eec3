from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluation import Effect, kept_rows, removal_curve


def test_the_worst_go_first_and_the_rest_keeps_its_order() -> None:
    value = np.array([3.0, -1.0, 2.0, 0.0, 5.0])
    np.testing.assert_array_equal(kept_rows(value, 0.4), [0, 2, 4])
    np.testing.assert_array_equal(kept_rows(value, 0.4, end="best"), [1, 2, 3])
    np.testing.assert_array_equal(kept_rows(value, 0.0), np.arange(5))
    assert len(kept_rows(value, 1.0)) == 0


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 5))
def test_a_larger_share_takes_more_of_the_same_images(a: float, b: float, seed: int) -> None:
    value = np.round(np.random.default_rng(seed).standard_normal(40), 1)
    less, more = sorted((a, b))
    kept = set(kept_rows(value, more, seed=seed).tolist())
    assert kept <= set(kept_rows(value, less, seed=seed).tolist())


def test_images_of_equal_value_go_at_random_and_not_in_the_order_of_the_input() -> None:
    kept = kept_rows(np.zeros(1000), 0.5, seed=3)
    assert 150 < (kept < 500).sum() < 350
    np.testing.assert_array_equal(kept, kept_rows(np.zeros(1000), 0.5, seed=3))
    assert not np.array_equal(kept, kept_rows(np.zeros(1000), 0.5, seed=4))


def test_each_share_is_trained_for_once_on_what_is_left() -> None:
    seen: list[np.ndarray] = []

    def measure(rows: np.ndarray) -> Effect:
        seen.append(rows)
        return Effect(accuracy=len(rows) / 10, attack_success=0.25)

    points = removal_curve(np.arange(10.0), measure, (0.0, 0.3), end="best")
    assert [point.removed for point in points] == [0, 3]
    assert [point.accuracy for point in points] == [1.0, 0.7]
    assert points[1].attack_success == 0.25
    assert np.isnan(points[1].target_confidence)
    np.testing.assert_array_equal(seen[1], np.arange(7))


@pytest.mark.parametrize(("share", "end"), [(1.5, "worst"), (-0.1, "worst"), (0.5, "middle")])
def test_what_makes_no_sense_is_refused(share: float, end: str) -> None:
    with pytest.raises(ConfigError, match="share of 0 to 1"):
        kept_rows(np.zeros(3), share, end=end)


def test_removing_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="none is left"):
        removal_curve(np.zeros(3), lambda rows: Effect(1.0), (1.0,))
