"""The evidence on one image of a run: copies of it above all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError
from core.runs import Run, RunEvidence, open_run
from tests.factories import make_run


def evidence_of(run: Run) -> RunEvidence:
    return RunEvidence(open_run(run.path), run.open_images)


def with_copies(tmp_path: Path, run: Run, source: int, rows: list[int], held: list[int]) -> None:
    """Make other images of a run show what image `source` does, nearly where features are."""
    x, y = np.array(run.x), np.array(run.y)
    x[rows], y[held] = x[source] + 1e-3, x[source] + 1e-3
    np.save(run.path / "train_embeddings.npy", x)
    np.save(run.path / "validation_embeddings.npy", y)
    if run.record.train.has_pictures:
        for table, chosen in ((run.values, rows), (run.validation, held)):
            for path in table["path"].iloc[chosen]:
                shutil.copyfile(run.values["path"].iloc[source], path)


def test_copies_of_pictures_are_found_in_both_sets(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with_copies(tmp_path, run, 4, [9, 40], [3])
    found = evidence_of(run).of(4)
    assert sorted(found.training_copies.rows) == [9, 40]
    np.testing.assert_array_equal(found.validation_copies.rows, [3])
    assert found.training_copies.exact.all()
    assert "pixels" in found.rule


def test_near_in_features_is_not_enough_where_pictures_differ(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    x = np.array(run.x)
    x[30] = x[4]
    np.save(run.path / "train_embeddings.npy", x)
    found = evidence_of(run).of(4)
    assert (found.training.rows[0], found.training.distance[0]) == (30, 0.0)
    assert 30 not in found.training_copies.rows


def test_the_same_content_is_a_copy_wherever_the_features_lie(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    content = run.content.copy()
    content[[50, 51]] = content[4]
    run.values.assign(content=content).to_parquet(run.path / "values.parquet")
    copies = evidence_of(run).of(4).training_copies
    assert {50, 51} <= set(copies.rows.tolist())
    assert copies.exact[np.isin(copies.rows, [50, 51])].all()


def test_a_run_from_before_contents_were_kept_has_copies_by_its_pictures(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with_copies(tmp_path, run, 4, [9], [])
    for name in ("values", "validation"):
        table = getattr(run, name).drop(columns="content")
        table.to_parquet(run.path / f"{name}.parquet")
    copies = evidence_of(run).of(4).training_copies
    np.testing.assert_array_equal(copies.rows, [9])
    np.testing.assert_array_equal(copies.exact, [True])


def test_without_pictures_a_copy_is_much_nearer_than_neighbors_are(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", pictures=False)
    with_copies(tmp_path, run, 4, [9], [3])
    found = evidence_of(run).of(4)
    np.testing.assert_array_equal(found.training_copies.rows, [9])
    np.testing.assert_array_equal(found.validation_copies.rows, [3])
    assert not found.training_copies.exact.any()
    assert "embedding" in found.rule


def test_evidence_stands_where_the_pictures_are_gone(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with_copies(tmp_path, run, 4, [9], [])

    def gone(_: str):
        raise DataError("The folder is gone.")

    found = RunEvidence(open_run(run.path), gone).of(4)
    assert found.reasons
    assert "embedding" in found.rule, "pixels were not compared"
    np.testing.assert_array_equal(found.training_copies.rows, [9])


def test_what_is_flagged_lies_below_the_cut_of_the_run(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    evidence = evidence_of(run)
    order = np.argsort(run.values["value"].to_numpy())
    assert evidence.of(int(order[0])).flagged
    assert not evidence.of(int(order[-1])).flagged


def test_a_run_of_one_image_has_no_neighbors_and_still_evidence(tmp_path: Path) -> None:
    found = evidence_of(make_run(tmp_path / "run", n=1, m=1)).of(0)
    assert len(found.training.rows) == 0
    assert found.reasons


@pytest.mark.parametrize("row", [-1, 60])
def test_a_row_that_is_not_there_is_an_index_error(tmp_path: Path, row: int) -> None:
    with pytest.raises(IndexError):
        evidence_of(make_run(tmp_path / "run")).of(row)
