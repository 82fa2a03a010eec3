from __future__ import annotations

import numpy as np

from core.projection.least_squares import fit_linear_law


def test_coefficients_that_are_determined_are_found() -> None:
    columns = np.random.default_rng(0).standard_normal((20, 3))
    found = fit_linear_law(columns, columns @ [1.0, -2, 3], 3)
    np.testing.assert_allclose(found.coefficients, [1, -2, 3], rtol=1e-9)
    assert not found.regularized
    assert found.residual < 1e-9


def test_fewer_rows_than_parameters_are_regularized_and_stay_near_the_data() -> None:
    columns = np.random.default_rng(1).standard_normal((3, 6))
    target = np.array([0.5, 0.6, 0.7])
    found = fit_linear_law(columns, target, 6)
    assert found.regularized
    np.testing.assert_allclose(columns @ found.coefficients, target, atol=0.01)


def test_columns_that_depend_on_each_other_by_nature_are_not_regularized() -> None:
    p = np.random.default_rng(2).dirichlet(np.ones(3), 10)
    columns = np.hstack([np.ones((10, 1)), p])
    found = fit_linear_law(columns, p @ [0.2, 0.4, 0.6], 3)
    assert not found.regularized
    np.testing.assert_allclose(columns @ found.coefficients, p @ [0.2, 0.4, 0.6], atol=1e-12)
