"""The fused score: odds, shares, invariances, and constants that survive a file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.valuation import Damage, Fusion, Signals, signals_of
from core.valuation.mislabelling import Mislabelling


def fusion(*shares: float) -> Fusion:
    """Kind 0 shows in the surprise alone, kind 1 in the distance alone."""
    weights = np.zeros((2, 11))
    weights[0, 0], weights[1, 2] = 5.0, 2.0
    return Fusion(
        unit=2.0,
        epsilon=0.24,
        center=(0.0, 0.0),
        scale=(1.0, 1.0),
        kinds=("wrong label", "noise"),
        weights=tuple(map(tuple, weights.tolist())),
        offsets=(-2.0, -2.0),
        shares=shares,
    )


def signals(surprise: list[float], distance: list[float]) -> Signals:
    return Signals(
        surprise=np.array(surprise),
        distance=np.array(distance),
        gradient=np.zeros(len(surprise)),
    )


def test_the_score_is_the_log_odds_of_the_mixture() -> None:
    seen = signals([1.0], [2.0])
    # Ratios exp(5 * 1 / 5 - 2) and exp(2 * 2 - 2), by hand.
    odds = (0.2 * np.exp(-1) + 0.1 * np.exp(2)) / 0.7
    fused = fusion(0.2, 0.1).fused(seen)
    np.testing.assert_allclose(fused.score, [np.log(odds)], rtol=1e-12)
    np.testing.assert_allclose(fused.probability, [odds / (1 + odds)], rtol=1e-12)
    np.testing.assert_array_equal(fused.kind, ["noise"])


def test_a_higher_surprise_or_distance_is_worse() -> None:
    score = fusion(0.1, 0.1).fused(signals([0.1, 3.0, 0.1], [0.0, 0.0, 2.0])).score
    assert score[0] < min(score[1], score[2])


def test_the_kind_that_the_training_set_holds_gets_the_larger_share() -> None:
    rng = np.random.default_rng(0)
    surprise = np.where(np.arange(1000) < 300, 6.0, 0.1) + 0.05 * rng.random(1000)
    found = fusion(0.1, 0.1).with_shares_of(signals(surprise.tolist(), [0.0] * 1000)).shares
    assert found[0] > 0.2
    # Not ruled out, though nothing speaks for it.
    assert 0.01 < found[1] < 0.05


@pytest.mark.parametrize("n", [10_000, 40_000])
def test_an_absent_kind_keeps_one_standard_error_of_its_share(n: int) -> None:
    found = fusion(0.1, 0.1).with_shares_of(signals([0.0] * n, [0.0] * n)).shares
    # By hand: every ratio is exp(-2), so the information of n images is n (1 - exp(-2))^2.
    error = 1 / (n**0.5 * (1 - np.exp(-2)))
    np.testing.assert_allclose(found, error, rtol=0.04)


def test_an_absent_kind_is_never_given_more_than_a_fiftieth() -> None:
    found = fusion(0.1, 0.1).with_shares_of(signals([0.0] * 50, [0.0] * 50)).shares
    assert max(found) <= 0.02


def test_shares_do_not_depend_on_where_they_start_or_on_the_order_of_the_images() -> None:
    rng = np.random.default_rng(1)
    surprise, distance = rng.exponential(2, 400), rng.normal(0, 1, 400)
    plain = fusion(0.1, 0.1).with_shares_of(signals(surprise.tolist(), distance.tolist()))
    order = rng.permutation(400)
    other = fusion(0.4, 0.01).with_shares_of(
        signals(surprise[order].tolist(), distance[order].tolist())
    )
    np.testing.assert_allclose(other.shares, plain.shares, atol=1e-4)


def test_the_gradient_does_not_change_with_a_constant_between_the_potentials() -> None:
    rng = np.random.default_rng(2)
    f, g, own = rng.normal(size=7), rng.normal(size=5), rng.random(7)
    plain = signals_of(own, own, f, g, unit=3.0)
    moved = signals_of(own, own, f + 10, g - 10, unit=3.0)
    np.testing.assert_allclose(moved.gradient, plain.gradient, atol=1e-12)


def test_a_label_of_no_probability_is_a_finite_surprise() -> None:
    seen = signals_of(np.zeros(1), np.ones(1), np.zeros(1), np.zeros(2), unit=1.0)
    assert np.isfinite(fusion(0.1, 0.1).fused(seen).score).all()


def test_the_constants_survive_json() -> None:
    given = fusion(0.2, 0.1)
    assert Fusion.from_json(json.loads(json.dumps(given.to_json()))) == given


def test_a_missing_constant_is_named() -> None:
    raw = fusion(0.2, 0.1).to_json()
    del raw["offsets"]
    with pytest.raises(KeyError, match="offsets"):
        Fusion.from_json(raw)


def test_constants_of_earlier_runs_still_score() -> None:
    raw = fusion(0.2, 0.1).to_json()
    for name in ("seen", "damage", "mislabelling"):
        del raw[name]
    seen = signals([0.1, 3.0], [0.5, 2.0])
    np.testing.assert_array_equal(
        Fusion.from_json(raw).fused(seen).score, fusion(0.2, 0.1).fused(seen).score
    )


def test_what_is_known_of_mislabelling_and_damage_survives_a_file() -> None:
    given = replace(
        fusion(0.2, 0.1),
        damage=Damage(direction=(0.5, -1.0), origin=0.25),
        mislabelling=Mislabelling(ratio=((1.0, 2.0), (0.5, 1.0)), flooded=(False, True)),
    )
    assert Fusion.from_json(json.loads(json.dumps(given.to_json()))) == given


def test_a_label_flooded_with_images_of_all_classes_makes_wrong_ones_a_backdoor() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 5, 3000)
    labels = np.where(rng.random(3000) < 0.1, 2, true)
    classes = 0.9 * np.eye(5)[true] + 0.02
    own = classes[np.arange(3000), labels]
    seen = replace(signals((-np.log(own)).tolist(), [0.0] * 3000), classes=classes, labels=labels)
    fitted = fusion(0.1, 0.1).fitted_to(seen)
    wrong = labels != true
    assert set(fitted.fused(seen).kind[wrong]) == {"backdoor"}
    plain = fusion(0.1, 0.1).with_shares_of(seen).fused(seen)
    assert set(plain.kind[wrong]) == {"wrong label"}
    assert fitted.fused(seen).score[wrong].min() > plain.score[wrong].max()
