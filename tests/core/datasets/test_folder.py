from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.datasets import open_source
from core.errors import DataError


def test_folders_are_classes_and_relative_paths_are_ids(image_folder: Path) -> None:
    data = open_source(str(image_folder))
    assert data.class_names == ("ant", "bee", "cat")
    assert data.ids.tolist() == [
        "ant/0.png", "ant/1.png", "ant/2.png", "bee/0.png", "bee/1.png", "cat/0.png",
    ]  # fmt: skip
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert data.paths is not None
    assert data.paths[3] == str(image_folder / "bee" / "0.png")


def test_pictures_are_those_in_the_files(image_folder: Path, pixels) -> None:
    data = open_source(str(image_folder))
    np.testing.assert_array_equal(np.asarray(data.images.decode(4)), pixels(4))
    assert data.images.encoded(4) == (image_folder / "bee" / "1.png").read_bytes()


def test_the_same_source_opens_from_another_working_folder(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(image_folder.parent)
    source = open_source(image_folder.name).source
    monkeypatch.chdir("/")
    assert len(open_source(source)) == 6


def test_the_fingerprint_follows_content_not_place(image_folder: Path) -> None:
    before = open_source(str(image_folder)).fingerprint
    moved = image_folder.rename(image_folder.parent / "elsewhere")
    assert open_source(str(moved)).fingerprint == before
    (moved / "ant" / "0.png").write_bytes((moved / "ant" / "1.png").read_bytes())
    assert open_source(str(moved)).fingerprint != before


def test_pictures_may_lie_deeper_and_other_files_are_passed_over(image_folder: Path) -> None:
    deeper = image_folder / "cat" / "tabby" / "1.PNG"
    deeper.parent.mkdir()
    deeper.write_bytes((image_folder / "cat" / "0.png").read_bytes())
    (image_folder / "cat" / "notes.txt").write_text("no picture")
    (image_folder / ".hidden").mkdir()
    data = open_source(str(image_folder))
    assert data.ids[-1] == "cat/tabby/1.PNG"
    assert data.class_counts.tolist() == [3, 2, 2]


def test_a_class_folder_without_pictures_is_an_empty_class(image_folder: Path) -> None:
    (image_folder / "dog").mkdir()
    data = open_source(str(image_folder))
    assert data.class_names[3] == "dog"
    assert data.class_counts[3] == 0


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty"):
        open_source(str(tmp_path))


def test_folders_without_any_picture_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ant").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        open_source(str(tmp_path))


def test_pictures_without_class_folders_have_no_labels(image_folder: Path) -> None:
    with pytest.raises(DataError, match="no labels"):
        open_source(str(image_folder / "ant"))


def test_a_picture_outside_of_the_class_folders_is_named(image_folder: Path) -> None:
    (image_folder / "stray.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"stray\.png"):
        open_source(str(image_folder))


def test_splits_are_not_taken_for_classes(image_folder: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    image_folder.rename(above / "train")
    with pytest.raises(DataError, match=r"look like splits.*above/train"):
        open_source(str(above))
    assert len(open_source(f"{above}#train")) == 6
    with pytest.raises(DataError, match="'val'"):
        open_source(f"{above}#val")


def test_a_name_that_is_not_utf8_is_refused_by_name(image_folder: Path) -> None:
    """It ended in a UnicodeEncodeError while the set was fingerprinted."""
    some = next(image_folder.glob("*/*"))
    Path(str(some.parent / "\udcff.png")).write_bytes(some.read_bytes())
    with pytest.raises(DataError, match="not UTF-8"):
        open_source(str(image_folder))
