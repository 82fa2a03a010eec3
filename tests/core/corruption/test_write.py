from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.corruption import PlantedFault, corrupt, without_classes, write_corrupted
from core.datasets import open_source
from core.errors import Cancelled, RunError
from core.evaluation import read_truth
from tests.core.corruption.sets import KINDS, pictures, pixels, save, written

PICTURES = ("noisy-features=0.2", "trojan-square=0.1", "near-duplicates=0.1")
LABELS = ("noisy-labels=0.2", "irrelevant=0.1", "exact-duplicates=0.1")


def asked(texts: tuple[str, ...]) -> list[PlantedFault]:
    return [PlantedFault.parse(text) for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_opens_again_as_the_same_set(kind: str, tmp_path: Path) -> None:
    data = written(kind, tmp_path / "given")
    texts = LABELS if data.images is None else LABELS + PICTURES
    result = corrupt(data, asked(texts), seed=0)
    path = write_corrupted(result, tmp_path / "out")
    opened = open_source(str(path))
    assert opened.fingerprint == result.data.fingerprint
    np.testing.assert_array_equal(opened.ids, result.data.ids)
    np.testing.assert_array_equal(opened.labels, result.data.labels)
    assert opened.class_names == result.data.class_names
    if opened.images is not None:
        for row in range(len(opened)):
            np.testing.assert_array_equal(pixels(opened, row), pixels(result.data, row))
    if result.data.embeddings is not None:
        np.testing.assert_array_equal(opened.embeddings, result.data.embeddings)


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_images_keep_the_content_by_which_they_are_known(
    kind: str, tmp_path: Path
) -> None:
    data = written(kind, tmp_path / "given")
    result = corrupt(data, asked(("noisy-features=0.2", "noisy-labels=0.2")), seed=0)
    opened = open_source(str(write_corrupted(result, tmp_path / "out")))
    noisy = result.truth.loc[result.truth["fault"] == "noise", "id"]
    np.testing.assert_array_equal(opened.content != data.content, np.isin(data.ids, noisy))


def test_transparent_pictures_are_written_as_they_are_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    given = tmp_path / "given.npz"
    np.savez(
        given,
        images=rng.integers(0, 256, (20, 8, 8, 4), dtype=np.uint8),
        labels=np.repeat(["cat", "dog"], 10),
    )
    data = open_source(str(given))
    result = corrupt(data, asked(("noisy-features=0.2", "noisy-labels=0.2")), seed=0)
    opened = open_source(str(write_corrupted(result, tmp_path / "out")))
    assert opened.fingerprint == result.data.fingerprint
    noisy = result.truth.loc[result.truth["fault"] == "noise", "id"]
    np.testing.assert_array_equal(opened.content != data.content, np.isin(data.ids, noisy))


def test_truth_and_provenance_lie_beside_the_set(tmp_path: Path) -> None:
    data = written("parquet", tmp_path)
    result = corrupt(data, asked(LABELS), seed=7)
    path = write_corrupted(result, tmp_path / "out")
    assert {file.name for file in path.parent.iterdir()} == {
        "train.parquet",
        "truth.csv",
        "corruption.json",
    }
    truth = read_truth(path.parent / "truth.csv")
    assert truth["id"].tolist() == result.truth["id"].tolist()
    assert truth["fault"].tolist() == result.truth["fault"].tolist()
    about = json.loads((path.parent / "corruption.json").read_text())
    assert [PlantedFault.from_configuration(raw) for raw in about["faults"]] == asked(LABELS)
    assert about["seed"] == 7
    assert about["removed_classes"] == ["truck"]
    assert about["fingerprint"] == open_source(str(path)).fingerprint


def test_the_folder_itself_is_a_source_and_a_validation_set_may_lie_in_it(tmp_path: Path) -> None:
    data = written("folder", tmp_path / "given")
    result = corrupt(data, asked(LABELS), seed=0)
    write_corrupted(result, tmp_path / "one")
    np.testing.assert_array_equal(open_source(str(tmp_path / "one")).ids, result.data.ids)
    validation = without_classes(data, result.removed_classes)
    write_corrupted(result, tmp_path / "two", validation=validation)
    assert len(open_source(f"{tmp_path / 'two'}#train")) == len(result.data)
    assert len(open_source(f"{tmp_path / 'two'}#validation")) == len(validation) == 16


def test_a_picture_that_cannot_be_read_stays_one_under_its_name(tmp_path: Path) -> None:
    data = written("folder", tmp_path / "given")
    (tmp_path / "given" / data.ids[0]).unlink()
    (tmp_path / "given" / data.ids[1]).write_bytes(b"no picture")
    result = corrupt(data, asked(("noisy-features=1",)), seed=0)
    opened = open_source(str(write_corrupted(result, tmp_path / "out")))
    np.testing.assert_array_equal(opened.ids, data.ids)
    for row in (0, 1):
        with pytest.raises(OSError, match="empty"):
            opened.images.decode(row)


def test_pictures_of_many_sizes_and_gray_ones_come_back_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, shape in {"a/1.png": (9, 5), "a/2.png": (7, 12, 3), "b/3.png": (40, 30, 3)}.items():
        (tmp_path / "given" / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / "given" / name, rng.integers(0, 256, shape, dtype=np.uint8))
    data = open_source(str(tmp_path / "given"))
    result = corrupt(data, asked(("trojan-square=0.3", "noisy-features=0.6")), seed=0)
    opened = open_source(str(write_corrupted(result, tmp_path / "out")))
    assert [opened.images.decode(row).size for row in range(3)] == [(5, 9), (12, 7), (30, 40)]
    assert opened.images.decode(0).mode == "L"


@pytest.mark.parametrize("what", ["file", "full folder", "link"])
def test_what_is_there_already_is_not_touched(what: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if what == "file":
        out.write_text("mine")
    elif what == "link":
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    result = corrupt(pictures(), asked(LABELS), seed=0)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match="something already"):
        write_corrupted(result, out)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_free(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    result = corrupt(pictures(), asked(LABELS), seed=0)
    assert write_corrupted(result, tmp_path / "out").is_file()


def test_stopped_work_leaves_nothing(tmp_path: Path) -> None:
    def stop(stage: str, done: float, detail: str = "") -> None:
        raise Cancelled

    result = corrupt(written("parquet", tmp_path / "given"), asked(LABELS), seed=0)
    with pytest.raises(Cancelled):
        write_corrupted(result, tmp_path / "out", progress=stop)
    assert {path.name for path in tmp_path.iterdir()} == {"given"}
