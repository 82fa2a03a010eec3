from __future__ import annotations

import numpy as np

from core.projection.damped import minimize_squares


def rosenbrock(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = theta
    return np.array([1 - a, 10 * (b - a**2)]), np.array([[-1, 0], [-20 * a, 10]])


def test_the_bottom_of_a_bent_valley_is_found() -> None:
    found = minimize_squares(rosenbrock, np.array([-1.2, 1.0]), most_steps=200)
    np.testing.assert_allclose(found.parameters, [1, 1], rtol=1e-4)
    assert found.squares < 1e-8


def test_a_step_into_nothing_is_taken_back() -> None:
    def edge(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Beyond 2 there is no value; the full step from 0 would go to 3.
        value = theta - 3 if theta[0] <= 2 else np.array([np.nan])
        return value, np.eye(1)

    found = minimize_squares(edge, np.zeros(1))
    assert 0 < found.parameters[0] <= 2
    assert np.isfinite(found.squares)


def test_a_start_at_the_bottom_stays() -> None:
    found = minimize_squares(rosenbrock, np.ones(2))
    np.testing.assert_allclose(found.parameters, [1, 1])
