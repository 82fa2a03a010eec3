"""An export says what was decided, reads back as it was, and never writes over anything."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.curation import (
    EXPORTERS,
    DecisionStore,
    NewDecision,
    decision_table,
    export,
    export_archive,
    export_files,
)
from core.errors import ConfigError, DataError, RunError
from tests.factories import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("home") / "runs" / "r", pictures=False)


def decided(run, verdicts: dict[str, str], **fields: str) -> pd.DataFrame:
    store = DecisionStore("sqlite://")
    for position, (image_id, verdict) in enumerate(verdicts.items()):
        store.record(
            NewDecision(
                event_id=str(position),
                dataset=run.record.train.fingerprint,
                image_id=image_id,
                verdict=verdict,
                new_label="boot" if verdict == "relabel" else None,
                **fields,
            )
        )
    return store.current(run.record.train.fingerprint)


def with_ids(run, ids: dict[int, str]):
    """The same run with other ids at some rows."""
    values = run.values.copy()
    for row, image_id in ids.items():
        values.loc[row, "id"] = image_id
    changed = type(run)(run.path, run.record)
    changed.__dict__["values"] = values
    return changed


def test_the_table_has_every_image_in_order_with_its_decision(run):
    ids = run.values["id"].tolist()
    table = decision_table(run, decided(run, {ids[3]: "remove", ids[5]: "relabel"}))
    assert table["id"].tolist() == ids
    assert table["verdict"].tolist()[3:6] == ["remove", "undecided", "relabel"]
    assert table["new_label"].tolist()[5] == "boot"
    assert table.loc[table["rank"] == 1, "value"].item() == run.values["value"].min()


def test_a_table_without_any_decision_has_the_same_columns(run):
    table = decision_table(run, decided(run, {}))
    assert set(table["verdict"]) == {"undecided"}
    assert table.dtypes.equals(decision_table(run, decided(run, {"x": "keep"})).dtypes)


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_every_format_is_written_with_provenance_and_refuses_a_second_time(run, tmp_path, name):
    ids = run.values["id"].tolist()
    frame = decided(run, {ids[0]: "remove", "elsewhere.png": "keep"}, reviewer="Ada")
    files = export(run, frame, name, tmp_path / "out")
    assert all(path.is_file() for path in files)
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert facts["run"]["id"] == run.id
    assert facts["dataset_fingerprint"] == run.record.train.fingerprint
    assert facts["decisions"]["remove"] == 1
    assert facts["decisions_about_other_images"] == 1
    assert facts["reviewers"] == ["Ada"]
    assert {path.name for path in files} == {*facts["files"], "provenance.json"}
    with pytest.raises(RunError, match="not an empty folder"):
        export(run, frame, name, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_lists_hold_every_image_once(run, tmp_path):
    ids = run.values["id"].tolist()
    frame = decided(run, {ids[0]: "remove", ids[1]: "unsure", ids[2]: "keep"})
    files = export_files(run, frame, "lists")
    assert files["remove.txt"].decode().splitlines() == [ids[0]]
    assert files["keep.txt"].decode().splitlines() == ids[1:]


def test_a_line_break_in_an_id_is_named_and_the_nul_variant_holds_it(run):
    odd = with_ids(run, {4: "two\nlines.png"})
    frame = decided(run, {"two\nlines.png": "remove"})
    with pytest.raises(DataError, match=r"two\\nlines\.png"):
        export_files(odd, frame, "lists")
    assert export_files(odd, frame, "lists-nul")["remove.nul"] == b"two\nlines.png\0"


def test_formulas_are_neutralized_in_csv_only(run):
    formula = '=HYPERLINK("http://x","y"),1\n2'
    odd = with_ids(run, {0: formula})
    frame = decided(run, {formula: "keep"}, note="@SUM(A1)", reviewer="-x")
    rows = csv.DictReader(io.StringIO(export_files(odd, frame, "csv")["decisions.csv"].decode()))
    first = next(rows)
    assert (first["id"], first["note"], first["reviewer"]) == (f"'{formula}", "'@SUM(A1)", "'-x")
    assert float(first["value"]) == run.values["value"].iloc[0]  # a negative number stays one
    parquet = pd.read_parquet(io.BytesIO(export_files(odd, frame, "parquet")["decisions.parquet"]))
    assert parquet["id"].iloc[0] == formula
    loaded = json.loads(export_files(odd, frame, "json")["decisions.json"])
    assert (loaded[0]["id"], loaded[0]["note"]) == (formula, "@SUM(A1)")
    assert loaded[1]["note"] is None


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image_id=TEXT)
def test_any_id_is_read_back_from_every_table(run, image_id):
    odd = with_ids(run, {7: image_id})
    frame = decided(run, {image_id: "remove"})
    text = export_files(odd, frame, "csv")["decisions.csv"].decode()
    row = list(csv.DictReader(io.StringIO(text, newline="")))[7]
    assert row["id"] in (image_id, f"'{image_id}")
    assert row["id"] != image_id or image_id[0] not in "=+-@\t\r"
    parquet = pd.read_parquet(io.BytesIO(export_files(odd, frame, "parquet")["decisions.parquet"]))
    loaded = json.loads(export_files(odd, frame, "json")["decisions.json"])
    assert parquet["id"].iloc[7] == loaded[7]["id"] == image_id
    assert parquet["verdict"].iloc[7] == loaded[7]["verdict"] == row["verdict"] == "remove"


def test_the_archive_holds_the_same_files(run):
    frame = decided(run, {})
    with zipfile.ZipFile(io.BytesIO(export_archive(run, frame, "lists"))) as archive:
        assert sorted(archive.namelist()) == ["keep.txt", "provenance.json", "remove.txt"]
        assert archive.read("remove.txt") == b""


def test_an_unknown_format_is_named(run):
    with pytest.raises(ConfigError, match="xlsx"):
        export_files(run, decided(run, {}), "xlsx")
