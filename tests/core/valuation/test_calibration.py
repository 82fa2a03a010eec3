"""Settings chosen on held-out validation images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError
from core.evaluation import detection_curve
from core.valuation import CalibrationConfig, LavaConfig, calibrate, split_in_halves, too_small
from core.valuation import value_lava as value

QUICK = CalibrationConfig(repeats=3, label_weights=(0.5,), epsilon_shares=(0.05,))


def classes(n: int, seed: int, v: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(0, 2.0, (v, 8))
    labels = np.arange(n) % v
    return (centers[labels] + rng.standard_normal((n, 8))).astype(np.float32), labels


@pytest.fixture(scope="module")
def calibration() -> object:
    y, y_labels = classes(240, 0)
    parts = split_in_halves(y, y_labels, most=240, repeats=3, rng=np.random.default_rng(0))
    return calibrate(parts, 4, LavaConfig(), config=QUICK)


def test_wrong_labels_are_found_at_least_as_well_as_by_the_published_settings(
    calibration: object,
) -> None:
    rng = np.random.default_rng(5)
    x, labels = classes(600, 1)
    wrong = rng.random(600) < 0.3
    labels = np.where(wrong, (labels + rng.integers(1, 4, 600)) % 4, labels)
    y, y_labels = classes(240, 0)
    config = LavaConfig(**calibration.settings, fusion=calibration.fusion)  # type: ignore[attr-defined]
    fused = value(x, labels, y, y_labels, 4, config)
    published = value(x, labels, y, y_labels, 4)
    ours, theirs = (detection_curve(run.value, wrong) for run in (fused, published))
    assert ours.auroc >= theirs.auroc
    assert ours.average_precision >= theirs.average_precision
    assert set(fused.columns["likely_fault"][wrong]) >= {"wrong label"}
    assert fused.details["fusion"]["shares"][0] == max(fused.details["fusion"]["shares"])


def test_the_expected_quality_names_every_kind(calibration: object) -> None:
    expected = calibration.expected  # type: ignore[attr-defined]
    assert list(expected) == ["wrong label", "noise", "irrelevant", "all faults"]
    assert all(0.5 < item.auroc <= 1 for item in expected.values())
    assert all(0.1 < item.average_precision <= 1 for item in expected.values())


def test_the_same_seed_gives_the_same_answer(calibration: object) -> None:
    y, y_labels = classes(240, 0)
    parts = split_in_halves(y, y_labels, most=240, repeats=3, rng=np.random.default_rng(0))
    again = calibrate(parts, 4, LavaConfig(), config=QUICK)
    assert again.settings == calibration.settings  # type: ignore[attr-defined]
    assert again.fusion == calibration.fusion  # type: ignore[attr-defined]


def test_what_the_user_set_stays() -> None:
    y, y_labels = classes(240, 0)
    parts = split_in_halves(y, y_labels, most=240, repeats=3, rng=np.random.default_rng(0))
    base = LavaConfig(epsilon=0.7, label_weight=2.0, p=1, label_distance_kind="validation")
    names = ("epsilon", "label_weight", "p", "label_distance_kind")
    found = calibrate(parts, 4, base, fixed=names, config=replace(QUICK, repeats=2))
    assert found.settings == {name: getattr(base, name) for name in names}


def test_published_settings_are_kept_where_nothing_is_clearly_better() -> None:
    y, y_labels = classes(240, 0)
    parts = split_in_halves(y, y_labels, most=240, repeats=3, rng=np.random.default_rng(0))
    found = calibrate(parts, 4, LavaConfig(), config=replace(QUICK, least_gain=1.0))
    assert found.settings["label_weight"] == 1.0
    assert found.settings["epsilon"] == 0.1
    assert found.settings["label_distance_kind"] == "training"


def test_a_small_validation_set_is_refused_with_the_number_that_it_needs() -> None:
    assert "200" in too_small(np.zeros(20, np.int64))
    assert "two validation classes" in too_small(np.zeros(500, np.int64))
    assert too_small(np.arange(500) % 5) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"repeats": 1},
        {"fewest_images": 0},
        {"fewest_a_class": 1},
        {"most_images": 10},
        {"held_out": 1.0},
        {"nominal_share": 0.0},
        {"ridge": 0.0},
        {"label_weights": (0.5, -1.0)},
        {"epsilon_shares": (0.0,)},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        CalibrationConfig(**wrong)  # type: ignore[arg-type]


def test_nothing_held_out_is_an_error() -> None:
    with pytest.raises(ConfigError, match="held-out"):
        calibrate([], 3, LavaConfig())
