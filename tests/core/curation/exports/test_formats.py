"""What is exported is read back, by the tool that it is for, as it was decided."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.curation import FORMATS, PlanSettings, decision_table, export, export_archive, make_plan
from core.curation.exports import Content
from core.curation.exports.lists import lines_of
from core.datasets import open_source
from core.errors import ConfigError, DataError
from tests.core.curation.exports.cases import (
    HOSTILE,
    decided,
    folder_source,
    manifest_source,
    npz_source,
    png,
    run_on,
)
from tests.factories import make_run

RSYNC = shutil.which("rsync")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("home") / "runs" / "r")


@pytest.fixture(scope="module")
def on_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("folder")
    return run_on(root / "run", folder_source(root / "data"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    return run_on(root / "run", npz_source(root / "data.npz"))


def with_ids(run, ids: dict[int, str]):
    """The same run with other ids at some rows."""
    values = run.values.copy()
    for row, image_id in ids.items():
        values.loc[row, "id"] = image_id
    changed = type(run)(run.path, run.record)
    changed.__dict__["values"] = values
    return changed


def archived(run, decisions: pd.DataFrame, name: str, member: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(export_archive(run, decisions, name))) as archive:
        return archive.read(member)


# -- tables --------------------------------------------------------------------------------------


def test_the_table_has_every_image_in_order_with_its_decision(run):
    ids = run.values["id"].tolist()
    table = decision_table(run, decided(run, {3: "remove", 5: "relabel", 6: "clear"}))
    assert table["id"].tolist() == ids
    assert table["verdict"].tolist()[3:7] == ["remove", "undecided", "relabel", "undecided"]
    assert table["final_label"].tolist()[5] == table["new_label"].tolist()[5] == "boot"
    assert table["kept"].tolist()[3:6] == [False, True, True]
    assert table.loc[table["rank"] == 1, "value"].item() == run.values["value"].min()
    assert table.dtypes.equals(decision_table(run, decided(run, {})).dtypes)


def test_the_plan_and_the_decisions_are_told_apart(run):
    decisions = decided(run, {3: "remove"})
    plan = make_plan(run, decisions, PlanSettings(budget="count", amount=4))
    table = decision_table(run, decisions, plan)
    assert table["removed_by"].value_counts().to_dict() == {"plan": 3, "decision": 1}
    assert (table["removed_by"].isna() == table["kept"]).all()


@pytest.mark.parametrize("name", ["csv", "parquet", "json"])
def test_tables_are_read_back_by_pandas(run, tmp_path, name):
    decisions = decided(run, {3: "remove", 5: "relabel"}, note='über, "quoted"\nand broken')
    export(run, decisions, name, tmp_path / "out")
    for file, expected in (("decisions", decision_table(run, decisions)), ("ranking", None)):
        path = tmp_path / "out" / f"{file}.{name}"
        read = {
            "csv": pd.read_csv,
            "parquet": pd.read_parquet,
            "json": partial(pd.read_json, precise_float=True),
        }[name](path)
        if expected is None:
            assert read["value"].is_monotonic_increasing
            assert read["rank"].tolist() == list(range(1, 61))
            assert set(read["id"]) == set(run.values["id"])
        else:
            assert read.columns.tolist() == expected.columns.tolist()
            for column in ("id", "verdict", "final_label", "kept", "value", "rank"):
                assert read[column].tolist() == expected[column].tolist(), column
            assert read["note"].dropna().tolist() == ['über, "quoted"\nand broken'] * 2


def test_formulas_are_neutralized_in_csv_only(run):
    formula = '=HYPERLINK("http://x","y"),1\n2'
    odd = with_ids(run, {0: formula})
    frame = decided(odd, {0: "keep"}, note="@SUM(A1)").assign(reviewer="-x")
    rows = csv.DictReader(io.StringIO(archived(odd, frame, "csv", "decisions.csv").decode()))
    first = next(rows)
    assert (first["id"], first["note"], first["reviewer"]) == (f"'{formula}", "'@SUM(A1)", "'-x")
    assert float(first["value"]) == run.values["value"].iloc[0]  # a negative number stays one
    for name, member in (("csv", "ranking.csv"), ("cleanlab", "issues.csv")):
        assert formula not in [
            row["id"]
            for row in csv.DictReader(
                io.StringIO(archived(odd, frame, name, member).decode(), newline="")
            )
        ]
    parquet = pd.read_parquet(io.BytesIO(archived(odd, frame, "parquet", "decisions.parquet")))
    assert parquet["id"].iloc[0] == formula
    loaded = json.loads(archived(odd, frame, "json", "decisions.json"))
    assert (loaded[0]["id"], loaded[0]["note"]) == (formula, "@SUM(A1)")
    assert loaded[1]["note"] is None


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image_id=TEXT)
def test_any_id_is_read_back_from_every_table(run, image_id):
    odd = with_ids(run, {7: image_id})
    frame = decided(odd, {7: "remove"})
    text = archived(odd, frame, "csv", "decisions.csv").decode()
    row = list(csv.DictReader(io.StringIO(text, newline="")))[7]
    assert row["id"] in (image_id, f"'{image_id}")
    assert row["id"] != image_id or image_id[0] not in "=+-@\t\r"
    parquet = pd.read_parquet(io.BytesIO(archived(odd, frame, "parquet", "decisions.parquet")))
    loaded = json.loads(archived(odd, frame, "json", "decisions.json"))
    assert parquet["id"].iloc[7] == loaded[7]["id"] == image_id
    assert parquet["verdict"].iloc[7] == loaded[7]["verdict"] == row["verdict"] == "remove"


def test_cleanlab_columns_keep_their_contract(run):
    frame = decided(run, {0: "remove", 1: "relabel"})
    table = pd.read_parquet(io.BytesIO(archived(run, frame, "cleanlab", "issues.parquet")))
    assert table["is_lava_issue"].dtype == bool
    assert table["lava_score"].between(0, 1).all()
    # Lower is worse, in the order of the values; an issue is what scores below one half.
    order = np.argsort(run.values["value"].to_numpy())
    assert (np.diff(table["lava_score"].to_numpy()[order]) >= 0).all()
    assert (table["is_lava_issue"] == (table["lava_score"] < 0.5)).all()
    assert 0 < table["is_lava_issue"].sum() < 60
    assert table["given_label"].tolist() == run.values["class_name"].tolist()
    assert table["predicted_label"].tolist() == run.values["looks_like_name"].tolist()
    suggested = table["suggested_label"]
    assert 0 < suggested.notna().sum() < 60
    assert (suggested[suggested.notna()] != table["given_label"][suggested.notna()]).all()


# -- lists ---------------------------------------------------------------------------------------


def test_the_lists_hold_every_image_once_as_a_path_below_the_source(on_folder, tmp_path):
    frame = decided(on_folder, {0: "remove", 1: "unsure", 2: "keep"})
    export(on_folder, frame, "lists", tmp_path / "out")
    ids = on_folder.values["id"].tolist()
    assert (tmp_path / "out" / "remove.txt").read_text().splitlines() == [ids[0]]
    assert (tmp_path / "out" / "keep.txt").read_text().splitlines() == ids[1:]
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert facts["entries"]["relative_to"] == on_folder.record.train.source


def test_paths_of_a_manifest_are_relative_to_their_common_folder(tmp_path):
    run = run_on(tmp_path / "run", manifest_source(tmp_path / "data"))
    lines = lines_of(Content.of(run, decided(run, {})))
    assert lines.root == str(tmp_path / "data")
    assert lines.entries[0] == "img/0.png"


def test_an_entry_that_a_tool_would_misread_starts_with_a_dot(tmp_path):
    root = tmp_path / "data"
    (root / "-rf").mkdir(parents=True)
    (root / "#x").mkdir()
    for name in ("-rf/a.png", "#x/b.png"):
        (root / name).write_bytes(png(0))
    run = run_on(tmp_path / "run", str(root))
    assert lines_of(Content.of(run, decided(run, {}))).entries == ["./#x/b.png", "./-rf/a.png"]


@pytest.mark.skipif(RSYNC is None, reason="rsync is not installed")
@pytest.mark.parametrize("name", ["lists", "lists-nul"])
def test_rsync_copies_what_stays(on_folder, tmp_path, name):
    export(on_folder, decided(on_folder, {0: "remove", 4: "remove"}), name, tmp_path / "out")
    options = (
        ["--from0", f"--files-from={tmp_path}/out/keep.nul"]
        if name == "lists-nul"
        else [f"--files-from={tmp_path}/out/keep.txt"]
    )
    source = f"{on_folder.record.train.source}/"
    subprocess.run([RSYNC, "-a", *options, source, str(tmp_path / "copy")], check=True)
    copied = open_source(str(tmp_path / "copy"))
    expected = [i for k, i in enumerate(on_folder.values["id"]) if k not in (0, 4)]
    assert sorted(copied.ids.tolist()) == sorted(expected)


def test_xargs_reads_both_kinds_of_list(tmp_path):
    root = tmp_path / "data"
    (root / "cat").mkdir(parents=True)
    for name in ("it's.png", 'a "b".png', "back\\slash.png", " space.png"):
        (root / "cat" / name).write_bytes(png(0))
    run = run_on(tmp_path / "run", str(root))
    for name, end in (("lists", ["-d", "\\n"]), ("lists-nul", ["-0"])):
        out = tmp_path / name
        export(run, decided(run, dict.fromkeys(range(4), "remove")), name, out)
        with (out / ("remove.txt" if name == "lists" else "remove.nul")).open("rb") as file:
            done = subprocess.run(
                [shutil.which("xargs"), *end, "ls", "-1", "-N", "--"],
                stdin=file,
                cwd=root,
                capture_output=True,
                check=True,
                text=True,
            )
        assert len(done.stdout.splitlines()) == 4


def test_a_line_break_in_an_id_is_named_and_the_nul_variant_holds_it(hostile, tmp_path):
    row = HOSTILE.index("two\nlines.png")
    frame = decided(hostile, {row: "remove"})
    with pytest.raises(DataError, match=r"two\\nlines\.png"):
        export(hostile, frame, "lists", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert archived(hostile, frame, "lists-nul", "remove.nul") == b"two\nlines.png\0"


# -- data sets -----------------------------------------------------------------------------------


def test_huggingface_is_loaded_by_datasets(tmp_path, hostile):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    frame = decided(hostile, {0: "remove", 1: "relabel"}, new_label="umbrella")
    export(hostile, frame, "huggingface", tmp_path / "out")
    loaded = datasets.load_from_disk(str(tmp_path / "out" / "dataset"))
    assert loaded["id"][:] == list(HOSTILE[1:])
    assert loaded.features["label"].names[-1] == "umbrella"
    assert loaded.features["label"].int2str(loaded["label"][0]) == "umbrella"
    assert loaded["value"][:] == hostile.values["value"].tolist()[1:]
    pixels = np.asarray(hostile.open_images("train").images.decode(1))
    assert np.array_equal(np.asarray(loaded[0]["image"]), pixels)


def test_huggingface_holds_embeddings_where_there_are_no_pictures(tmp_path):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    source = npz_source(tmp_path / "data.npz", pictures=False)
    run = run_on(tmp_path / "run", source)
    export(run, decided(run, {2: "remove"}), "huggingface", tmp_path / "out")
    loaded = datasets.load_from_disk(str(tmp_path / "out" / "dataset")).with_format("numpy")
    kept = [k for k in range(len(HOSTILE)) if k != 2]
    np.testing.assert_array_equal(loaded["embedding"][:], run.x[kept])


def test_fiftyone_folder_follows_the_documented_layout(on_folder, tmp_path):
    """labels.json maps the name of each picture in data/, less its suffix, to a class."""
    frame = decided(on_folder, {0: "remove", 1: "relabel"}, new_label="coat", note="odd")
    export(on_folder, frame, "fiftyone", tmp_path / "out", link="symbolic")
    content = json.loads((tmp_path / "out" / "labels.json").read_text())
    stems = {path.stem: path for path in (tmp_path / "out" / "data").iterdir()}
    assert stems.keys() == content["labels"].keys()
    by_id = {item["attributes"]["image_id"]: item for item in content["labels"].values()}
    assert list(by_id) == on_folder.values["id"].tolist()
    first, second = list(by_id.values())[:2]
    assert (first["attributes"]["verdict"], first["attributes"]["kept"]) == ("remove", False)
    assert content["classes"][second["label"]] == "coat"
    assert second["attributes"]["note"] == "odd"
    for stem, item in content["labels"].items():
        root = on_folder.record.train.source
        expected = Image.open(f"{root}/{item['attributes']['image_id']}")
        assert np.array_equal(Image.open(stems[stem]), expected)


def test_fiftyone_imports_the_folder(hostile, tmp_path):
    importers = pytest.importorskip(
        "fiftyone.utils.data.importers", reason="fiftyone is not installed"
    )
    export(hostile, decided(hostile, {1: "relabel"}), "fiftyone", tmp_path / "out")
    importer = importers.FiftyOneImageClassificationDatasetImporter(str(tmp_path / "out"))
    importer.setup()
    found = {label.image_id: (path, label) for path, _, label in importer}
    assert set(found) == set(HOSTILE)
    path, label = found[HOSTILE[1]]
    assert label.label == "boot"
    assert Image.open(path).size == (6, 6)


# -- the registry ---------------------------------------------------------------------------------


def test_an_unknown_format_is_named(run):
    with pytest.raises(ConfigError, match="xlsx"):
        export_archive(run, decided(run, {}), "xlsx")


def test_every_format_says_what_it_is_and_how_it_is_opened():
    for item in FORMATS.values():
        assert item.title
        assert item.purpose.endswith(".")
        assert "FOLDER" in item.opens_with
