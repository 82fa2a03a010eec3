from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corruption import FAULTS, Corrupted, PlantedFault, corrupt, without_classes
from core.datasets import LabelledImages, decode_batches
from core.errors import Cancelled, ConfigError, DataError
from tests.core.corruption.sets import KINDS, pictures, pixels, shuffled, vectors, written

ROOT = Path(__file__).resolve().parents[3]
MIXED = (
    PlantedFault("noisy-labels", 0.1),
    PlantedFault("noisy-features", 0.1),
    PlantedFault("trojan-square", 0.1),
    PlantedFault("irrelevant", 0.05),
    PlantedFault("near-duplicates", 0.05),
    PlantedFault("exact-duplicates", 0.05),
)
WITHOUT_NETWORK = [name for name, fault in FAULTS.items() if not fault.needs_network]


def planted(data: LabelledImages, *texts: str, seed: int = 0) -> Corrupted:
    return corrupt(data, [PlantedFault.parse(text) for text in texts], seed=seed)


def by_id(data: LabelledImages) -> dict[str, tuple[str, bytes]]:
    """Return class and pixels of each image."""
    return {
        str(image_id): (data.class_names[data.labels[row]], pixels(data, row).tobytes())
        for row, image_id in enumerate(data.ids)
    }


def test_faults_planted_together_are_in_different_images_and_in_the_shares_asked_for() -> None:
    truth = corrupt(pictures(), MIXED, seed=3).truth
    assert truth["planted"].value_counts().to_dict() == {
        "noisy-labels": 20,
        "noisy-features": 20,
        "trojan-square": 20,
        "irrelevant": 10,
        "near-duplicates": 10,
        "exact-duplicates": 10,
    }
    touched = truth["original"].fillna(truth["id"])
    assert touched.is_unique
    assert truth["id"].is_unique


def test_truth_names_exactly_what_differs_from_the_set_as_it_was() -> None:
    data = pictures()
    result = corrupt(data, MIXED, seed=1)
    before, after = by_id(data), by_id(result.data)
    faulty = set(result.truth["id"])
    assert {name for name in after if before.get(name) != after[name]} == faulty
    for row in result.truth.itertuples():
        assert after[row.id][0] == row.given_label
        origin = row.id if pd.isna(row.original) else row.original
        assert before[origin][0] == row.clean_label


def test_the_given_set_and_its_files_stay_as_they_were(tmp_path: Path) -> None:
    data = written("folder", tmp_path)
    labels, stored = data.labels.copy(), {p: p.read_bytes() for p in tmp_path.rglob("*.png")}
    result = corrupt(
        data, [PlantedFault("trojan-square", 0.5), PlantedFault("noisy-labels", 0.2)], seed=0
    )
    _ = result.data.fingerprint
    np.testing.assert_array_equal(data.labels, labels)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.png")} == stored


@pytest.mark.parametrize("name", WITHOUT_NETWORK)
def test_one_seed_plants_the_same_faults_whatever_the_order_of_rows(name: str) -> None:
    data = pictures()
    first = planted(data, name, seed=5)
    again = planted(shuffled(data), name, seed=5)
    key = ["id", "fault", "given_label"]
    pd.testing.assert_frame_equal(
        first.truth[key].sort_values("id", ignore_index=True),
        again.truth[key].sort_values("id", ignore_index=True),
    )
    assert by_id(first.data) == by_id(again.data)


@pytest.mark.parametrize("name", [name for name in WITHOUT_NETWORK if name != "imbalance"])
def test_another_seed_plants_in_other_images(name: str) -> None:
    data = pictures()
    share = "=0.1" if name != "irrelevant" else "=0.05"
    ones, others = (planted(data, f"{name}{share}", seed=seed).truth for seed in (0, 1))
    assert set(ones["id"]) != set(others["id"])


def test_a_smaller_share_is_a_part_of_a_larger_one() -> None:
    small, large = (set(planted(pictures(), f"noisy-labels={f}").truth["id"]) for f in (0.1, 0.3))
    assert small < large


def test_one_fault_twice_is_two_faults() -> None:
    result = planted(
        pictures(), "noisy-features=0.1,strength=0.5", "noisy-features=0.1,strength=0.2"
    )
    assert len(result.truth) == 40
    assert result.truth["id"].is_unique


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_takes_every_fault_that_its_content_allows(
    kind: str, tmp_path: Path
) -> None:
    data = written(kind, tmp_path)
    for name in WITHOUT_NETWORK:
        asked = [PlantedFault(name, 0.1 if name != "imbalance" else 0.5)]
        if FAULTS[name].needs_pictures and data.images is None:
            with pytest.raises(DataError, match="embeddings only"):
                corrupt(data, asked, seed=0)
            continue
        result = corrupt(data, asked, seed=0)
        assert set(result.truth["id"]) <= set(result.data.ids)
        assert set(result.truth["fault"]) == {FAULTS[name].kind}
        assert len(result.data.content) == len(result.data)


def test_unchanged_pictures_keep_their_content_and_changed_ones_do_not(tmp_path: Path) -> None:
    data = written("parquet", tmp_path)
    result = planted(data, "noisy-features=0.5", "noisy-labels=0.2")
    noisy = result.truth.loc[result.truth["fault"] == "noise", "id"]
    changed = np.isin(result.data.ids, noisy)
    np.testing.assert_array_equal(result.data.content != data.content, changed)


def test_a_set_with_pictures_and_embeddings_loses_these_only_where_pictures_change(
    tmp_path: Path,
) -> None:
    data = written("both", tmp_path)
    assert planted(data, "noisy-labels=0.2").data.embeddings is not None
    result = planted(data, "noisy-features=0.2")
    assert result.data.embeddings is None
    assert result.facts["embeddings_left_out"] is True


def test_changed_pictures_have_no_path_to_a_file_that_shows_another(tmp_path: Path) -> None:
    result = planted(written("folder", tmp_path), "trojan-square=0.2", "exact-duplicates=0.1")
    fresh = np.isin(result.data.ids, result.truth["id"])
    assert [path is None for path in result.data.paths] == fresh.tolist()


def test_a_copy_has_a_name_of_its_own_before_the_suffix() -> None:
    result = planted(pictures(), "exact-duplicates=0.01,copies=2")
    first, second = result.truth["id"][:2]
    stem = result.truth["original"][0].removesuffix(".png")
    assert (first, second) == (f"{stem}-copy-1.png", f"{stem}-copy-2.png")


def test_changed_pictures_are_embedded_like_any_others() -> None:
    result = planted(pictures(), "trojan-square=0.5,target=truck", "near-duplicates=0.1")
    (batch,) = decode_batches(result.data, 8, 3, 1000)
    assert batch.shape == (220, 3, 8, 8)
    row = int(np.flatnonzero(result.data.ids == result.truth["id"][0])[0])
    np.testing.assert_array_equal(batch[row], np.moveaxis(pixels(result.data, row), 2, 0))


def test_too_large_a_fraction_says_how_many_images_there_are() -> None:
    with pytest.raises(ConfigError, match=r"is 160; there are 100 .* Take at most 0\.5"):
        planted(pictures(), "noisy-features=0.5", "noisy-labels=0.8")


def test_a_fraction_of_less_than_one_image_is_refused() -> None:
    with pytest.raises(ConfigError, match="is not one image"):
        planted(pictures(), "noisy-labels=0.0001")


def test_nothing_to_plant_is_refused() -> None:
    with pytest.raises(ConfigError, match="no fault"):
        corrupt(pictures(), [], seed=0)


def test_a_class_that_one_fault_fills_and_another_takes_away_is_refused() -> None:
    with pytest.raises(ConfigError, match="in each other's way"):
        planted(pictures(), "irrelevant,removed=cat", "irrelevant,removed=dog")


def test_a_removed_class_is_no_longer_a_label_that_anything_gets() -> None:
    result = planted(pictures(), "noisy-labels=0.5", "irrelevant,removed=dog")
    assert result.removed_classes == ("dog",)
    assert "dog" not in result.data.class_names
    assert "dog" not in set(result.truth["given_label"])
    assert "dog" not in set(result.truth.loc[result.truth["fault"] == "wrong label", "clean_label"])


def test_work_stops_when_asked() -> None:
    def stop(stage: str, done: float, detail: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        corrupt(pictures(), MIXED, seed=0, progress=stop)


def test_without_classes_takes_images_and_names() -> None:
    left = without_classes(vectors(), ("cat", "no such class"))
    assert left.class_names == ("deer", "dog", "frog", "truck")
    assert len(left) == 160
    assert left.class_counts.tolist() == [40] * 4
    with pytest.raises(DataError, match="nothing is left"):
        without_classes(left, left.class_names)


def test_listing_faults_and_corrupting_pictures_loads_no_torch() -> None:
    code = (
        "import sys; from core.corruption import FAULTS, PlantedFault, corrupt;"
        "from core.datasets import open_source;"
        "corrupt(open_source('sample:train'), [PlantedFault('blend', 0.01)], seed=0);"
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", WITHOUT_NETWORK)
def test_the_registry_says_which_faults_change_pictures(name: str) -> None:
    data = replace(pictures(), embeddings=vectors().embeddings)
    result = corrupt(data, [PlantedFault(name, 0.1)], seed=0)
    assert (result.data.embeddings is None) == FAULTS[name].changes_pictures
    assert result.facts["embeddings_left_out"] == FAULTS[name].changes_pictures
