from __future__ import annotations

import numpy as np
import pytest

from core.projection import fit_predictor, space_filling
from core.projection.polynomial import rank_on_simplex
from tests.core.projection.planted import by_differences, planted

P = np.random.default_rng(3).dirichlet(np.ones(3), 8)
FAR = np.full(8, 10_000)


def linear(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return 0.05 + p @ [0.1, 0.2, 0.3] + 0.05 * np.log(n)


def quadratic(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return 0.2 + p @ [0.1, 0.2, 0.0] + 0.3 * p[:, 0] * p[:, 1] + 0.04 * np.log(n)


@pytest.mark.parametrize("name", ["linear", "pseudo-quadratic", "quadratic"])
def test_a_linear_law_is_found_and_projected(name: str) -> None:
    fitted = fit_predictor(name, planted(linear))
    np.testing.assert_allclose(fitted.predict(P, FAR), linear(P, FAR), atol=1e-9)
    np.testing.assert_allclose(fitted.law.log_size, 0.05, atol=1e-9)
    assert fitted.facts.residual < 1e-9


def test_products_are_found_by_the_quadratic_law() -> None:
    fitted = fit_predictor("quadratic", planted(quadratic))
    np.testing.assert_allclose(fitted.predict(P, FAR), quadratic(P, FAR), atol=1e-9)
    found = by_differences(lambda p: fitted.predict(p, FAR), P)
    np.testing.assert_allclose(fitted.gradient(P, FAR), found, atol=1e-6)


def test_with_four_sources_squares_alone_cannot_tell_a_product() -> None:
    def pair(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.3 + 0.4 * p[:, 0] * p[:, 1]

    p = space_filling(4, 30, seed=1)
    n = np.full(30, 1000)
    few = fit_predictor("pseudo-quadratic", planted(pair, 4))
    all_of_them = fit_predictor("quadratic", planted(pair, 4))
    assert np.abs(few.predict(p, n) - pair(p, n)).max() > 0.01
    np.testing.assert_allclose(all_of_them.predict(p, n), pair(p, n), atol=1e-9)


def test_shares_that_sum_to_one_count_once() -> None:
    assert rank_on_simplex(("shares",), 3) == 3
    assert rank_on_simplex(("shares", "squares"), 3) == 6
    # With three sources products are squares in disguise.
    assert rank_on_simplex(("shares", "squares", "products"), 3) == 6
    assert rank_on_simplex(("shares", "squares", "products"), 4) == 10


def test_one_size_leaves_no_slope() -> None:
    fitted = fit_predictor("linear", planted(linear, sizes=(400,)))
    assert fitted.law.log_size == pytest.approx(0)
    np.testing.assert_allclose(fitted.predict(P, np.full(8, 400)), linear(P, np.full(8, 400)))


def test_fewer_points_than_parameters_is_said() -> None:
    table = planted(linear)
    few = table.take(np.arange(4))
    fitted = fit_predictor("quadratic", few)
    assert fitted.facts.regularized
    assert fitted.facts.points < fitted.facts.parameters
    assert np.isfinite(fitted.predict(P, FAR)).all()


def additive(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Add up what sources give that are in the mixture at all."""
    return (p > 0) @ np.array([0.1, 0.2, 0.3])


def test_shapley_values_of_an_additive_game_are_its_summands() -> None:
    fitted = fit_predictor("shapley", planted(additive, steps=6))
    np.testing.assert_allclose(fitted.law.coefficients, [0.1, 0.2, 0.3], atol=1e-12)


def test_leaving_a_source_out_costs_what_it_adds() -> None:
    fitted = fit_predictor("loo", planted(additive, steps=6))
    np.testing.assert_allclose(fitted.law.coefficients, [0.1, 0.2, 0.3], atol=1e-12)


def test_shapley_values_of_a_complement_are_shared() -> None:
    def both(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.6 * ((p[:, 0] > 0) & (p[:, 1] > 0))

    fitted = fit_predictor("shapley", planted(both, steps=6))
    np.testing.assert_allclose(fitted.law.coefficients, [0.3, 0.3, 0], atol=1e-12)
