"""What is left when shares are fixed adds up, and how much of it can be bought."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.projection import Choice, most_images

NAN = np.nan


@given(st.integers(0, 10_000))
def test_whatever_is_fixed_an_order_adds_up_within_the_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 8)), int(10 ** rng.uniform(0, 5))
    shares = rng.dirichlet(np.ones(m))
    fixed = np.where(rng.random(m) < 0.5, shares, NAN)
    capacity = np.where(rng.random(m) < 0.5, np.inf, np.ceil(n * shares + rng.integers(1, 4)))
    price = rng.exponential(size=m)
    budget = float((np.ceil(n * shares) + 2) @ price)
    choice = Choice.of(n, capacity=capacity, price=price, budget=budget, fixed=fixed)
    np.testing.assert_array_equal(choice.free, np.isnan(fixed) & choice.free.any())
    if choice.limits is None:
        np.testing.assert_allclose(choice.fixed.sum(), 1, rtol=1e-12)
        assert choice.taken.sum() == n
        return
    q = choice.limits.clipped(rng.dirichlet(np.ones(choice.free.sum()), 3))
    p = choice.whole(q)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(choice.part(p[0]), q[0], rtol=1e-9, atol=1e-12)
    counts = choice.counts(q[0])
    assert counts.sum() == n
    assert (counts <= capacity).all()
    assert counts @ price <= budget * (1 + 1e-8)
    # Rounding gives or takes an image of a source; a budget may take one of each.
    assert (np.abs(counts - n * p[0])[~choice.free] < 1).all()


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        # An image costs 0.5 * 3 + 0.5 * 1.
        ({}, 500),
        ({"fixed": [NAN, 0.0, NAN]}, 1000),
        ({"fixed": [1.0, NAN, NAN]}, 333),
        ({"capacity": [120.0, np.inf, np.inf]}, 240),
        ({"fixed": [0.7, 0.7, NAN]}, 0),
        ({"price": [0.0, 0.0, 0.0]}, None),
        # The free ones cost nothing, what is fixed does.
        ({"price": [2.0, 0.0, 0.0]}, 1000),
    ],
)
def test_a_budget_buys_as_many_as_fit_around_what_is_fixed(changes: dict, most: int) -> None:
    terms = {"fixed": [0.5, NAN, NAN], "capacity": 3 * [np.inf], "price": [3.0, 2.0, 1.0]} | changes
    terms = {name: np.array(one) for name, one in terms.items()}
    found = most_images(**terms, budget=1000.0)
    assert found == most
    if found:
        Choice.of(found, **terms, budget=1000.0)
        with pytest.raises(ConfigError):
            Choice.of(found + 2, **terms, budget=1000.0)


def test_where_rounding_leaves_no_image_to_choose_nothing_more_need_be_paid() -> None:
    """96 % of 10 images are all of them: the 4 % that are free are less than half an image."""
    terms = {"price": np.ones(2), "budget": 10.0, "fixed": np.array([0.96, NAN])}
    for capacity in (np.inf, 0.0):
        given = {**terms, "capacity": np.array([np.inf, capacity])}
        choice = Choice.of(10, **given)
        np.testing.assert_array_equal(choice.counts(np.ones(1)), [10, 0])
        np.testing.assert_allclose(choice.whole(np.ones((1, 1))), [[0.96, 0.04]])
        assert most_images(**given) == 10
