from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets import open_source
from core.datasets.location import Location
from core.errors import DataError


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such file or folder"):
        open_source(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "x" * 5000])
def test_text_that_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        open_source(text)


def test_a_file_of_another_kind_is_refused_with_what_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "data.xlsx"
    file.write_bytes(b"x")
    with pytest.raises(DataError, match=r"data\.xlsx.*Expected one of.*npz"):
        open_source(str(file))


def test_options_follow_the_last_hash(tmp_path: Path) -> None:
    folder = tmp_path / "odd#name"
    folder.mkdir()
    assert Location.parse(str(folder)).options == {}
    parsed = Location.parse(f"{folder}#train&label=fine")
    assert parsed.path == folder
    assert parsed.options == {"split": "train", "label": "fine"}
    assert Location.parse(parsed.text) == parsed


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'colour'"):
        Location.parse(f"{tmp_path}#colour=red")
