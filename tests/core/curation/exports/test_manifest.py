"""A source is written again in its own format, and opens with the ids that its images had."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.curation import export
from core.datasets import ImageStore, open_source
from core.errors import DataError
from tests.core.curation.exports.cases import (
    HOSTILE,
    decided,
    folder_source,
    manifest_source,
    npz_source,
    parquet_source,
    png,
    run_on,
)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_manifest_keeps_its_columns_and_opens_with_the_same_ids(tmp_path, kind):
    source = manifest_source(tmp_path / "data", suffix=kind)
    run = run_on(tmp_path / "run", source)
    frame = decided(run, {0: "remove", 1: "relabel"}, new_label="coat")
    export(run, frame, "manifest", tmp_path / "out")
    again = open_source(f"{tmp_path}/out/all.{kind}#train")
    assert again.ids.tolist() == run.values["id"].tolist()[1:]
    assert again.class_names[again.labels[0]] == "coat"
    assert again.images.encoded(0) == png(1)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[kind](tmp_path / "out" / f"all.{kind}")
    assert read.columns.tolist() == ["file", "class", "split", "camera", "id"]
    assert read["camera"].tolist() == [f"by {k}" for k in range(1, 9)]


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("struct", [False, True])
def test_parquet_keeps_its_columns_and_ids_even_of_copies(tmp_path, copies, struct):
    source = parquet_source(tmp_path / "data.parquet", copies=copies, struct=struct)
    run = run_on(tmp_path / "run", source)
    new = "boot" if struct else "1"
    frame = decided(run, {0: "remove", 2: "relabel"}, new_label=new)
    export(run, frame, "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out" / "data.parquet"))
    assert again.ids.tolist() == run.values["id"].tolist()[1:]
    assert again.class_names[again.labels[1]] == new
    captions = pq.read_table(tmp_path / "out" / "data.parquet")["caption"].to_pylist()
    assert captions == [f"no {k}" for k in range(1, 12)]


def test_a_new_class_joins_the_names_that_parquet_brings(tmp_path):
    run = run_on(tmp_path / "run", parquet_source(tmp_path / "data.parquet"))
    export(run, decided(run, {0: "relabel"}, new_label="hat"), "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out" / "data.parquet"))
    assert again.class_names == ("bag", "boot", "coat", "hat")
    assert again.labels[0] == 3


@pytest.mark.parametrize("pictures", [False, True])
def test_an_npz_keeps_its_arrays_and_any_id(tmp_path, pictures):
    run = run_on(tmp_path / "run", npz_source(tmp_path / "data.npz", pictures=pictures))
    export(run, decided(run, {3: "remove", 4: "relabel"}, "hat"), "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out" / "data.npz"))
    kept = [k for k in range(len(HOSTILE)) if k != 3]
    assert again.ids.tolist() == [HOSTILE[k] for k in kept]
    assert again.class_names[again.labels[3]] == "hat"
    np.testing.assert_array_equal(again.embeddings, run.x[kept])
    with np.load(tmp_path / "out" / "data.npz") as saved:
        assert saved["camera"].tolist() == kept


def test_a_folder_becomes_a_manifest_of_its_files(tmp_path):
    on_folder = run_on(tmp_path / "run", folder_source(tmp_path / "data"))
    export(on_folder, decided(on_folder, {0: "remove"}), "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out"))
    assert again.ids.tolist() == on_folder.values["id"].tolist()[1:]
    assert again.images.encoded(0)


def test_every_source_of_an_addition_gets_a_manifest_of_its_own(tmp_path):
    first = folder_source(tmp_path / "a")
    second = npz_source(tmp_path / "b.npz")
    run = run_on(tmp_path / "run", first, second)
    export(run, decided(run, {0: "remove", 12: "remove"}), "manifest", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert names == ["1-a", "2-b"]
    ids = open_source(str(tmp_path / "out" / "1-a")).ids.tolist()
    ids += open_source(str(tmp_path / "out" / "2-b" / "b.npz")).ids.tolist()
    assert ids == [i for k, i in enumerate(run.values["id"]) if k not in (0, 12)]


def test_a_manifest_of_a_source_that_changed_says_which_image_is_gone(tmp_path):
    run = run_on(tmp_path / "run", folder_source(tmp_path / "data"))
    (tmp_path / "data" / "boot" / "001.png").unlink()
    with pytest.raises(DataError, match=r"boot/001\.png is gone"):
        export(run, decided(run, {}), "manifest", tmp_path / "out")


@pytest.mark.parametrize("name", ["manifest", "huggingface", "folder"])
def test_a_picture_that_cannot_be_read_any_more_is_named(tmp_path, monkeypatch, name):
    """Written again as Parquet, it was told as if the target could not be written."""
    run = run_on(tmp_path / "run", parquet_source(tmp_path / "data.parquet"))
    store = type(open_source(str(tmp_path / "data.parquet")).images)
    read = store.encoded

    def damaged(self: ImageStore, index: int) -> bytes:
        if index == 3:
            raise OSError("the row group is damaged")
        return read(self, index)

    monkeypatch.setattr(store, "encoded", damaged)
    lost = run.values["id"].iloc[3]
    with pytest.raises(DataError, match=f"The picture of {lost} cannot be read: the row group"):
        export(run, decided(run, {}), name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_saved_set_becomes_parquet_with_its_columns_and_ids(tmp_path):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    source = parquet_source(tmp_path / "data.parquet")
    datasets.Dataset(pq.read_table(source)).save_to_disk(tmp_path / "saved")
    run = run_on(tmp_path / "run", str(tmp_path / "saved"))
    export(run, decided(run, {0: "remove"}), "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out" / "saved.parquet"))
    assert again.ids.tolist() == run.values["id"].tolist()[1:]
    written = pq.read_table(tmp_path / "out" / "saved.parquet")
    assert written["caption"].to_pylist() == [f"no {k}" for k in range(1, 12)]


def test_a_set_by_name_becomes_parquet_with_its_ids(tmp_path, monkeypatch):
    source = npz_source(tmp_path / "data.npz")
    run = run_on(tmp_path / "run", source)
    by_name = ("torchvision", None)
    monkeypatch.setattr("core.curation.exports.manifest.source_kind", lambda _: by_name)
    frame = decided(run, {0: "remove", 1: "relabel"}, new_label="hat")
    export(run, frame, "manifest", tmp_path / "out")
    again = open_source(str(tmp_path / "out" / "data.parquet"))
    assert again.ids.tolist() == run.values["id"].tolist()[1:]
    assert again.class_names[again.labels[0]] == "hat"
    assert again.images.decode(0).tobytes() == open_source(source).images.decode(1).tobytes()
