from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import drop_unreadable, open_source
from core.errors import DataError
from tests.core.datasets.files import png, write_hugging_face

NAMES = ("ant", "bee")


def test_class_names_come_from_the_schema_and_ids_from_the_paths(tmp_path: Path) -> None:
    file = write_hugging_face(
        tmp_path / "a.parquet",
        [png(0), png(1), png(2)],
        [1, 0, 1],
        paths=["x.png", "y.png", "z.png"],
        names=NAMES,
    )
    data = open_source(str(file))
    assert data.class_names == NAMES
    assert data.ids.tolist() == ["x.png", "y.png", "z.png"]
    assert data.labels.tolist() == [1, 0, 1]
    assert [data.images.encoded(row) for row in (2, 0)] == [png(2), png(0)]


def test_images_without_a_path_of_their_own_are_named_by_content(tmp_path: Path) -> None:
    contents = [png(0), png(1), png(1), png(2)]
    paths = [None, "same.png", "same.png", "own.png"]
    first = open_source(
        str(write_hugging_face(tmp_path / "a.parquet", contents, [0, 0, 0, 0], paths=paths))
    ).ids.tolist()
    assert first[2] == f"{first[1]}#2"
    assert first[3] == "own.png"
    assert len(first[0]) == 16
    assert len(set(first)) == 4
    reordered = open_source(
        str(
            write_hugging_face(
                tmp_path / "b.parquet", contents[::-1], [0, 0, 0, 0], paths=paths[::-1]
            )
        )
    )
    assert set(reordered.ids.tolist()) == set(first)


def test_labels_may_be_names_and_images_plain_bytes(tmp_path: Path) -> None:
    file = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"img": [png(0), png(1)], "category": ["bee", "ant"]}), file)
    data = open_source(str(file))
    assert data.class_names == ("ant", "bee")
    assert data.images.decode(0).size == (8, 8)


def test_shards_are_read_in_order_and_one_split_is_taken(tmp_path: Path) -> None:
    for number in (1, 0):
        write_hugging_face(
            tmp_path / "data" / f"train-0000{number}-of-00002.parquet",
            [png(number), png(number + 10), png(number + 20)],
            [number, number, number],
            names=NAMES,
        )
    assert open_source(str(tmp_path)).labels.tolist() == [0, 0, 0, 1, 1, 1]
    write_hugging_face(
        tmp_path / "data" / "test-00000-of-00001.parquet", [png(5)], [1], names=NAMES
    )
    with pytest.raises(DataError, match=r"'test', 'train'.*#test"):
        open_source(str(tmp_path))
    data = open_source(f"{tmp_path}#train")
    assert data.images.encoded(4) == png(11)
    assert len(open_source(f"{tmp_path}#test")) == 1


def test_a_taken_part_keeps_its_pictures(tmp_path: Path) -> None:
    contents = [png(seed) for seed in range(7)]
    data = open_source(str(write_hugging_face(tmp_path / "a.parquet", contents, [0] * 7)))
    part = data.take(data.labels.argsort()[[5, 1, 6]]).take([2, 0])
    assert [part.images.encoded(0), part.images.encoded(1)] == [png(6), png(5)]


def test_a_path_without_bytes_leads_to_a_file_beside_the_parquet(image_folder: Path) -> None:
    file = write_hugging_face(
        image_folder / "all.parquet",
        [None, None, None],
        [0, 0, 0],
        paths=["ant/0.png", "gone.png", None],
    )
    kept = drop_unreadable(open_source(str(file)))
    assert kept.ids.tolist() == ["ant/0.png"]
    assert [u.reason for u in kept.unreadable] == [
        "the file is missing",
        "the row has neither bytes nor a path",
    ]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 2], NAMES, r"a\.parquet, row 2: expected a label from 0 to 1.*got 2"),
        ([0, -1], NAMES, r"row 2: it has no label \(-1\)"),
        ([0, None], NAMES, "row 2: the label is missing"),
        ([0.0, 0.5], None, "row 2: the label 0.5 is a fraction"),
        ([[0], [1]], None, "row 1: expected one label"),
        ([0, 1], ("ant", "ant"), "'ant' is given twice"),
    ],
)
def test_bad_labels_are_named_by_row(tmp_path: Path, labels, names, message: str) -> None:
    file = write_hugging_face(tmp_path / "a.parquet", [png(0), png(1)], labels, names=names)
    with pytest.raises(DataError, match=message):
        open_source(str(file))


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    file = write_hugging_face(tmp_path / "a.parquet", [png(0)], [0], label="size")
    with pytest.raises(DataError, match="no column for the label"):
        open_source(str(file))
    assert len(open_source(f"{file}#label=size")) == 1


def test_several_candidates_for_a_column_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"img": [png(0)], "mask": [png(1)], "label": [1], "fine_label": [2]}), file
    )
    with pytest.raises(DataError, match="could be the image: 'img', 'mask'"):
        open_source(str(file))
    with pytest.raises(DataError, match="could be the label"):
        open_source(f"{file}#image=img")
    assert open_source(f"{file}#image=img&label=fine_label").class_names == ("2",)


def test_shards_must_hold_the_same_columns(tmp_path: Path) -> None:
    write_hugging_face(tmp_path / "a-00000-of-00002.parquet", [png(0)], [0])
    write_hugging_face(tmp_path / "a-00001-of-00002.parquet", [png(0)], [0], label="other")
    with pytest.raises(DataError, match=r"a-00001-of-00002\.parquet: there is no column 'label'"):
        open_source(str(tmp_path))


def test_an_empty_or_broken_file_is_refused(tmp_path: Path) -> None:
    empty = write_hugging_face(tmp_path / "empty.parquet", [], pa.array([], pa.int64()))
    with pytest.raises(DataError, match="empty"):
        open_source(str(empty))
    whole = write_hugging_face(tmp_path / "a.parquet", [png(0)], [0]).read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.parquet: it cannot be read as Parquet"):
        open_source(str(tmp_path / "half.parquet"))


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_damaged_byte_is_read_or_explained(tmp_path_factory, place: float, byte: int) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    file = write_hugging_face(folder / "a.parquet", [png(0), png(1)], [0, 1], names=NAMES)
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] = byte
    file.write_bytes(content)
    try:
        drop_unreadable(open_source(str(file)))
    except DataError as error:
        assert "a.parquet" in str(error)
