from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluation import harmful_cut, suggested_removal

VALUES = np.random.default_rng(0).standard_normal(2000)


def test_the_threshold_is_factor_robust_deviations_below_the_median():
    cut = harmful_cut(np.array([-10.0, 1.0, 2.0, 3.0, 4.0]), factor=2.0)
    assert cut.median == 2.0
    np.testing.assert_allclose(cut.spread, 1.4826, rtol=1e-12)  # median of 0, 1, 1, 2, 12 is 1
    np.testing.assert_allclose(cut.threshold, 2.0 - 2.0 * 1.4826, rtol=1e-12)
    assert cut.harmful.tolist() == [True, False, False, False, False]
    assert (cut.count, cut.share) == (1, 0.2)


def test_far_outliers_do_not_move_the_cut():
    faulty = np.concatenate([VALUES, np.full(200, -1e9)])
    plain, moved = harmful_cut(VALUES), harmful_cut(faulty)
    assert moved.harmful[-200:].all()
    # A share of 9 % far out shifts the median to the 45th, the deviation to the 55th percentile.
    assert abs(moved.threshold - plain.threshold) < 0.5 * plain.spread


def test_of_normal_values_one_in_44_is_flagged():
    value = np.random.default_rng(1).standard_normal(200_000)
    # Phi(-2) = 0.02275; four standard deviations of a binomial share are 0.0013.
    np.testing.assert_allclose(harmful_cut(value).share, 0.02275, atol=0.0013)


@given(shift=st.floats(-100, 100), scale=st.floats(0.01, 100), seed=st.integers(0, 1000))
def test_shift_scale_and_order_change_nothing(shift: float, scale: float, seed: int):
    order = np.random.default_rng(seed).permutation(len(VALUES))
    plain = harmful_cut(VALUES).harmful
    np.testing.assert_array_equal(harmful_cut(scale * VALUES[order] + shift).harmful, plain[order])


def test_equal_values_are_not_harmful():
    assert harmful_cut(np.full(10, 3.0)).count == 0


def test_with_no_spread_everything_below_the_rest_is_flagged():
    assert harmful_cut(np.array([0.0, 1.0, 1.0, 1.0, 2.0])).harmful.tolist() == [True] + 4 * [False]


def test_the_mask_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        harmful_cut(VALUES).harmful[0] = True


@pytest.mark.parametrize(
    ("value", "factor"), [([], 2.5), ([1.0], 0.0), ([1.0], -1.0), ([1.0], float("nan"))]
)
def test_no_values_or_a_factor_that_is_not_positive_are_refused(value: list[float], factor: float):
    with pytest.raises(ConfigError):
        harmful_cut(np.array(value), factor)


def test_where_values_are_odds_the_cut_is_where_they_are_even() -> None:
    cut = harmful_cut(np.array([-3.0, -0.1, 0.0, 0.2, 5.0]), even_odds=0.0)
    assert cut.harmful.tolist() == [True, True, False, False, False]
    assert (cut.threshold, cut.factor) == (0.0, None)


def test_of_a_likely_backdoor_more_is_suggested_than_looks_harmful() -> None:
    harmful = np.array([True, False, False, False, False])
    probability = np.array([0.9, 0.4, 0.0501, 0.0499, 0.4])
    kind = np.array(["noise", "wrong label", "backdoor", "backdoor", "backdoor"])
    found = suggested_removal(harmful, probability, kind)
    np.testing.assert_array_equal(found, [True, False, True, False, True])
    np.testing.assert_array_equal(harmful, [True, False, False, False, False])


def test_where_no_kind_is_named_what_looks_harmful_is_suggested() -> None:
    harmful = np.array([True, False])
    np.testing.assert_array_equal(suggested_removal(harmful), harmful)
