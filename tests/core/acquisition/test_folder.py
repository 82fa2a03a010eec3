from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.acquisition import MOST_IMAGES, Projection, write_projection
from core.errors import ConfigError, RunError
from core.projection import Measured, Tangents, fit_intervals, fit_predictor, lattice
from tests.core.acquisition.test_order import record_of


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Ten mixtures at three sizes; only the share of the third source does harm."""
    p = np.tile(lattice(3, 3), (3, 1))
    n = np.repeat([50, 100, 200], 10)
    return Measured(
        p=p,
        n=n,
        repeat=np.zeros(30, dtype=np.int64),
        accuracy=0.5 + 0.05 * np.log2(n / 50) - 0.2 * p[:, 2],
        distance=1 + p[:, 2],
    )


@pytest.fixture
def written(tmp_path: Path, measured: Measured) -> Projection:
    fitted = fit_predictor("linear", measured)
    record = record_of(("a", 500, 1.0), ("b", None, 0.1), ("c", None, None))
    return write_projection(
        tmp_path / "out",
        replace(record, predictor="linear", scales=(50, 100, 200)),
        measured=measured,
        fits={"linear": fitted},
        intervals={"linear": fit_intervals(fitted, measured, draws=4)},
        tangents=Tangents(np.eye(3), np.array([[1.0, 1, 2]] * 3)),
    )


def test_what_is_written_is_read_back(written: Projection, measured: Measured) -> None:
    again = written.measured
    for name in ("p", "n", "repeat", "accuracy", "distance"):
        np.testing.assert_allclose(getattr(again, name), getattr(measured, name), rtol=1e-12)
    assert again.per_class is None
    p, n = np.array([[0.2, 0.5, 0.3]]), np.array([400])
    fitted = fit_predictor("linear", measured)
    np.testing.assert_array_equal(written.fitted().predict(p, n), fitted.predict(p, n))
    assert written.tangents.distance(p)[0] == pytest.approx(1.3)


def test_intervals_lose_nothing_that_is_seen_by_their_rounding(
    written: Projection, measured: Measured
) -> None:
    exact = fit_intervals(fit_predictor("linear", measured), measured, draws=4)
    p, n = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]), np.array([400, 5000])
    np.testing.assert_allclose(
        written.interval().interval(p, n), exact.interval(p, n), atol=1e-4, rtol=0
    )


def test_a_budget_needs_every_price(written: Projection) -> None:
    with pytest.raises(ConfigError, match='that of "c" is not known'):
        written.best(100, 50.0)
    with pytest.raises(ConfigError, match='that of "c" is not known'):
        written.best_for(50.0)
    assert written.best(100).counts.sum() == 100


def test_a_free_source_without_end_makes_a_budget_meaningless(written: Projection) -> None:
    offers = tuple(replace(one, price=0.0, capacity=None) for one in written.record.offers)
    free = Projection(written.path, replace(written.record, offers=offers))
    with pytest.raises(ConfigError, match="costs nothing and has no end"):
        free.best_for(50.0)
    with pytest.raises(ConfigError, match="images cost nothing and have no end"):
        free.best_for(50.0, fixed=np.array([0.2, np.nan, np.nan]))


@pytest.mark.parametrize("fixed", [None, np.array([0.2, np.nan, np.nan])])
def test_a_budget_that_pays_for_nearly_anything_is_answered_within_what_can_be_asked(
    written: Projection, fixed: np.ndarray | None
) -> None:
    offers = tuple(replace(one, price=1e-6, capacity=None) for one in written.record.offers)
    cheap = Projection(written.path, replace(written.record, offers=offers))
    assert cheap.best_for(1e6, fixed=fixed).n <= MOST_IMAGES


def test_what_is_fixed_may_give_a_budget_its_meaning(written: Projection) -> None:
    dear, free, other = written.record.offers
    offers = (
        replace(dear, price=0.5, capacity=None),
        replace(free, price=0.0, capacity=None),
        replace(other, price=0.0, capacity=None),
    )
    opened = Projection(written.path, replace(written.record, offers=offers))
    mix = opened.best_for(500.0, fixed=np.array([0.25, np.nan, np.nan]))
    assert mix.p[0] == 0.25
    assert mix.n <= 4001
    assert mix.cost == 0.5 * mix.counts[0] <= 500.0
    few = replace(dear, price=0.5, capacity=3), free, replace(other, price=1.0)
    opened = Projection(written.path, replace(written.record, offers=few))
    with pytest.raises(ConfigError, match="fixed at 25 %"):
        opened.best_for(500.0, fixed=np.array([0.25, np.nan, np.nan]))


def test_a_predictor_that_is_not_there_is_named(written: Projection) -> None:
    with pytest.raises(ConfigError, match="There is no predictor 'oracle'"):
        written.fitted("oracle")


def test_damaged_files_are_named(written: Projection) -> None:
    for name in ("predictors.json", "tangents.npz", "measured.parquet"):
        (written.path / name).write_bytes(b"{")
    for read in (lambda one: one.fitted(), lambda one: one.tangents, lambda one: one.table):
        with pytest.raises(RunError, match="cannot be read"):
            read(Projection(written.path, written.record))
