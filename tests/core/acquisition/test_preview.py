from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.acquisition import (
    Offer,
    example_folder,
    preview_projection,
    read_mixture,
    run_projection,
)
from core.errors import ConfigError, DataError
from tests.core.acquisition.offers import NAMES, small_spec, spec_of_pictures, write_embeddings


def test_what_is_said_before_is_what_is_done(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    said = preview_projection(spec, tmp_path / "home")
    record = run_projection(spec, tmp_path / "home")[0].record
    assert (said.models, said.skipped) == (record.models, record.skipped)
    assert said.scales == record.scales == (20, 40, 80)
    assert said.mixtures == 4
    assert said.embedder == record.embedder == "precomputed"
    assert (said.validation_images, said.test_images) == (60, 120)
    assert said.compared
    assert [one.sentence for one in said.findings] == [one.sentence for one in record.findings]
    assert said.usable


def test_each_pilot_says_what_it_shows_and_lacks(tmp_path: Path) -> None:
    said = preview_projection(small_spec(tmp_path), tmp_path)
    assert [pilot.name for pilot in said.pilots] == list(NAMES)
    assert [pilot.images for pilot in said.pilots] == [90, 90, 90]
    assert [pilot.classes for pilot in said.pilots] == [3, 2, 3]
    assert [pilot.missing for pilot in said.pilots] == [(), ("coat",), ()]
    assert said.classes == 3


def test_pictures_are_checked_when_they_are_embedded(tmp_path: Path) -> None:
    said = preview_projection(read_mixture(example_folder() / "mixture.toml"), tmp_path)
    assert said.embedder == "convnet"
    assert not said.compared
    assert said.findings == ()
    assert said.usable
    assert (said.models, said.skipped) == (153, 27)  # as the bundled projection's record has it
    assert said.mixtures * len(said.scales) * 3 - said.skipped == said.models
    assert not list(tmp_path.iterdir())


def test_a_class_of_pictures_that_the_validation_set_lacks_is_told_before_they_are_embedded(
    tmp_path: Path,
) -> None:
    said = preview_projection(spec_of_pictures(tmp_path), tmp_path / "home")
    assert not said.compared
    assert said.usable
    (found,) = said.findings
    assert (found.kind, found.severity) == ("unmeasured-class", "warning")
    assert 'no image of "hat"' in found.sentence
    assert [pilot.missing for pilot in said.pilots] == [(), ()]


def test_half_of_the_validation_set_is_held_out_where_no_test_set_is_given(tmp_path: Path) -> None:
    said = preview_projection(small_spec(tmp_path, test=None), tmp_path)
    assert (said.validation_images, said.test_images) == (30, 30)
    assert "half of the validation set" in said.note


def test_accuracies_of_ones_own_are_counted_and_nothing_is_trained(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    rows = [{"good": n, "narrow": n, "wrong": 0, "accuracy": 0.5} for n in (10, 20, 20)]
    pd.DataFrame(rows).to_csv(table, index=False)
    spec = small_spec(tmp_path, table=str(table), scales=(), points=None)
    said = preview_projection(spec, tmp_path)
    assert said.from_table
    assert (said.models, said.mixtures, said.scales) == (3, 1, (20, 40))
    # Nothing is measured here, so nothing is held out for it, not even of one image a class.
    few = write_embeddings(tmp_path / "few.npz", 3, 10)
    said = preview_projection(replace(spec, validation=few, test=None), tmp_path)
    assert said.validation_images == 3
    assert not said.note


def test_more_models_and_larger_networks_take_longer(tmp_path: Path) -> None:
    spec = read_mixture(example_folder() / "mixture.toml")
    usual = preview_projection(spec, tmp_path).seconds
    assert preview_projection(replace(spec, repeats=9), tmp_path).seconds > usual
    small = preview_projection(replace(spec, learner="convnet"), tmp_path).seconds
    large = preview_projection(replace(spec, learner="resnet-18"), tmp_path).seconds
    assert usual < small < large


def test_embeddings_of_two_models_are_named_before_anything_is_embedded(tmp_path: Path) -> None:
    wide = str(tmp_path / "wide.npz")
    np.savez(wide, embeddings=np.ones((40, 9), dtype=np.float32), labels=np.arange(40) % 3)
    spec = small_spec(tmp_path)
    spec = replace(spec, sources=(*spec.sources, Offer(name="wide", pilot=wide)))
    with pytest.raises(DataError, match=r"have 6 numbers each.*have 9|have 9.*have 6"):
        preview_projection(spec, tmp_path)


@pytest.mark.parametrize("settings", [{"learner": "convnet"}, {"embedder": "convnet"}])
def test_embeddings_alone_are_refused_where_pictures_are_needed(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with pytest.raises(DataError, match=r"it has no pictures, which the (learner|embedder) '"):
        preview_projection(small_spec(tmp_path, **settings), tmp_path)


def test_sizes_that_no_pilot_fills_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too small for 5,000 images"):
        preview_projection(small_spec(tmp_path, scales=(5000,)), tmp_path)


def test_a_size_that_no_pilot_fills_is_told_of_beside_those_that_are_trained(
    tmp_path: Path,
) -> None:
    said = preview_projection(small_spec(tmp_path, scales=(20, 5000)), tmp_path)
    assert (said.scales, said.mixtures) == ((20, 5000), 4)
    assert (said.models, said.skipped) == (8, 8)


def test_what_shares_no_class_with_the_validation_set_is_refused(tmp_path: Path) -> None:
    other = str(tmp_path / "other.npz")
    np.savez(
        other,
        embeddings=np.ones((40, 6), dtype=np.float32),
        labels=np.zeros(40, dtype=np.int64),
        class_names=np.array(["ship"]),
    )
    spec = replace(small_spec(tmp_path), sources=(Offer(name="other", pilot=other),))
    with pytest.raises(DataError, match="No pilot has a class that the validation set has"):
        preview_projection(spec, tmp_path)


def test_a_pilot_that_is_not_there_is_named_by_its_source(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "validation.npz", 60, 10)
    spec = replace(small_spec(tmp_path), sources=(Offer(name="gone", pilot="/none/at/all"),))
    with pytest.raises(DataError, match='Source "gone"'):
        preview_projection(spec, tmp_path)
