from __future__ import annotations

import json

import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.projection import PREDICTORS, fit_predictor, fitted_from_json
from tests.core.projection.planted import Bowl, by_differences, planted, saturating

P = np.random.default_rng(6).dirichlet(np.ones(3), 5)
N = np.array([300, 1000, 3000, 7000, 10_000])


@pytest.fixture(scope="module", params=list(PREDICTORS))
def fitted(request: pytest.FixtureRequest):
    return fit_predictor(request.param, planted(saturating), distance=Bowl())


def test_every_predictor_fits_what_it_was_shown(fitted) -> None:
    table = planted(saturating)
    rows = table.n == 800
    miss = fitted.predict(table.p[rows], table.n[rows]) - table.accuracy[rows]
    assert np.abs(miss).mean() < 0.1


def test_the_gradient_of_every_predictor_agrees_with_differences(fitted) -> None:
    found = by_differences(lambda p: fitted.predict(p, N), P)
    np.testing.assert_allclose(fitted.gradient(P, N), found, atol=1e-5)


def test_every_fit_is_the_same_after_it_was_kept(fitted) -> None:
    again = fitted_from_json(fitted.to_json(), distance=Bowl())
    np.testing.assert_array_equal(again.predict(P, N), fitted.predict(P, N))
    assert again.facts == fitted.facts
    assert json.loads(fitted.to_json())["predictor"] == fitted.predictor


def test_one_ratio_is_asked_about_at_every_size(fitted) -> None:
    found = fitted.predict(P[0], N)
    np.testing.assert_allclose(found, fitted.predict(np.tile(P[0], (5, 1)), N))


def test_questions_that_do_not_fit_are_refused(fitted) -> None:
    with pytest.raises(DataError, match="3 sources"):
        fitted.predict(np.array([0.5, 0.5]), np.array([100]))
    with pytest.raises(DataError, match="one size a ratio"):
        fitted.predict(P, N[:2])
    with pytest.raises(DataError, match="one training image"):
        fitted.predict(P[0], np.array([0]))


@pytest.mark.parametrize("name", list(PREDICTORS))
@pytest.mark.parametrize("m", [1, 2])
def test_few_sources_are_no_obstacle(name: str, m: int) -> None:
    fitted = fit_predictor(name, planted(saturating, m), distance=Bowl())
    p = np.full((3, m), 1 / m)
    assert np.isfinite(fitted.predict(p, N[:3])).all()


def test_what_needs_a_distance_says_so() -> None:
    table = planted(saturating)
    with pytest.raises(ConfigError, match="missing"):
        fit_predictor("projektor-pq", table)
    kept = fit_predictor("projektor-cs", table, distance=Bowl()).to_json()
    with pytest.raises(ConfigError, match="missing"):
        fitted_from_json(kept)


def test_an_unknown_predictor_and_a_broken_fit_are_explained() -> None:
    with pytest.raises(ConfigError, match="no predictor 'oracle'"):
        fit_predictor("oracle", planted(saturating))
    with pytest.raises(ConfigError, match="cannot be read"):
        fitted_from_json("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        fitted_from_json('{"predictor": "linear"}')
