from __future__ import annotations

from pathlib import Path

import pytest

from core.atomic import replacing


def test_the_old_content_stands_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("stop", [OSError("disk full"), KeyboardInterrupt()])
def test_what_stops_the_writing_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, stop: BaseException
) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(b"old")
    with pytest.raises(type(stop)), replacing(path) as file:
        file.write(b"ne")
        raise stop
    assert [item.name for item in tmp_path.iterdir()] == ["status.json"]
    assert path.read_bytes() == b"old"


def test_a_name_as_long_as_file_systems_take_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".json")
    with replacing(path) as file:
        file.write(b"new")
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_other_users_of_a_shared_folder_can_read_what_is_written(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "fresh"
    plain.touch()
    with replacing(path) as file:
        file.write(b"new")
    assert path.stat().st_mode == plain.stat().st_mode
