from __future__ import annotations

import numpy as np

from core.projection import fit_predictor
from core.projection.rational import refit_rational
from tests.core.projection.planted import by_differences, planted

C = np.array([[2.0, 4.0], [6.0, 1.5]])
P = np.random.default_rng(5).dirichlet(np.ones(2), 6)


def rational(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return 1 - np.exp((1 / (p @ C.T)).sum(axis=1) - 0.25 * np.log(n))


def test_a_rational_law_is_found_and_projected() -> None:
    fitted = fit_predictor("rational", planted(rational, 2, steps=8))
    size = np.full(len(P), 10_000)
    np.testing.assert_allclose(fitted.predict(P, size), rational(P, size), atol=2e-3)
    np.testing.assert_allclose(fitted.law.log_size, -0.25, atol=0.01)


def test_fitted_again_it_is_the_law_of_the_other_data() -> None:
    first = fit_predictor("rational", planted(rational, 2, steps=8))
    other = planted(lambda p, n: rational(p, n) - 0.05 * p[:, 0], 2, steps=8)
    again, fresh = refit_rational(first.law, other), fit_predictor("rational", other)
    size = np.full(len(P), 3000)
    found = again.accuracy(P, size, np.zeros(len(P)))
    np.testing.assert_allclose(found, fresh.predict(P, size), atol=1e-3)
    assert np.abs(found - first.predict(P, size)).max() > 0.01


def test_its_gradient_agrees_with_differences() -> None:
    fitted = fit_predictor("rational", planted(rational, 2, steps=8))
    size = np.full(len(P), 3000)
    found = by_differences(lambda p: fitted.predict(p, size), P)
    np.testing.assert_allclose(fitted.gradient(P, size), found, atol=1e-6)


def test_a_perfect_accuracy_has_a_finite_logarithm() -> None:
    fitted = fit_predictor("rational", planted(lambda p, n: np.ones(len(n)), 2))
    assert np.isfinite(fitted.predict(P, np.full(len(P), 10))).all()
