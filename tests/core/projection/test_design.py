from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.projection import default_points, default_scales, design, feasible
from tests.core.projection.sources import pilots_of


def test_all_that_is_to_be_trained_can_be_drawn() -> None:
    pilots = pilots_of([100, 60, 80])
    plan = design(pilots, repeats=2)
    assert all(feasible(pilots, p, int(n)) for p, n in zip(plan.p, plan.n, strict=True))
    assert set(plan.n) == set(default_scales(pilots)) == {12, 24, 48, 90}
    assert set(plan.repeat) == {0, 1}


def test_what_pilots_cannot_fill_is_counted() -> None:
    pilots = pilots_of([100, 100, 100])
    plan = design(pilots, scales=[20, 150], repeats=1)
    everything = 2 * len(default_points(3))
    assert plan.skipped == everything - len(plan)
    # At 150 images the shares of a lattice of quarters must not exceed two thirds.
    assert plan.skipped == int((default_points(3) > 2 / 3).any(axis=1).sum())


def test_a_single_source_is_trained_up_to_all_of_it() -> None:
    plan = design(pilots_of([80]), repeats=1)
    assert plan.n.tolist() == [10, 20, 40, 80]
    assert plan.skipped == 0


def test_a_budget_of_mixtures_is_kept() -> None:
    plan = design(pilots_of([100] * 5), scales=[20], points=12, repeats=3)
    assert len(plan) == 36
    assert len(np.unique(plan.p, axis=0)) == 12


def test_a_row_draws_the_same_whenever_it_is_trained() -> None:
    plan = design(pilots_of([50, 50]), seed=3)
    first = plan.rng(4).random(3)
    np.testing.assert_array_equal(plan.rng(4).random(3), first)
    assert not np.array_equal(plan.rng(5).random(3), first)


def test_pilots_that_are_too_small_for_everything_are_explained() -> None:
    with pytest.raises(ConfigError, match="too small"):
        design(pilots_of([10, 10]), scales=[500])


@pytest.mark.parametrize(
    "changes", [{"scales": [0]}, {"scales": []}, {"repeats": 0}, {"points": 0}]
)
def test_numbers_below_one_are_refused(changes: dict) -> None:
    with pytest.raises(ConfigError):
        design(pilots_of([10, 10]), **changes)
