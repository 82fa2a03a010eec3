from __future__ import annotations

import numpy as np
import pytest

from core.projection import ClassShares, Measured, fit_predictor, fitted_from_json
from core.projection.saturating import CHOICES, cells_of, choices_for
from core.projection.saturating_law import SaturatingLaw, Shape, jacobian
from tests.core.projection.planted import by_differences, planted, saturating

P = np.random.default_rng(7).dirichlet(np.ones(3), 6)
FAR = np.full(6, 10_000)
SHARES = ClassShares(
    group=np.arange(4),
    sources=np.array([[0.49, 0.49, 0.01, 0.01], [0.01, 0.01, 0.49, 0.49], [0.25] * 4]),
    validation=np.full(4, 0.25),
)


def law_of_classes(blocks: tuple[str, ...] = ("shares",)) -> SaturatingLaw:
    shape = Shape(
        blocks=blocks,
        center=np.full(3, 1 / 3),
        scale=np.full(3, 0.3),
        classes=SHARES,
        guessing=0.25,
    )
    theta = np.concatenate(
        [[-0.1, 4.5, 0.8, 0.6], [-0.3, 0.0, 0.4], [-2, -2.5, -3, -2], [0.2, -0.2, 0.1, 0]]
    )
    return SaturatingLaw(shape=shape, theta=theta)


def measured_by_class() -> Measured:
    law = law_of_classes()
    table = planted(lambda p, n: law.accuracy(p, n, np.zeros(len(n))))
    return Measured(
        p=table.p,
        n=table.n,
        repeat=table.repeat,
        accuracy=table.accuracy,
        per_class=law.by_group(table.p, table.n),
    )


def test_a_law_that_levels_off_is_projected_within_a_point() -> None:
    fitted = fit_predictor("saturating", planted(saturating, noise=0.01))
    np.testing.assert_allclose(fitted.predict(P, FAR), saturating(P, FAR), atol=0.01)


def test_a_log_linear_law_is_not() -> None:
    """The point of the default: growth with log N without end misses by far more."""
    linear = fit_predictor("linear", planted(saturating))
    assert np.abs(linear.predict(P, FAR) - saturating(P, FAR)).mean() > 0.05


def test_rare_classes_are_projected_within_a_point() -> None:
    fitted = fit_predictor("saturating", measured_by_class(), classes=SHARES)
    truth = law_of_classes()
    np.testing.assert_allclose(
        fitted.predict(P, FAR), truth.accuracy(P, FAR, np.zeros(6)), atol=0.01
    )
    by_class = fitted.per_class(P, FAR)
    assert by_class is not None
    np.testing.assert_allclose(by_class, truth.by_group(P, FAR), atol=0.04)


def test_without_class_shares_nothing_is_said_of_classes() -> None:
    assert fit_predictor("saturating", measured_by_class()).per_class(P, FAR) is None


def test_laws_that_do_not_see_classes_are_left_out_where_sources_differ() -> None:
    alike = ClassShares(
        group=SHARES.group, sources=np.full((3, 4), 0.25), validation=SHARES.validation
    )
    assert all(choice.use_classes for choice in choices_for(SHARES))
    assert not any(choice.use_classes for choice in choices_for(None))
    assert len(choices_for(alike)) == len(CHOICES)


def test_derivatives_by_the_parameters_agree_with_differences() -> None:
    law = law_of_classes()
    inputs, n = law.shape.inputs(P), np.array([50, 200, 500, 1000, 3000, 10_000])
    _, exact = jacobian(law.shape, law.theta, inputs, n)
    for place in range(law.shape.size):
        step = np.zeros(law.shape.size)
        step[place] = 1e-6
        above, _ = jacobian(law.shape, law.theta + step, inputs, n)
        below, _ = jacobian(law.shape, law.theta - step, inputs, n)
        np.testing.assert_allclose(exact[:, :, place], (above - below) / 2e-6, atol=1e-7)


def test_the_gradient_of_a_law_of_classes_agrees_with_differences() -> None:
    law, n = law_of_classes(), np.array([50, 200, 500, 1000, 3000, 10_000])
    nothing = np.zeros(6)
    found = by_differences(lambda p: law.accuracy(p, n, nothing), P)
    np.testing.assert_allclose(law.gradient(P, n, nothing, P), found, atol=1e-7)


def test_a_fit_with_classes_is_the_same_after_it_was_kept() -> None:
    fitted = fit_predictor("saturating", measured_by_class(), classes=SHARES)
    again = fitted_from_json(fitted.to_json())
    np.testing.assert_array_equal(again.predict(P, FAR), fitted.predict(P, FAR))
    np.testing.assert_array_equal(again.per_class(P, FAR), fitted.per_class(P, FAR))


def test_classes_that_validation_lacks_do_not_count() -> None:
    table = measured_by_class()
    assert table.per_class is not None
    per_class = table.per_class.copy()
    per_class[:, 3] = np.nan
    lacking = Measured(
        p=table.p, n=table.n, repeat=table.repeat,
        accuracy=per_class[:, :3].mean(axis=1), per_class=per_class,
    )  # fmt: skip
    shares = ClassShares(
        group=SHARES.group, sources=SHARES.sources, validation=np.array([1 / 3, 1 / 3, 1 / 3, 0])
    )
    fitted = fit_predictor("saturating", lacking, classes=shares)
    truth = law_of_classes().by_group(P, FAR)[:, :3].mean(axis=1)
    np.testing.assert_allclose(fitted.predict(P, FAR), truth, atol=0.015)


def test_groups_of_classes_take_the_mean_of_their_classes() -> None:
    shares = ClassShares(
        group=np.array([0, 0, 1]),
        sources=np.array([[0.25, 0.5]]),
        validation=np.array([0.5, 0.5]),
    )
    table = Measured(
        p=np.ones((1, 1)), n=np.array([100]), repeat=np.zeros(1, dtype=np.int64),
        accuracy=np.array([0.5]), per_class=np.array([[0.2, 0.4, np.nan]]),
    )  # fmt: skip
    found = cells_of(table, shares).per_class
    np.testing.assert_allclose(found, [[0.3, np.nan]])


def test_identical_sources_make_no_difference() -> None:
    def same(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return saturating(np.ones((len(p), 1)), n)

    fitted = fit_predictor("saturating", planted(same))
    found = fitted.predict(P, FAR)
    assert np.ptp(found) < 1e-3


def test_one_size_says_that_growth_is_assumed() -> None:
    fitted = fit_predictor("saturating", planted(saturating, sizes=(400,)))
    assert any("Only one size" in note for note in fitted.facts.notes)
    known = np.full(6, 400)
    np.testing.assert_allclose(fitted.predict(P, known), saturating(P, known), atol=0.01)


def test_two_sizes_say_that_saturation_is_mostly_assumed() -> None:
    fitted = fit_predictor("saturating", planted(saturating, sizes=(400, 800)))
    assert any("two sizes" in note for note in fitted.facts.notes)


@pytest.mark.parametrize("rows", [1, 3])
def test_fewer_points_than_parameters_still_answer(rows: int) -> None:
    fitted = fit_predictor("saturating", planted(saturating).take(np.arange(rows)))
    assert fitted.facts.regularized
    assert np.isfinite(fitted.predict(P, FAR)).all()


def test_weights_say_which_law_the_data_support() -> None:
    facts = fit_predictor("saturating", planted(saturating, noise=0.01)).facts
    assert sum(facts.values["weights"].values()) == pytest.approx(1)
    kept = {title: weight for title, weight in facts.values["weights"].items() if weight > 0}
    best = max(kept, key=kept.__getitem__)
    assert facts.notes[0] == (
        f"A mean of {len(kept)} laws; the one on {best}, which predicted the largest trained "
        f"sizes best from the smaller ones, weighs {100 * kept[best]:.0f} %."
    )
