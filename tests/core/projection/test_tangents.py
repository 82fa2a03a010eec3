"""Between solved ratios: a convex lower bound, and how close it is."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.projection import MixtureTransport, Tangents, lattice, space_filling
from core.valuation import LavaConfig
from tests.core.projection.sources import pilots_of, points

PILOTS = pilots_of([40, 30, 25], wrong=[0.0, 0.3, 0.6])
BETWEEN = space_filling(3, 20, seed=5)


@pytest.fixture(scope="module")
def transport() -> MixtureTransport:
    y, labels = points(35, np.random.default_rng(7))
    return MixtureTransport(PILOTS, y, labels, LavaConfig(tolerance=1e-8, device="cpu"))


@pytest.fixture(scope="module")
def truth(transport: MixtureTransport) -> np.ndarray:
    return np.array([z.distance for z in transport.solve_all(BETWEEN)])


def test_the_highest_tangent_counts() -> None:
    tangents = Tangents(np.eye(2), np.array([[1.0, 0.0], [0.0, 3.0]]))
    ratios = np.array([[1.0, 0.0], [0.5, 0.5], [0.8, 0.2]])
    np.testing.assert_allclose(tangents.distance(ratios), [1.0, 1.5, 0.8])
    np.testing.assert_array_equal(tangents.gradient(ratios), [[1, 0], [0, 3], [1, 0]])
    np.testing.assert_allclose(tangents.distance(ratios[2]), 0.8)


def test_they_are_exact_where_it_was_solved_and_below_elsewhere(
    transport: MixtureTransport, truth: np.ndarray
) -> None:
    solved = transport.solve_all(lattice(3, 4))
    tangents = Tangents.of(solved)
    there = tangents.distance(np.stack([z.p for z in solved]))
    np.testing.assert_allclose(there, [z.distance for z in solved], rtol=1e-6)
    assert (tangents.distance(BETWEEN) <= truth + 1e-6).all()


def test_their_error_falls_with_the_square_of_the_step(
    transport: MixtureTransport, truth: np.ndarray
) -> None:
    coarse, fine = (
        float(np.mean(truth - Tangents.of(transport.solve_all(lattice(3, k))).distance(BETWEEN)))
        for k in (3, 9)
    )
    # A third of the step: a ninth of the error, or a third if it were of first order.
    assert fine < coarse / 5
    assert fine < 0.02 * np.ptp(truth)


def test_tangents_need_a_solved_ratio() -> None:
    with pytest.raises(ConfigError, match="solved ratio"):
        Tangents.of([])
    with pytest.raises(ConfigError, match="one or more"):
        Tangents(np.eye(2), np.ones((1, 2)))
