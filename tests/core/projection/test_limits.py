"""What a budget makes of a ratio: no more is spent, and nothing moves that need not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.projection import Limits
from core.projection import limits as module


def drawn(seed: int) -> tuple[Limits, np.ndarray]:
    """Return limits whose budget binds for some of nine weights, and the weights, shape (9, m)."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 12)), int(10 ** rng.uniform(1, 6))
    price = rng.exponential(size=m) * 10 ** rng.uniform(-3, 3)
    capacity = np.where(rng.random(m) < 0.5, np.inf, np.ceil(n * rng.uniform(0.1, 1.5, m)))
    capacity[0] = np.inf
    free = Limits(n=n, capacity=capacity, price=price)
    least, most = float(free.cheapest() @ price) * n, float(price.max()) * n
    part = rng.choice([1e-6, 1e-3, 0.1, 0.5, 0.9])
    bound = Limits(
        n=n, capacity=capacity, price=price, budget=least + part * max(most - least, 1e-9 * least)
    )
    return bound, np.maximum(rng.standard_normal((9, m)) * rng.choice([0.5, 3, 30]), -20)


def by_bisection(limits: Limits, weights: np.ndarray) -> np.ndarray:
    """Return `nearest` of one row of weights, shape (m,), found the slow way."""
    budget = limits.budget or 0.0

    def tilted(multiplier: float) -> np.ndarray:
        return module._filled((weights - multiplier * limits.price)[None], limits.upper)[0]

    def affordable(multiplier: float) -> bool:
        return tilted(multiplier) @ limits.price * limits.n <= budget * (1 + 1e-9)

    low, high = 0.0, 1000 / limits.price.max()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if affordable(middle) else (middle, high)
    return limits.clipped(tilted(0.0 if affordable(0.0) else high)[None])[0]


# Where steps of a slope alone went astray: far too large a multiplier tells no weight apart.
@example(264)
@example(537)
@given(st.integers(0, 10_000))
def test_the_nearest_ratio_is_tilted_by_the_prices_no_more_than_the_budget_asks(seed: int) -> None:
    limits, weights = drawn(seed)
    p, budget = limits.nearest(weights), limits.budget or 0.0
    assert (p @ limits.price * limits.n <= budget * (1 + 2e-9)).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    expected = np.array([by_bisection(limits, row) for row in weights])
    np.testing.assert_allclose(p, expected, atol=2e-9)


def test_the_budget_is_met_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of a climb halved its way to the multiplier fifty times."""
    filled, calls = module._filled, []
    monkeypatch.setattr(module, "_filled", lambda *asked: calls.append(1) or filled(*asked))
    price = np.array([0.1, 0.08, 0.05, 0.03, 0.01])
    limits = Limits(n=5000, capacity=np.full(5, 4000.0), price=price, budget=180.0)
    p = limits.nearest(np.log([[0.6, 0.1, 0.1, 0.1, 0.1], [0.3, 0.3, 0.2, 0.1, 0.1]]))
    np.testing.assert_allclose(p @ price * 5000, 180.0, rtol=1e-8)
    assert len(calls) <= 12
