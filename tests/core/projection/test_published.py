from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.projection import fit_predictor
from core.projection.published import two_sizes
from tests.core.projection.planted import Bowl, by_differences, planted

BOWL = Bowl()
P = np.random.default_rng(4).dirichlet(np.ones(3), 12)


def log_linear(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Follow Eq. 1 at each size, with coefficients that are linear in log n."""
    return 0.5 + 0.04 * np.log(n) - (0.1 + 0.02 * np.log(n)) * BOWL.distance(p)


def test_center_scaling_finds_both_coefficients_and_theorem_1_the_rest() -> None:
    fitted = fit_predictor("projektor-cs", planted(log_linear, sizes=(200, 800)), distance=BOWL)
    first, second = fitted.law.coefficients
    np.testing.assert_allclose(first, [-0.1 - 0.02 * np.log(200), 0.5 + 0.04 * np.log(200)])
    np.testing.assert_allclose(second, [-0.1 - 0.02 * np.log(800), 0.5 + 0.04 * np.log(800)])
    for n in (200, 400, 800, 10_000):
        size = np.full(len(P), n)
        np.testing.assert_allclose(fitted.predict(P, size), log_linear(P, size), atol=1e-10)


def test_center_scaling_is_concave_in_p_where_a_1_is_negative() -> None:
    fitted = fit_predictor("projektor-cs", planted(log_linear, sizes=(200, 800)), distance=BOWL)
    assert (fitted.law.coefficients[:, 0] < 0).all()
    size = np.full(6, 5000)
    middle = fitted.predict((P[:6] + P[6:]) / 2, size)
    assert (middle >= (fitted.predict(P[:6], size) + fitted.predict(P[6:], size)) / 2 - 1e-12).all()


def test_the_pseudo_quadratic_method_finds_its_own_law() -> None:
    def law(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        g = 0.1 + p @ [0.1, 0.05, 0] + p**2 @ [0.02, 0, 0.03]
        return 0.1 + 0.05 * np.log(n) + p @ [0, 0.1, 0.1] + g * BOWL.distance(p) / 4

    fitted = fit_predictor("projektor-pq", planted(law, steps=8, sizes=(400, 800)), distance=BOWL)
    size = np.full(len(P), 3000)
    assert not fitted.facts.regularized
    np.testing.assert_allclose(fitted.predict(P, size), law(P, size), atol=1e-8)


@pytest.mark.parametrize("name", ["projektor-cs", "projektor-pq"])
def test_the_gradient_goes_through_the_distance(name: str) -> None:
    fitted = fit_predictor(name, planted(log_linear, steps=6, sizes=(200, 800)), distance=BOWL)
    size = np.full(len(P), 5000)
    found = by_differences(lambda p: fitted.predict(p, size), P)
    np.testing.assert_allclose(fitted.gradient(P, size), found, atol=1e-6)


def test_distances_that_were_measured_are_taken() -> None:
    table = planted(log_linear, sizes=(200, 800))
    far = table.take(np.arange(len(table)))
    doubled = type(far)(
        p=far.p, n=far.n, repeat=far.repeat, accuracy=far.accuracy,
        distance=2 * BOWL.distance(far.p),
    )  # fmt: skip
    fitted = fit_predictor("projektor-cs", doubled, distance=BOWL)
    plain = fit_predictor("projektor-cs", far, distance=BOWL)
    np.testing.assert_allclose(fitted.law.coefficients[:, 0], plain.law.coefficients[:, 0] / 2)


def test_one_size_is_explained() -> None:
    with pytest.raises(ConfigError, match="two sizes"):
        fit_predictor("projektor-cs", planted(log_linear, sizes=(400,)), distance=BOWL)


def test_sizes_that_all_mixtures_reached_are_preferred() -> None:
    table = planted(log_linear)
    corner = (table.p == 1).any(axis=1)
    assert two_sizes(table.take(~(corner & (table.n == 1500)))) == (400, 800)
    assert two_sizes(table) == (800, 1500)


def test_fewer_mixtures_than_parameters_is_said() -> None:
    table = planted(log_linear, steps=1, sizes=(200, 800))
    fitted = fit_predictor("projektor-pq", table, distance=BOWL)
    assert fitted.facts.regularized
    assert any("regularized" in note for note in fitted.facts.notes)
    assert np.isfinite(fitted.predict(P, np.full(len(P), 5000))).all()
