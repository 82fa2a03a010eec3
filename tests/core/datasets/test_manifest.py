from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.datasets import drop_unreadable, open_source
from core.errors import DataError


def write(folder: Path, text: str, name: str = "manifest.csv") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_paths_are_relative_to_the_manifest_and_serve_as_ids(image_folder: Path, pixels) -> None:
    data = open_source(write(image_folder, "path,label\nbee/0.png,bee\n./ant/1.png,ant\n"))
    assert data.ids.tolist() == ["bee/0.png", "ant/1.png"]
    assert data.class_names == ("ant", "bee")
    assert data.labels.tolist() == [1, 0]
    assert (data.images.decode(1).tobytes()) == pixels(1).tobytes()


def test_paths_may_be_absolute(image_folder: Path, tmp_path: Path) -> None:
    absolute = image_folder / "cat" / "0.png"
    data = open_source(write(tmp_path, f"path,label\n{absolute},cat\n"))
    assert data.paths.tolist() == [str(absolute)]
    assert len(drop_unreadable(data)) == 1


def test_parquet_and_csv_manifests_open_alike(image_folder: Path) -> None:
    frame = pd.DataFrame({"path": ["ant/0.png", "bee/0.png"], "label": [7, 10], "id": ["a", "b"]})
    frame.to_parquet(image_folder / "list.parquet")
    frame.to_csv(image_folder / "list.csv", index=False)
    left = open_source(str(image_folder / "list.parquet"))
    right = open_source(str(image_folder / "list.csv"))
    assert left.ids.tolist() == right.ids.tolist() == ["a", "b"]
    assert left.class_names == right.class_names == ("7", "10")
    assert left.fingerprint == right.fingerprint


def test_a_folder_with_a_manifest_opens_through_it(image_folder: Path) -> None:
    write(image_folder, "path,label\nant/0.png,wasp\n")
    assert open_source(str(image_folder)).class_names == ("wasp",)


def test_spreadsheet_csv_with_mark_semicolons_and_aliases_is_read(image_folder: Path) -> None:
    text = '\ufefffilename;class\n"ant/0.png";"NA"\nant/1.png;None\n'
    assert open_source(write(image_folder, text)).class_names == ("NA", "None")


def test_a_split_is_chosen_after_the_path(image_folder: Path) -> None:
    source = write(
        image_folder,
        "path,label,split\nant/0.png,ant,train\nbee/0.png,bee,val\nant/1.png,ant,val\n",
    )
    with pytest.raises(DataError, match=r"splits 'train', 'val'.*#train"):
        open_source(source)
    data = open_source(f"{source}#val")
    assert data.ids.tolist() == ["bee/0.png", "ant/1.png"]
    assert open_source(data.source).fingerprint == data.fingerprint
    with pytest.raises(DataError, match="no split 'test'"):
        open_source(f"{source}#test")


def test_both_splits_of_a_manifest_know_classes_by_name_only(image_folder: Path) -> None:
    source = write(image_folder, "path,label,split\na,2,train\nb,1,val\nc,2,val\n")
    assert open_source(f"{source}#train").class_names == ("2",)
    assert open_source(f"{source}#val").class_names == ("1", "2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("path,label\n", "empty"),
        ("path,size\na.png,3\n", r"no column for the label.*'path', 'size'"),
        ("name,label\na.png,3\n", "no column for the path"),
        ("path,label,class\na.png,3,4\n", r"more than one column could be the label.*#label=label"),
        ("path,label,label\na.png,3,4\n", "2 times"),
        ("path,label\na.png,\n", r"line 2: the label is missing"),
        ("path,label\na.png,x\n,y\n", r"line 3: the path is missing"),
        ("path,label\na.png,x\n\nb.png,y,z\n", r"line 4: expected 2 fields.*got 3"),
        ("path,label\na.png,x\nb.png,y\n./a.png,y\n", r"line 4: the id 'a.png'.*line 2"),
        ("path,label,id\na.png,x,1\nb.png,y,1\n", r"line 3: the id '1'.*line 2"),
        ("path,label,id\na.png,x,1\nb.png,y,\n", r"line 3: the id is empty"),
        ("path,label\na\0.png,x\n", r"line 2|NUL"),
    ],
)
def test_bad_manifests_are_refused_with_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_source(write(tmp_path, text))
    assert "manifest.csv" in str(caught.value)


def test_a_column_can_be_chosen_where_several_fit(tmp_path: Path) -> None:
    source = write(tmp_path, "path,label,class\na.png,3,x\n")
    assert open_source(f"{source}#label=class").class_names == ("x",)
    with pytest.raises(DataError, match="no column 'kind'"):
        open_source(f"{source}#label=kind")


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "manifest.csv"
    file.write_bytes("path,label\na.png,Käse\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        open_source(str(file))


def test_a_broken_parquet_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "manifest.parquet"
    file.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"manifest\.parquet: it cannot be read as Parquet"):
        open_source(str(file))


def test_missing_labels_in_parquet_are_named_by_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"path": ["a", "b", "c"], "label": [1.0, None, 2.0]})
    frame.to_parquet(tmp_path / "m.parquet")
    with pytest.raises(DataError, match="row 2: the label is missing"):
        open_source(str(tmp_path / "m.parquet"))


def test_missing_files_are_left_out_and_listed(image_folder: Path) -> None:
    data = open_source(write(image_folder, "path,label\nant/0.png,ant\ngone.png,ant\n"))
    kept = drop_unreadable(data)
    assert kept.ids.tolist() == ["ant/0.png"]
    assert [(u.image_id, u.reason) for u in kept.unreadable] == [
        ("gone.png", "the file is missing")
    ]


def test_an_id_in_parquet_is_meant_as_it_is_and_around_a_cell_of_csv_nothing_counts(
    tmp_path: Path,
) -> None:
    table = pd.DataFrame(
        {"path": ["a.png", "b.png"], "label": ["x", "y"], "id": [" one ", "two\n"]}
    )
    table.to_parquet(tmp_path / "m.parquet", index=False)
    table.to_csv(tmp_path / "m.csv", index=False)
    assert open_source(str(tmp_path / "m.parquet")).ids.tolist() == [" one ", "two\n"]
    assert open_source(str(tmp_path / "m.csv")).ids.tolist() == ["one", "two"]
