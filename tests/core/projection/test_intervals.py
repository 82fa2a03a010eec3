from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError
from core.projection import Intervals, fit_intervals, fit_predictor
from core.projection.intervals import noise_of_training, resampled
from tests.core.projection.planted import Bowl, planted, saturating
from tests.core.projection.test_saturating import SHARES, law_of_classes, measured_by_class

P = np.random.default_rng(8).dirichlet(np.ones(3), 40)
FAR = np.full(40, 10_000)


def test_most_accuracies_to_come_lie_inside() -> None:
    inside = []
    for seed in range(3):
        table = planted(saturating, noise=0.02, repeats=3, seed=seed)
        intervals = fit_intervals(fit_predictor("saturating", table), table, draws=24)
        low, high = intervals.interval(P, FAR)
        rng = np.random.default_rng(100 + seed)
        actual = saturating(P, FAR) + 0.02 * np.sqrt(500 / FAR) * rng.standard_normal(40)
        inside.append((low <= actual) & (actual <= high))
    assert np.mean(inside) > 0.8


def test_less_noise_makes_narrower_intervals() -> None:
    widths = []
    for noise in (0.002, 0.03):
        table = planted(saturating, noise=noise, repeats=3)
        intervals = fit_intervals(fit_predictor("saturating", table), table, draws=16)
        low, high = intervals.interval(P, FAR)
        widths.append((high - low).mean())
    assert widths[0] < widths[1] / 2


def test_a_higher_level_is_wider_around_the_same_middle() -> None:
    table = planted(saturating, noise=0.01)
    fitted = fit_predictor("saturating", table)
    intervals = fit_intervals(fitted, table, draws=8)
    narrow, wide = intervals.interval(P, FAR, 0.5), intervals.interval(P, FAR, 0.95)
    assert (wide[0] < narrow[0]).all()
    assert (wide[1] > narrow[1]).all()
    np.testing.assert_allclose(sum(wide) / 2, fitted.predict(P, FAR))


@pytest.mark.parametrize("name", ["linear", "projektor-cs"])
def test_other_predictors_have_intervals_as_well(name: str) -> None:
    table = planted(saturating, noise=0.01)
    fitted = fit_predictor(name, table, distance=Bowl())
    intervals = fit_intervals(fitted, table, distance=Bowl(), draws=8)
    low, high = intervals.interval(P, FAR)
    assert (low < high).all()


def test_classes_have_wider_intervals_around_their_own_accuracies() -> None:
    law, exact = law_of_classes(), measured_by_class()
    noise = 0.03 * np.random.default_rng(4).standard_normal(exact.per_class.shape)
    by_class = (exact.per_class + noise * np.sqrt(500 / exact.n)[:, None]).clip(0, 1)
    table = replace(exact, per_class=by_class, accuracy=by_class.mean(axis=1))
    fitted = fit_predictor("saturating", table, classes=SHARES)
    intervals = fit_intervals(fitted, table, classes=SHARES, draws=12)
    p, far = P[:6], FAR[:6]
    ends, middle = intervals.per_class(p, far), fitted.per_class(p, far)
    assert ends is not None
    assert middle is not None
    np.testing.assert_allclose((ends[0] + ends[1]) / 2, middle)
    truth = law.by_group(p, far)
    assert ((ends[0] <= truth) & (truth <= ends[1])).mean() > 0.7
    low, high = intervals.interval(p, far)
    assert ((ends[1] - ends[0]).mean(axis=1) > high - low).all()
    wider = intervals.per_class(p, far, 0.99)
    assert wider is not None
    assert (wider[0] < ends[0]).all()


def test_laws_without_classes_have_no_intervals_of_classes() -> None:
    table = planted(saturating, noise=0.01)
    intervals = fit_intervals(fit_predictor("linear", table), table, draws=4)
    assert intervals.per_class(P, FAR) is None


def test_a_law_that_cannot_fit_is_stretched() -> None:
    def bent(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.5 + 0.4 * np.sin(9 * p[:, 0])

    table = planted(bent, noise=0.001)
    assert fit_intervals(fit_predictor("linear", table), table, draws=16).stretch > 1


def test_intervals_are_the_same_after_they_were_kept() -> None:
    table = planted(saturating, noise=0.01)
    fitted = fit_predictor("saturating", table)
    kept = fit_intervals(fitted, table, draws=4)
    again = Intervals.from_dict(kept.to_dict(), fitted)
    np.testing.assert_array_equal(again.deviation(P, FAR), kept.deviation(P, FAR))


def test_noise_is_found_from_repeats() -> None:
    table = planted(saturating, noise=0.02, repeats=20)
    assert noise_of_training(table) == pytest.approx(0.02 * np.sqrt(500), rel=0.1)
    assert noise_of_training(planted(saturating, repeats=1)) > 0


def test_resampling_keeps_sizes_and_repeats_of_a_mixture_together() -> None:
    table = planted(saturating, repeats=2)
    sample = resampled(table, np.random.default_rng(0))
    assert len(sample) == len(table)
    _, counts = np.unique(np.column_stack([sample.p, sample.n]), axis=0, return_counts=True)
    assert (counts % 2 == 0).all()
    assert len(counts) < len(table) / 2


def test_a_single_mixture_can_be_asked_about() -> None:
    table = planted(saturating, 1, steps=1, noise=0.01)
    intervals = fit_intervals(fit_predictor("saturating", table), table, draws=4)
    low, high = intervals.interval(np.ones((1, 1)), np.array([5000]))
    assert low[0] < high[0]


def test_levels_and_draws_out_of_range_are_refused() -> None:
    table = planted(saturating)
    fitted = fit_predictor("linear", table)
    with pytest.raises(ConfigError, match="level"):
        fit_intervals(fitted, table, draws=2).interval(P, FAR, 1.0)
    with pytest.raises(ConfigError, match="two resampled"):
        fit_intervals(fitted, table, draws=1)
