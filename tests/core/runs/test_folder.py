"""A run folder is whole or absent, and says what it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import DataError, RunError
from core.evaluation import harmful_cut
from core.runs import Run, find_run, home, link_run, list_jobs, list_runs, open_run, write_run
from core.runs.folder import FILES
from core.runs.tables import COLUMNS, RESEMBLANCE_COLUMNS
from core.runs.writing import partial_name, sweep_partial
from tests.factories import make_home_run, make_run, make_valuation

HOSTILE = ["../x", "..", "", "/etc/passwd", "0123456789abcde", "0123456789ABCDEF", "0" * 16 + "\n"]


def test_a_run_reads_back_as_it_was_written(tmp_path: Path) -> None:
    made = make_run(tmp_path / "runs" / "one", n=40, m=20, v=3, seed=4)
    run = open_run(tmp_path / "runs" / "one")
    valuation = make_valuation(40, 20, 3, 4)
    assert run.record == made.record
    assert tuple(run.values.columns) == COLUMNS + RESEMBLANCE_COLUMNS
    assert tuple(run.validation.columns) == COLUMNS
    np.testing.assert_array_equal(run.values["looks_like"], valuation.looks_like)
    assert len(run.values) == 40
    assert len(run.validation) == 20
    np.testing.assert_array_equal(run.values["value"], -valuation.calibrated_gradient)
    np.testing.assert_array_equal(run.potentials.f, valuation.f)
    np.testing.assert_array_equal(run.potentials.g, valuation.g)
    np.testing.assert_array_equal(run.label_distances, valuation.label_distances)
    assert run.x.shape == (40, 8)
    assert run.y.shape == (20, 8)
    assert run.x.dtype == np.float32


def test_what_a_method_adds_reads_back(tmp_path: Path) -> None:
    made = make_run(tmp_path / "runs" / "one", n=40, m=20, v=3)
    cost = np.arange(6.0).reshape(2, 3)
    valuation = replace(
        make_valuation(40, 20, 3, 0),
        score=np.arange(40.0),
        columns={"label_surprise": np.arange(40.0)},
        arrays={"batch_cost": cost},
    )
    values = made.values.assign(value=valuation.value, **valuation.columns)
    record = replace(made.record, details={"batches": {"training": 2}})
    write_run(
        tmp_path / "two",
        record,
        values,
        made.validation,
        valuation,
        np.array(made.x),
        np.array(made.y),
    )
    run = open_run(tmp_path / "two")
    np.testing.assert_array_equal(run.values["value"], -np.arange(40.0))
    np.testing.assert_array_equal(run.values["label_surprise"], np.arange(40.0))
    np.testing.assert_array_equal(run.arrays["batch_cost"], cost)
    assert run.record.details == {"batches": {"training": 2}}
    assert made.arrays == {}
    (tmp_path / "two" / "method.npz").write_bytes(b"not an archive")
    with pytest.raises(RunError, match=r"method\.npz"):
        _ = open_run(tmp_path / "two").arrays


def test_a_run_knows_whether_it_ranks_by_the_gradient(tmp_path: Path) -> None:
    assert make_run(tmp_path / "gradient").ranks_by_gradient
    scored = make_run(tmp_path / "score")
    table = scored.values.assign(value=3 * scored.values["value"])
    table.to_parquet(scored.path / "values.parquet", index=False)
    assert not open_run(scored.path).ranks_by_gradient


def test_a_run_is_readable_without_assay(tmp_path: Path) -> None:
    out = make_run(tmp_path / "runs" / "one").path
    record = json.loads((out / "run.json").read_text())
    assert record["status"] == "done"
    assert record["schema_version"] == 1
    table = pd.read_parquet(out / "label_distances.parquet")
    assert list(table.columns) == ["train_class", "validation_class", "distance"]
    assert table.iloc[1].tolist()[:2] == ["bag", "boot"]


def test_label_distances_of_an_empty_class_stay_nan(tmp_path: Path) -> None:
    made = make_run(tmp_path / "runs" / "one", v=2)
    valuation = make_valuation(60, 30, 2, 0)
    valuation.label_distances[0, 1] = np.nan
    run = write_run(
        tmp_path / "two", made.record, made.values, made.validation, valuation, made.x, made.y
    )
    assert np.isnan(open_run(run.path).label_distances[0, 1])


@pytest.mark.parametrize("kind", ["full folder", "file", "dangling link"])
def test_writing_refuses_what_is_there_already(tmp_path: Path, kind: str) -> None:
    made = make_run(tmp_path / "runs" / "one")
    out = tmp_path / "out"
    if kind == "full folder":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    valuation = make_valuation(60, 30, 3, 0)
    with pytest.raises(RunError, match="not an empty folder"):
        write_run(out, made.record, made.values, made.validation, valuation, made.x, made.y)
    assert sorted(tmp_path.rglob("*")) == before


def test_writing_into_an_empty_folder_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    assert make_run(tmp_path / "runs" / "one").path.is_dir()


def test_a_failure_on_the_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(RunError, match="No space left"):
        make_run(tmp_path / "runs" / "one")
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_folder_with_a_file_missing_is_no_run(tmp_path: Path, name: str) -> None:
    out = make_run(tmp_path / "runs" / "one").path
    (out / name).unlink()
    with pytest.raises(RunError, match=name):
        open_run(out)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "schema version"),
        ('{"schema_version": 99}', "schema version 1, found 99"),
        ('{"schema_version": 1}', "damaged"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str, reason: str) -> None:
    out = make_run(tmp_path / "runs" / "one").path
    (out / "run.json").write_text(text)
    with pytest.raises(RunError, match=reason):
        open_run(out)


def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "one")
    raw = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**raw, "mood": "good"}))
    assert open_run(run.path).record == run.record


def test_runs_are_listed_newest_first_and_broken_ones_left_out(tmp_path: Path) -> None:
    old = make_home_run(tmp_path, created="2026-01-01T00:00:00+00:00")
    new = make_home_run(tmp_path, created="2026-01-02T00:00:00+00:00")
    broken = make_home_run(tmp_path, seed=9)
    (broken.path / "values.parquet").unlink()
    (tmp_path / "runs" / "notes").mkdir()
    assert [run.id for run in list_runs(tmp_path)] == [new.id, old.id]


def test_a_home_without_runs_lists_none(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []


@pytest.mark.parametrize("run_id", HOSTILE)
def test_an_id_that_is_not_one_never_reaches_the_disk(tmp_path: Path, run_id: str) -> None:
    make_run(tmp_path / "x")
    (tmp_path / "runs").mkdir()
    with pytest.raises(RunError, match="16 hexadecimal digits"):
        find_run(tmp_path, run_id)


def test_an_unknown_id_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no run 0123456789abcdef"):
        find_run(tmp_path, "0123456789abcdef")


def test_a_linked_run_is_found_where_it_lies(tmp_path: Path) -> None:
    made = make_run(tmp_path / "elsewhere" / "one")
    state = tmp_path / "state"
    assert link_run(state, made.path).id == made.id
    assert find_run(state, made.id).path == made.path
    assert [run.id for run in list_runs(state)] == [made.id]


def test_a_run_of_home_needs_no_link(tmp_path: Path) -> None:
    made = make_home_run(tmp_path)
    link_run(tmp_path, made.path)
    assert not list((tmp_path / "runs").glob("*.link"))


def test_a_link_to_another_run_is_refused(tmp_path: Path) -> None:
    made = make_run(tmp_path / "elsewhere" / "one")
    link_run(tmp_path, made.path)
    wrong = "f" * 16
    (tmp_path / "runs" / f"{made.id}.link").rename(tmp_path / "runs" / f"{wrong}.link")
    with pytest.raises(RunError, match=f"holds the run {made.id}"):
        find_run(tmp_path, wrong)


def test_only_leftovers_of_ended_processes_are_swept(tmp_path: Path) -> None:
    mine = tmp_path / partial_name("one")
    ended = tmp_path / ".one.999999999.boot-1.abcd.partial"
    reused = tmp_path / f".one.{os.getpid()}.boot-1.abcd.partial"
    stranger = tmp_path / ".somebody.partial"
    for path in (mine, ended, reused, stranger):
        path.mkdir()
    sweep_partial(tmp_path)
    assert mine.exists()
    assert stranger.exists()
    assert not ended.exists()
    assert not reused.exists()


def test_a_process_killed_while_it_writes_leaves_no_run(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from tests.factories import make_home_run\n"
        "def stall(*_):\n    print('all but renamed', flush=True)\n    time.sleep(60)\n"
        "pathlib.Path.replace = stall\n"
        "make_home_run(pathlib.Path(sys.argv[1]))\n"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"renamed" in process.stdout.readline()
        process.kill()
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert list_runs(tmp_path) == []
    assert list_jobs(tmp_path) == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_record_with_numbers_that_are_none_is_not_written(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "one")
    with pytest.raises(ValueError, match="JSON compliant"):
        replace(run.record, primal=float("nan")).to_json()


def test_home_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "state"))
    assert home() == tmp_path / "state"
    assert home().is_dir()


def test_pictures_open_again_row_for_row(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "one", n=12, m=6)
    shuffled = run.values.sample(frac=1, random_state=3, ignore_index=True).iloc[:8]
    run.__dict__["values"] = shuffled
    data = run.open_images("train")
    assert data.ids.tolist() == shuffled["id"].tolist()


def test_a_picture_that_is_gone_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "one", n=12, m=6)
    gone = run.values["id"].iloc[5]
    (Path(run.record.train.source) / gone).unlink()
    with pytest.raises(DataError, match=gone):
        run.open_images("train")


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """A parent that cannot be made ended in a FileNotFoundError or a NotADirectoryError."""
    run = make_run(tmp_path / "run")
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "file" / "inner" / "run"
    valuation = make_valuation(60, 30, 3, 0)
    with pytest.raises(RunError, match="cannot be written"):
        write_run(out, run.record, run.values, run.validation, valuation, run.x, run.y)


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    """A cut archive raised BadZipFile, an empty array EOFError."""
    run = make_run(tmp_path / "run")
    for name in ("potentials.npz", "train_embeddings.npy"):
        content = (run.path / name).read_bytes()
        (run.path / name).write_bytes(content[: len(content) // 2] if "npz" in name else b"")
    with pytest.raises(RunError, match="potentials"):
        _ = open_run(run.path).potentials
    with pytest.raises(RunError, match="train_embeddings"):
        _ = open_run(run.path).x


def test_rows_are_found_by_id(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    ids = run.values["id"]
    assert run.rows_of([ids[7], "nowhere", ids[0], ids[7]]).tolist() == [7, -1, 0, 7]
    assert run.rows_of([]).tolist() == []


def test_a_run_made_before_contents_were_kept_knows_none(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert 0 not in run.content and len(set(run.content.tolist())) == len(run.values)
    run.values.drop(columns="content").to_parquet(run.path / "values.parquet", index=False)
    assert set(open_run(run.path).content.tolist()) == {0}


def test_the_order_is_worst_first_and_ties_are_in_the_order_of_the_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "one", n=5, m=20, v=2)
    run.values["value"] = [0.5, -1.0, 0.5, -0.0, 0.0]
    np.testing.assert_array_equal(run.order, [1, 3, 4, 0, 2])
    np.testing.assert_array_equal(run.ranks, [4, 1, 5, 2, 3])


def test_the_cut_is_that_of_even_odds_where_values_say_so(tmp_path: Path) -> None:
    plain = make_run(tmp_path / "runs" / "one", n=40, m=20, v=3)
    assert plain.cut.threshold == harmful_cut(plain.values["value"].to_numpy()).threshold
    odds = Run(plain.path, replace(plain.record, details={"fusion": {}}))
    assert odds.cut.threshold == 0.0


def test_each_set_that_was_joined_has_its_rows(tmp_path: Path) -> None:
    made = make_run(tmp_path / "runs" / "one", n=10, m=20, v=2)
    assert made.parts == [(made.record.train, slice(0, 10))]
    assert not made.part.any()
    first, last = (replace(made.record.train, images=images) for images in (7, 3))
    joined = Run(made.path, replace(made.record, parts=(first, last)))
    assert joined.parts == [(first, slice(0, 7)), (last, slice(7, 10))]
    np.testing.assert_array_equal(joined.part, [0] * 7 + [1] * 3)
