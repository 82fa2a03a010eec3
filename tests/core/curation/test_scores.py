"""Scores of other tools and other runs are joined by id, and the report says what did not match."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.curation import (
    ScoreColumn,
    forget_scores,
    import_scores,
    read_scores,
    score_columns,
    scores_version,
)
from core.errors import ConfigError, DataError
from core.evaluation import harmful_cut
from core.runs import Run, write_run
from tests.factories import make_home_run, make_valuation


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_home_run(tmp_path / "home", n=30)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def csv(folder: Path, rows: list[tuple[str, ...]], head: tuple[str, ...] = ("id", "score")) -> Path:
    path = folder / "tool.csv"
    pd.DataFrame(rows, columns=list(head)).to_csv(path, index=False)
    return path


def only(home: Path, run: Run) -> ScoreColumn:
    (column,) = score_columns(home, run)
    return column


def test_rows_are_joined_by_id_whatever_their_order(tmp_path: Path, home: Path, run: Run) -> None:
    ids = run.values["id"].tolist()
    path = csv(tmp_path, [(i, str(number)) for number, i in enumerate(ids)][::-1])
    report = import_scores(home, run, read_scores(path), column="score", better="lower")
    assert (report.matched, report.missing, report.unmatched) == (30, 0, 0)
    column = only(home, run)
    np.testing.assert_array_equal(column.values, np.arange(30, dtype=np.float32))
    np.testing.assert_array_equal(column.ranks, np.arange(30, 0, -1))
    assert column.flagged is None


def test_report_names_what_did_not_match(tmp_path: Path, home: Path, run: Run) -> None:
    ids = run.values["id"].tolist()
    rows = [(ids[0], "1.5"), (ids[1], "oops"), (ids[2], ""), (ids[3], "2"), (ids[3], "3")]
    path = csv(tmp_path, [*rows, (ids[4], "7"), (ids[4], "7"), ("gone.png", "4"), (ids[5], "inf")])
    report = import_scores(home, run, read_scores(path), column="score", better="higher")
    assert report.not_numbers_listed == ((2, ids[1], "oops"), (9, ids[5], "inf"))
    assert (report.unmatched, report.unmatched_listed) == (1, ("gone.png",))
    assert (report.repeated, report.repeated_listed) == (1, (ids[3],))
    assert (report.matched, report.missing, report.rows) == (2, 28, 9)
    values = only(home, run).values
    assert np.flatnonzero(np.isfinite(values)).tolist() == [0, 4]


def test_flags_of_a_cleanlab_file_are_found(tmp_path: Path, home: Path, run: Run) -> None:
    ids = run.values["id"].tolist()
    table = pd.DataFrame({"id": ids, "is_label_issue": [True, *[False] * 29], "label_score": 0.5})
    table.to_parquet(tmp_path / "issues.parquet")
    read = read_scores(tmp_path / "issues.parquet")
    assert (read.numeric, read.flags) == (("label_score",), ("is_label_issue",))
    report = import_scores(
        home, run, read, column="label_score", better="higher", flag="is_label_issue"
    )
    assert report.flagged == 1
    flagged = only(home, run).flagged
    assert flagged is not None
    assert np.flatnonzero(flagged).tolist() == [0]


def test_same_title_replaces_and_forgetting_removes(tmp_path: Path, home: Path, run: Run) -> None:
    image = run.values["id"].iloc[0]
    versions = [scores_version(home, run)]
    for score in ("1", "2"):
        read = read_scores(csv(tmp_path, [(image, score)]))
        import_scores(home, run, read, column="score", better="higher")
        versions.append(scores_version(home, run))
    assert only(home, run).values[0] == 2.0
    assert forget_scores(home, run, only(home, run).key)
    assert score_columns(home, run) == []
    assert not forget_scores(home, run, "file-../../../etc")
    assert len(set(versions)) == 3


def test_ids_that_all_differ_are_refused_with_one_of_each(
    tmp_path: Path, home: Path, run: Run
) -> None:
    read = read_scores(csv(tmp_path, [("/data/bag/1.png", "1")]))
    with pytest.raises(DataError, match=r"/data/bag/1\.png.*bag/00000\.png"):
        import_scores(home, run, read, column="score", better="higher")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "image ids"),
        ("id,b\n", "no rows"),
        ("id,b\nx,y\n", "no column holds numbers"),
    ],
)
def test_a_file_without_scores_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_scores(tmp_path / "bad.csv")


def test_damaged_files_do_not_take_the_review_away(tmp_path: Path, home: Path, run: Run) -> None:
    folder = home / "scores" / run.record.train.fingerprint
    folder.mkdir(parents=True)
    (folder / "0123456789ab.parquet").write_bytes(b"PAR1 not really")
    assert score_columns(home, run) == []


def test_direction_and_title_are_checked(tmp_path: Path, home: Path, run: Run) -> None:
    read = read_scores(csv(tmp_path, [(run.values["id"].iloc[0], "1")]))
    with pytest.raises(ConfigError, match="higher or a lower"):
        import_scores(home, run, read, column="score", better="up")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="printable"):
        import_scores(home, run, read, column="score", better="lower", title="a\x07")


def test_another_run_of_the_same_images_is_a_column_with_its_cut(home: Path, run: Run) -> None:
    record = dataclasses.replace(
        run.record,
        id="0123456789abcdef",
        method="sava",
        configuration={**run.record.configuration, "batch_size": 16},
    )
    turned = run.values.iloc[::-1].reset_index(drop=True)
    other = write_run(
        home / "runs" / record.id, record, turned, run.validation, make_valuation(30, 30, 3, 0),
        run.x[::-1], run.y,
    )  # fmt: skip
    column = only(home, run)
    assert (column.key, column.title, column.better) == (f"run-{other.id}", "SAVA", "higher")
    # The same images in another order: the values come back to where they belong.
    np.testing.assert_array_equal(column.values, run.values["value"].to_numpy(dtype=np.float32))
    assert column.flagged is not None
    expected = harmful_cut(run.values["value"].to_numpy()).harmful
    np.testing.assert_array_equal(column.flagged, expected)
