"""The best mix is found where it is known, and stays within what can be bought."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from core.errors import ConfigError
from core.projection import best_mix, best_path, marginal, to_capped_simplex
from tests.core.projection.laws import Hill, Pinch, Turning, TwoPeaks

FREE = {"capacity": np.full(3, np.inf), "price": np.zeros(3)}
TOPS = [np.array([0.2, 0.5, 0.3]), np.array([0.7, 0.6, -0.3]), np.array([2.0, -1.0, 0.0])]


@pytest.mark.parametrize("top", TOPS, ids=["inside", "on an edge", "in a corner"])
def test_the_climb_ends_at_the_top(top: np.ndarray) -> None:
    mix = best_mix(Hill(top), 1000, **FREE)
    expected = to_capped_simplex(top, np.ones(3))
    np.testing.assert_allclose(mix.p, expected, atol=1e-4)
    best = Hill(top).predict(expected[None], np.array([1000.0]))[0]
    np.testing.assert_allclose(mix.accuracy, best, atol=1e-7)
    # A hill has one top: all climbs find it.
    assert mix.agreement == 1
    np.testing.assert_array_equal(mix.path[-1], mix.p)
    assert mix.counts.sum() == 1000


@pytest.mark.parametrize("top", TOPS)
def test_no_source_gives_more_than_it_has(top: np.ndarray) -> None:
    capacity = np.array([300.0, 450.0, 5000.0])
    mix = best_mix(Hill(top), 1000, capacity=capacity, price=np.zeros(3))
    np.testing.assert_allclose(mix.p, to_capped_simplex(top, capacity / 1000), atol=1e-4)
    assert (mix.counts <= capacity).all()
    assert mix.counts.sum() == 1000


@pytest.mark.parametrize("budget", [1100.0, 1500.0, 2600.0, 10_000.0])
def test_a_budget_is_kept_and_used(budget: float) -> None:
    top, price, upper = TOPS[1], np.array([3.0, 2.0, 1.0]), np.array([0.6, 1.0, 1.0])
    mix = best_mix(Hill(top), 1000, capacity=1000 * upper, price=price, budget=budget)
    found = minimize(
        lambda p: ((p - top) ** 2).sum(),
        np.array([0.0, 0.05, 0.95]),
        bounds=[(0, u) for u in upper],
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1},
            {"type": "ineq", "fun": lambda p: budget / 1000 - p @ price},
        ],
        tol=1e-12,
    )
    np.testing.assert_allclose(mix.p, found.x, atol=1e-3)
    assert mix.cost == mix.counts @ price
    assert mix.cost <= budget


def test_rounding_never_breaks_the_budget() -> None:
    price = np.array([3.3, 2.1, 0.7])
    for n in (7, 11, 23, 50):
        for budget in (1.1 * n, 1.63 * n, 2.3 * n):
            mix = best_mix(Hill(TOPS[0]), n, capacity=FREE["capacity"], price=price, budget=budget)
            assert mix.counts.sum() == n
            assert mix.counts @ price <= budget * (1 + 1e-9)


def test_the_grid_saves_climbs_from_the_wrong_peak() -> None:
    mix = best_mix(TwoPeaks(), 1000, **FREE, starts=1)
    np.testing.assert_allclose(mix.p, TwoPeaks().high, atol=0.01)
    assert mix.accuracy >= mix.grid_accuracy
    # The start in the middle stays at the low peak, and the mix says so.
    np.testing.assert_allclose(mix.ends[0], TwoPeaks().low, atol=0.05)
    assert mix.agreement == 0.5


def test_the_best_mix_is_nowhere_below_the_grid() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        mix = best_mix(Hill(rng.standard_normal(6), -1.0), 500, capacity=np.full(6, np.inf),
                       price=np.zeros(6), starts=2)  # fmt: skip
        assert mix.accuracy >= mix.grid_accuracy


def test_ten_sources_are_climbed_as_well() -> None:
    top = np.linspace(-0.2, 0.5, 10)
    mix = best_mix(Hill(top), 10_000, capacity=np.full(10, 4000.0), price=np.zeros(10))
    np.testing.assert_allclose(mix.p, to_capped_simplex(top, np.full(10, 0.4)), atol=1e-3)


def test_one_source_is_the_mix() -> None:
    mix = best_mix(Hill(np.ones(1)), 10, capacity=np.full(1, 10.0), price=np.ones(1), budget=10)
    np.testing.assert_array_equal(mix.p, [1.0])
    np.testing.assert_array_equal(mix.counts, [10])


def test_where_nothing_tells_sources_apart_any_mix_is_as_good() -> None:
    mix = best_mix(Hill(np.zeros(3), 0.0), 100, **FREE)
    assert mix.agreement == 1
    assert mix.counts.sum() == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capacity": np.array([10.0, 20.0, 30.0])}, "60 images in all; 100 are wanted"),
        ({"price": np.array([2.0, 3.0, 4.0]), "budget": 150.0}, "cheapest 100 images cost 200"),
        ({"price": np.array([-1.0, 1.0, 1.0])}, "0 or more"),
        ({"capacity": np.array([np.nan, 1e3, 1e3])}, "0 or more"),
        ({"starts": 0}, "a start"),
    ],
)
def test_what_cannot_be_bought_is_said(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        best_mix(Hill(TOPS[0]), 100, **(FREE | changes))


def test_the_best_mix_follows_the_size_as_far_as_images_last() -> None:
    capacity = np.array([3000.0, 3000.0])
    mixes = best_path(Turning(), [10, 100, 1000, 100_000], capacity=capacity, price=np.zeros(2))
    assert [mix.n for mix in mixes] == [10, 100, 1000]
    np.testing.assert_allclose([mix.p[1] for mix in mixes], [0.2, 0.4, 0.6], atol=1e-3)
    with pytest.raises(ConfigError, match="6,000 images"):
        best_path(Turning(), [7000], capacity=capacity, price=np.zeros(2))
    with pytest.raises(ConfigError, match="a size"):
        best_path(Turning(), [], capacity=capacity, price=np.zeros(2))


@pytest.mark.parametrize("p", [np.array([0.3, 0.3, 0.4]), np.array([1.0, 0.0, 0.0])])
def test_one_more_image_brings_what_is_promised(p: np.ndarray) -> None:
    law, n, price = Hill(TOPS[0]), 1000, np.array([2.0, 0.5, 0.0])
    found = marginal(law, p, n, price)
    before = law.predict(p[None], np.array([float(n)]))[0]
    for source in range(3):
        after = law.predict(((p * n + np.eye(3)[source]) / (n + 1))[None], np.array([n + 1.0]))[0]
        np.testing.assert_allclose(found.per_image[source], after - before, rtol=0.02, atol=2e-7)
    np.testing.assert_allclose(found.per_price[:2], found.per_image[:2] / price[:2])
    assert np.isnan(found.per_price[2])


NAN = np.nan


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize(
    "fixed", [[0.2, NAN, NAN], [NAN, 0.0, NAN], [NAN, NAN, 0.65], [0.1, NAN, 0.3]]
)
def test_with_shares_fixed_the_rest_goes_nearest_to_the_top(top: np.ndarray, fixed: list) -> None:
    fixed, free = np.array(fixed), np.isnan(fixed)
    mix = best_mix(Hill(top), 1000, **FREE, fixed=fixed)
    left = 1 - np.nansum(fixed)
    expected = fixed.copy()
    expected[free] = left * to_capped_simplex(top[free] / left, np.ones(free.sum()))
    np.testing.assert_allclose(mix.p, expected, atol=1e-4)
    np.testing.assert_array_equal(mix.p[~free], fixed[~free])
    np.testing.assert_array_equal(mix.counts[~free], np.rint(1000 * fixed[~free]))
    assert mix.counts.sum() == 1000
    np.testing.assert_allclose(mix.accuracy, Hill(top).predict(mix.p[None], np.array([1000.0]))[0])
    for ratios in (mix.path, mix.starts, mix.ends, mix.grid_p[None]):
        np.testing.assert_allclose(ratios.sum(axis=1), 1)
        np.testing.assert_array_equal(ratios[:, ~free], np.tile(fixed[~free], (len(ratios), 1)))
    np.testing.assert_array_equal(mix.path[-1], mix.p)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 0.9])
def test_with_a_share_fixed_no_mix_of_a_grid_is_better(share: float) -> None:
    capacity, price, budget = np.array([900.0, 450.0, 5000.0]), np.array([2.0, 3.0, 1.0]), 2100.0
    for law in (Hill(TOPS[1]), TwoPeaks()):
        mix = best_mix(
            law,
            1000,
            capacity=capacity,
            price=price,
            budget=budget,
            fixed=np.array([share, NAN, NAN]),
        )
        assert (mix.counts <= capacity).all()
        assert mix.cost == mix.counts @ price
        assert mix.cost <= budget
        part = (1 - share) * np.linspace(0, 1, 2001)
        grid = np.column_stack([np.full(2001, share), part, 1 - share - part])
        grid = grid[(1000 * grid <= capacity).all(axis=1) & (1000 * grid @ price <= budget)]
        best = law.predict(grid, np.full(len(grid), 1000.0)).max()
        assert best - 1e-9 <= mix.accuracy <= best + 5e-4


def test_what_is_fixed_counts_in_ten_sources() -> None:
    """The climb goes by the slope of what is free: a wrong one ends elsewhere."""
    top, fixed = np.linspace(-0.2, 0.5, 10), np.full(10, NAN)
    fixed[[0, 3, 9]] = 0.2, 0.1, 0.05
    free = np.isnan(fixed)
    mix = best_mix(Hill(top), 10_000, capacity=np.full(10, 2000.0), price=np.zeros(10), fixed=fixed)
    expected = fixed.copy()
    expected[free] = 0.65 * to_capped_simplex(top[free] / 0.65, np.full(7, 0.2 / 0.65))
    np.testing.assert_allclose(mix.p, expected, atol=1e-3)
    assert (mix.counts <= 2000).all()


@pytest.mark.parametrize(
    ("fixed", "counts"),
    [
        ([0.2, 0.3, 0.5], [20, 30, 50]),
        # Nothing is left to the one that is free.
        ([0.6, NAN, 0.4], [60, 0, 40]),
        ([NAN, 1.0, NAN], [0, 100, 0]),
        # One source takes what is left.
        ([0.25, NAN, 0.35], [25, 40, 35]),
    ],
)
def test_a_mix_that_is_fixed_is_the_best_one(fixed: list, counts: list) -> None:
    price = np.array([1.0, 2.0, 3.0])
    mix = best_mix(
        Hill(TOPS[0]), 100, capacity=FREE["capacity"], price=price, fixed=np.array(fixed)
    )
    np.testing.assert_array_equal(mix.counts, counts)
    np.testing.assert_allclose(mix.p, np.array(counts) / 100)
    assert mix.cost == mix.counts @ price
    assert mix.agreement == 1
    np.testing.assert_array_equal(mix.path[-1], mix.p)


def test_a_free_share_of_less_than_half_an_image_gets_none() -> None:
    mix = best_mix(Hill(TOPS[0]), 100, **FREE, fixed=np.array([0.6, 0.397, NAN]))
    np.testing.assert_allclose(mix.p, [0.6, 0.397, 0.003])
    np.testing.assert_array_equal(mix.counts, [60, 40, 0])


@pytest.mark.parametrize(
    ("fixed", "changes", "message"),
    [
        ([0.7, 0.4, NAN], {}, "sum to 110 %, more than"),
        ([0.2, 0.3, 0.4], {}, "sum to 90 %; a mix has 100 %"),
        ([-0.1, NAN, NAN], {}, "0 or more"),
        ([np.inf, NAN, NAN], {}, "more than 100 %"),
        ([0.1, NAN], {}, "each of 3 sources"),
        (
            [0.4, NAN, NAN],
            {"capacity": np.array([30.0, 90.0, 90.0])},
            "fixed at 40 %: of 100 images that is 40, and the source has 30",
        ),
        (
            [0.4, 0.0, 0.6],
            {"capacity": np.array([90.0, 90.0, 50.0])},
            "fixed at 60 %: of 100 images that is 60, and the source has 50",
        ),
        (
            [0.1, NAN, NAN],
            {"capacity": np.array([90.0, 40.0, 40.0])},
            "left to the shares that are free. The sources have 80 images in all; 90 are wanted",
        ),
        (
            [0.5, NAN, NAN],
            {"price": np.array([4.0, 1.0, 1.0]), "budget": 150.0},
            r"fixed cost 200.00; the budget is 150.00",
        ),
        (
            [0.5, NAN, NAN],
            {"price": np.array([2.0, 1.0, 1.0]), "budget": 120.0},
            "The cheapest 50 images cost 50.00; the budget is 20.00",
        ),
        (
            [1.0, NAN, NAN],
            {"price": np.array([4.0, 1.0, 1.0]), "budget": 300.0},
            "fixed cost 400.00; the budget is 300.00",
        ),
    ],
)
def test_what_cannot_be_fixed_is_said(fixed: list, changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        best_mix(Hill(TOPS[0]), 100, **(FREE | changes), fixed=np.array(fixed))


def test_a_path_keeps_what_is_fixed_as_far_as_images_last() -> None:
    capacity, fixed = np.array([np.inf, np.inf, 300.0]), np.array([NAN, NAN, 0.2])
    mixes = best_path(
        Turning(), [10, 100, 1000, 10_000], capacity=capacity, price=np.zeros(3), fixed=fixed
    )
    assert [mix.n for mix in mixes] == [10, 100, 1000]
    assert [mix.p[2] for mix in mixes] == [0.2, 0.2, 0.2]
    np.testing.assert_allclose([mix.p[1] for mix in mixes], [0.2, 0.4, 0.6], atol=1e-3)
    assert [mix.counts[2] for mix in mixes] == [2, 20, 200]
    with pytest.raises(ConfigError, match="that is 2,000, and the source has 300"):
        best_path(Turning(), [10_000], capacity=capacity, price=np.zeros(3), fixed=fixed)


@pytest.mark.parametrize("fixed", [None, np.array([0.2, NAN, NAN, NAN])])
def test_a_trace_of_a_source_is_none_of_it(fixed: np.ndarray | None) -> None:
    """Climbs ended at shares such as 1e-10, of which no image is ever bought."""
    top = np.array([0.3, 0.52, 0.1, -0.3])
    mix = best_mix(
        Hill(top),
        1000,
        capacity=np.array([500.0, 450.0, 900.0, 900.0]),
        price=np.zeros(4),
        fixed=fixed,
    )
    winner = mix.ends[mix.end_accuracies.argmax()]
    assert ((winner > 0) & (winner < 1e-6)).any(), "the climb itself leaves a trace"
    assert not ((mix.p > 0) & (mix.p < 1e-6)).any()
    assert mix.p[3] == 0
    assert mix.p.sum() == pytest.approx(1, abs=1e-12)
    assert mix.p[1] <= 0.45
    assert mix.accuracy >= mix.end_accuracies.max()
    found = Hill(top).predict(mix.p[None], np.array([1000.0]))[0]
    assert mix.accuracy == pytest.approx(found, abs=1e-15)


def test_a_trace_that_is_worth_something_is_kept() -> None:
    mix = best_mix(Pinch(), 1000, **FREE)
    assert 1e-7 < mix.p[2] < 1e-6
    assert mix.accuracy == mix.end_accuracies.max()
