"""An export is whole or absent, never over anything, and says where it came from."""

from __future__ import annotations

import errno
import json
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from core.curation import FORMATS, PlanSettings, export, export_archive, make_plan
from core.errors import Cancelled, ConfigError, RunError
from tests.core.curation.exports.cases import decided, folder_source, run_on


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("home")
    return run_on(root / "run", folder_source(root / "data"))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_is_written_with_provenance_and_refuses_a_second_time(run, tmp_path, name):
    frame = decided(run, {0: "remove", 1: "keep"})
    frame["carried_from"] = ["0123", None]
    plan = make_plan(run, frame, PlanSettings(budget="count", amount=3, class_minimum=1))
    effect = {"before": {"transport_cost": 2.0}, "after": {"transport_cost": 1.0}}
    files = export(run, frame, name, tmp_path / "out", plan=plan, effect=effect)
    assert all(path.exists() for path in files)
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert facts["run"]["id"] == run.id
    assert facts["dataset_fingerprint"] == run.record.train.fingerprint
    assert facts["decisions"] == {
        "keep": 1, "remove": 1, "relabel": 0, "unsure": 0, "undecided": 10,
    }  # fmt: skip
    assert facts["decisions_carried_over"] == {"0123": 1}
    assert facts["reviewers"] == ["Ada"]
    assert facts["plan"]["settings"]["amount"] == 3
    assert facts["plan"]["removed_by_plan"] == 2
    assert facts["effect_on_ot_distance"] == effect
    assert {path.name for path in files} == {*facts["files"], "provenance.json"}
    with pytest.raises(RunError, match="not an empty folder"):
        export(run, frame, name, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_written_to_and_a_file_is_not(run, tmp_path):
    (tmp_path / "empty").mkdir()
    export(run, decided(run, {}), "json", tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="not an empty folder"):
        export(run, decided(run, {}), "json", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_is_told_plainly_and_leaves_nothing(run, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(RunError, match="is full; nothing was written"):
        export(run, decided(run, {}), "folder", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_hard_links_names_the_other_ways(run, tmp_path, monkeypatch):
    def other_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", other_disk)
    with pytest.raises(RunError, match="Take symbolic links or copies"):
        export(run, decided(run, {}), "folder", tmp_path / "out", link="hard")
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_export_leaves_nothing(run, tmp_path):
    def stop(stage: str, done: float, detail: str = "") -> None:
        if stage == "Writing":
            raise Cancelled("Cancelled; nothing was written.")

    with pytest.raises(Cancelled):
        export(run, decided(run, {}), "folder", tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_archive_holds_the_same_files(run, tmp_path):
    frame = decided(run, {0: "remove"})
    for name, item in FORMATS.items():
        if item.large:
            with pytest.raises(ConfigError, match="write it to a folder"):
                export_archive(run, frame, name)
            continue
        written = export(run, frame, name, tmp_path / name)
        with zipfile.ZipFile(BytesIO(export_archive(run, frame, name))) as archive:
            assert sorted(archive.namelist()) == sorted(path.name for path in written)
            for path in written:
                if path.name != "provenance.json" and path.suffix != ".parquet":
                    assert archive.read(path.name) == path.read_bytes()
