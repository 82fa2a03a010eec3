"""The best mix is found where it is known, and stays within what can be bought."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from core.errors import ConfigError
from core.projection import best_mix, best_path, marginal, to_capped_simplex
from tests.core.projection.laws import Hill, Turning, TwoPeaks

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
