"""Which settings a run uses, and what is held out to choose them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages, open_source
from core.embedding import EMBEDDERS, ConvnetConfig, embed_pair
from core.progress import silent
from core.runs import ValueSpec, settings
from core.runs.settings import choose_settings, resolved, with_noise
from core.valuation import CalibrationConfig, LavaConfig, PosteriorConfig
from tests.factories import make_images

SPEC = ValueSpec(train="sample:train", validation="sample:val", embedder="convnet")


def pictures(folder: Path, n: int, v: int = 3) -> LabelledImages:
    """A folder of `n` pictures, opened as a user's."""
    make_images(folder, n, v, seed=n)
    return open_source(str(folder))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A convnet that trains in no time, and a calibration on few images."""
    config = ConvnetConfig(widths=(4, 8), epochs=1, batch=16)
    monkeypatch.setitem(EMBEDDERS, "convnet", replace(EMBEDDERS["convnet"], config=config))
    few = CalibrationConfig(repeats=2, most_images=20, fewest_images=60)
    monkeypatch.setattr(settings, "CalibrationConfig", lambda: few)


def test_settings_are_recorded_as_they_were_used() -> None:
    found = resolved(SPEC, LavaConfig(epsilon=0.3, label_weight=2.0, p=1))
    assert (found.epsilon, found.label_weight, found.p) == (0.3, 2.0, 1)
    assert found.label_distance_kind == "training"


def test_a_method_without_weights_is_recorded_as_features_alone() -> None:
    """A weight that it does not know could have been 0: recorded, both would be."""
    spec = replace(SPEC, method="label-posterior", feature_weight=0.0)
    found = resolved(spec, PosteriorConfig())
    assert (found.feature_weight, found.label_weight) == (1.0, 0.0)


def test_noise_leaves_ids_and_labels_and_changes_every_picture(tmp_path: Path) -> None:
    data = pictures(tmp_path, 6, 2)
    noisy = with_noise(data, np.random.default_rng(0))
    assert noisy.ids.tolist() == data.ids.tolist()
    np.testing.assert_array_equal(noisy.labels, data.labels)
    assert noisy.images is not None
    for row in range(6):
        before, after = (
            np.asarray(part.images.decode(row).convert("L"), dtype=float)  # type: ignore[union-attr]
            for part in (data, noisy)
        )
        assert 20 < np.abs(after - before).mean() < 128


def test_of_a_large_set_only_the_pictures_that_are_used_get_noise(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def counted(data: LabelledImages, rng: np.random.Generator) -> LabelledImages:
        counts.append(len(data))
        return with_noise(data, rng)

    monkeypatch.setattr(settings, "with_noise", counted)
    train, validation = pictures(tmp_path / "train", 12), pictures(tmp_path / "val", 90)
    pair = embed_pair(train, validation, "convnet", cache_dir=None)
    found = choose_settings(SPEC, pair, cache_dir=None, progress=silent)
    assert found.used == "calibrated"
    assert found.found["warning"] == ""
    # Of those held out, of those kept, and of the set in the run's own space.
    assert counts == [10, 10, 10]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"settings": "published"}, "asked for"),
        ({"method": "sava"}, "the method SAVA has no settings to calibrate"),
        ({"feature_weight": 0.0}, "the features have no weight"),
        ({}, "the validation set has 30 images; calibration needs 60"),
    ],
)
def test_published_settings_say_why(
    tmp_path: Path, tiny: None, change: dict[str, object], why: str
) -> None:
    train, validation = pictures(tmp_path / "train", 12), pictures(tmp_path / "val", 30)
    pair = embed_pair(train, validation, "convnet", cache_dir=None)
    spec = replace(SPEC, **change)  # type: ignore[arg-type]
    found = choose_settings(spec, pair, cache_dir=None, progress=silent)
    assert (found.used, found.why) == ("published", why)
    assert not found.settings
