from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import LabelledImages, check, describe, open_source, require_same_width
from core.errors import DataError


def embedded(labels: list[str], embeddings: np.ndarray, source: str = "set") -> LabelledImages:
    names = tuple(sorted(set(labels)))
    return LabelledImages(
        source=source,
        ids=np.array([f"{source}/{row}" for row in range(len(labels))]),
        labels=np.array([names.index(label) for label in labels]),
        class_names=names,
        embeddings=embeddings.astype(np.float32),
    )


def rows(n: int, seed: int, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width))


def kinds(report) -> dict[str, object]:
    return {finding.kind: finding for finding in report.findings}


def test_two_sound_sets_have_no_findings() -> None:
    labels = ["a"] * 10 + ["b"] * 10
    report = check(embedded(labels, rows(20, 0)), embedded(labels, rows(20, 1), "val"))
    assert report.findings == ()
    assert report.usable
    assert report.train.class_counts == {"a": 10, "b": 10}
    assert report.train.embedding_width == 4
    assert report.train.width is None


def test_classes_seen_on_one_side_only_are_reported_by_name() -> None:
    train = embedded(["a"] * 9 + ["x"] * 6, rows(15, 0))
    report = check(train, embedded(["b"] * 9 + ["a"] * 9, rows(18, 1)))
    assert (report.only_in_training, report.only_in_validation) == (("x",), ("b",))
    missing = [finding for finding in report.findings if finding.kind == "missing-class"]
    assert [finding.severity for finding in missing] == ["warning", "info"]
    assert "no images of x, so 6 images" in missing[0].sentence
    assert missing[0].image_ids == tuple(train.ids[9:])
    assert report.usable


def test_sets_without_a_common_class_cannot_be_used() -> None:
    report = check(embedded(["0"] * 9, rows(9, 0)), embedded(["zero"] * 9, rows(9, 1)))
    assert kinds(report)["no-common-class"].severity == "error"
    assert "missing-class" not in kinds(report)
    assert not report.usable


def test_duplicates_within_and_across_are_found_whatever_the_file_format(
    image_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "validation"
    (other / "ant").mkdir(parents=True)
    with Image.open(image_folder / "ant" / "0.png") as picture:
        picture.save(other / "ant" / "same.bmp")
    shutil.copy(image_folder / "ant" / "1.png", image_folder / "ant" / "copy.png")
    shutil.copy(image_folder / "ant" / "2.png", image_folder / "cat" / "also-ant.png")
    report = check(open_source(str(image_folder)), open_source(str(other)))
    assert report.across_duplicates == (("ant/0.png", "ant/same.bmp"),)
    assert report.train.duplicate_groups == (
        ("ant/1.png", "ant/copy.png"),
        ("ant/2.png", "cat/also-ant.png"),
    )
    found = kinds(report)
    assert found["across-duplicates"].image_ids == ("ant/0.png",)
    assert found["conflicting-labels"].image_ids == ("ant/2.png", "cat/also-ant.png")
    assert "2 images of the training set are there more than once, 2 more" in (
        found["duplicates"].sentence
    )
    assert (report.train.width, report.train.gray) == ((8, 8), False)


def test_unreadable_pictures_are_counted_and_listed(image_folder: Path) -> None:
    (image_folder / "bee" / "0.png").write_bytes(b"x")
    description = describe(open_source(str(image_folder)))
    assert description.count == 5
    assert description.class_counts == {"ant": 3, "bee": 1, "cat": 1}
    assert [picture.image_id for picture in description.unreadable] == ["bee/0.png"]
    (finding,) = [f for f in description.findings if f.kind == "unreadable"]
    assert finding.severity == "warning"
    assert finding.sentence.startswith("1 picture of the training set cannot be read")


def test_a_set_without_readable_pictures_is_an_error_not_a_crash(image_folder: Path) -> None:
    for file in image_folder.rglob("*.png"):
        file.write_bytes(b"x")
    data = open_source(str(image_folder))
    report = check(data, data)
    assert not report.usable
    assert report.train.count == 0


def test_tiny_classes_are_reported_with_their_counts() -> None:
    report = check(
        embedded(["a"] * 9 + ["b"] * 2, rows(11, 0)), embedded(["a"] * 9 + ["b"] * 9, rows(18, 1))
    )
    assert "b (2)" in kinds(report)["tiny-class"].sentence
    assert kinds(report)["tiny-class"].where == "training"


def test_embeddings_of_different_width_are_refused_by_name() -> None:
    left, right = embedded(["a"] * 9, rows(9, 0, 4)), embedded(["a"] * 9, rows(9, 1, 6), "val")
    with pytest.raises(DataError, match=r"of set have 4 numbers each, those of val have 6"):
        require_same_width(left, right)
    report = check(left, right)
    assert kinds(report)["embedding-width"].severity == "error"
    assert report.findings[0].severity == "error"
    require_same_width(left, left)


def test_progress_runs_from_start_to_end(image_folder: Path) -> None:
    seen: list[float] = []
    data = open_source(str(image_folder))
    check(data, data, progress=lambda stage, done, detail="": seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
