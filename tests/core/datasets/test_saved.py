"""Folders written by `save_to_disk` of Hugging Face `datasets`, and read without it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.datasets import drop_unreadable, open_source, saved_layout, source_kind
from core.errors import DataError
from tests.core.datasets.files import png

datasets = pytest.importorskip("datasets", reason="datasets is not installed")
NAMES = ["ant", "bee"]


def made(n: int = 5, *, paths: bool = False, names: list[str] | None = NAMES) -> object:
    label = datasets.ClassLabel(names=names) if names else datasets.Value("string")
    features = datasets.Features({"image": datasets.Image(), "label": label})
    images = [{"bytes": png(i), "path": f"{i}.png" if paths else None} for i in range(n)]
    labels = [i % 2 if names else NAMES[i % 2] for i in range(n)]
    return datasets.Dataset.from_dict({"image": images, "label": labels}, features=features)


def test_labels_names_and_pictures_are_those_that_were_saved(tmp_path: Path) -> None:
    made(paths=True).save_to_disk(tmp_path / "saved")
    data = open_source(str(tmp_path / "saved"))
    assert source_kind(str(tmp_path / "saved"))[0] == "saved"
    assert data.class_names == tuple(NAMES)
    assert data.labels.tolist() == [0, 1, 0, 1, 0]
    assert data.ids.tolist() == [f"{i}.png" for i in range(5)]
    assert [data.images.encoded(row) for row in range(5)] == [png(i) for i in range(5)]
    assert data.take(np.array([3, 1])).images.encoded(0) == png(3)
    assert len(drop_unreadable(data)) == 5


def test_shards_follow_each_other_and_copies_are_numbered(tmp_path: Path) -> None:
    twice = datasets.concatenate_datasets([made(4), made(4)])
    twice.save_to_disk(tmp_path / "saved", num_shards=3)
    data = open_source(str(tmp_path / "saved"))
    assert [data.images.encoded(row) for row in range(8)] == [png(i % 4) for i in range(8)]
    assert data.ids[4] == f"{data.ids[0]}#2"
    starts = [start for start, _ in saved_layout(source_kind(data.source)[1]).row_groups()]
    assert starts[0] == 0
    assert len(starts) >= 3


def test_of_several_splits_one_is_chosen(tmp_path: Path) -> None:
    datasets.DatasetDict(train=made(4), test=made(2)).save_to_disk(tmp_path / "both")
    assert len(open_source(f"{tmp_path}/both#test")) == 2
    with pytest.raises(DataError, match="holds the splits 'test', 'train'"):
        open_source(f"{tmp_path}/both")
    with pytest.raises(DataError, match="there is no split 'dev'"):
        open_source(f"{tmp_path}/both#dev")


def test_labels_may_be_names(tmp_path: Path) -> None:
    made(names=None).save_to_disk(tmp_path / "saved")
    data = open_source(str(tmp_path / "saved"))
    assert data.class_names == tuple(NAMES)
    assert data.labels.tolist() == [0, 1, 0, 1, 0]


def test_a_choice_of_rows_is_what_was_chosen(tmp_path: Path) -> None:
    made().select([4, 0]).save_to_disk(tmp_path / "saved")
    data = open_source(str(tmp_path / "saved"))
    assert [data.images.encoded(row) for row in (0, 1)] == [png(4), png(0)]


def test_pictures_beside_the_data_are_read_from_their_files(tmp_path: Path) -> None:
    made(1).save_to_disk(tmp_path / "saved")
    table = datasets.Dataset.from_dict(
        {"image": [{"bytes": None, "path": "a.png"}], "label": [1]}, features=made(1).features
    ).data.table
    import pyarrow as pa

    file = tmp_path / "saved" / "data-00000-of-00001.arrow"
    file.unlink()
    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    (tmp_path / "saved" / "a.png").write_bytes(png(7))
    assert open_source(str(tmp_path / "saved")).images.encoded(0) == png(7)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("state.json", "{", "cannot be read"),
        ("state.json", "[]", "expected a JSON object"),
        ("state.json", "{}", "does not name the files"),
        ("state.json", '{"_data_files": []}', "it is empty"),
        ("state.json", '{"_indices_data_files": [{"filename": "x"}]}', "flatten_indices"),
        ("state.json", '{"_data_files": [{"filename": "../outside.arrow"}]}', "as Arrow"),
        ("data-00000-of-00001.arrow", "cut short", "may be incomplete"),
        ("dataset_dict.json", '{"splits": "train"}', "does not name the splits"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, file: str, content: str, says: str) -> None:
    made().save_to_disk(tmp_path / "saved")
    (tmp_path / "outside.arrow").write_bytes(
        (tmp_path / "saved" / "data-00000-of-00001.arrow").read_bytes()
    )
    (tmp_path / "saved" / file).write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        open_source(str(tmp_path / "saved"))
    assert str(tmp_path / "saved") in str(caught.value)


def test_features_stand_beside_files_that_do_not_describe_themselves(tmp_path: Path) -> None:
    import pyarrow as pa

    made().save_to_disk(tmp_path / "saved")
    file = tmp_path / "saved" / "data-00000-of-00001.arrow"
    with pa.memory_map(str(file)) as mapped:
        table = pa.ipc.open_stream(mapped).read_all()
    bare = table.replace_schema_metadata(None)
    with pa.OSFile(str(tmp_path / "bare"), "wb") as out, pa.ipc.new_stream(out, bare.schema) as s:
        s.write_table(bare)
    (tmp_path / "bare").replace(file)
    assert "features" in json.loads((tmp_path / "saved" / "dataset_info.json").read_text())
    assert open_source(str(tmp_path / "saved")).class_names == tuple(NAMES)
