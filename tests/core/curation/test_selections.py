"""Selections: the same images have one name, and a name leads to nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.curation import keep_selection, read_selection
from core.errors import DataError, RunError
from core.runs import Run
from tests.factories import make_home_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_home_run(tmp_path, pictures=False)


def test_a_selection_is_read_back_in_order_and_once_each(tmp_path: Path, run: Run) -> None:
    name = keep_selection(tmp_path, run, np.array([7, 3, 3, 59]))
    np.testing.assert_array_equal(read_selection(tmp_path, run, name), [3, 7, 59])


def test_the_same_images_have_the_same_name_and_others_another(tmp_path: Path, run: Run) -> None:
    name = keep_selection(tmp_path, run, np.array([3, 7]))
    assert keep_selection(tmp_path, run, np.array([7, 3])) == name
    assert keep_selection(tmp_path, run, np.array([7, 4])) != name
    kept = tmp_path / "selections" / run.id
    assert len(list(kept.iterdir())) == 2, "nothing half written is left"


@pytest.mark.parametrize("rows", [[], [-1], [60], [0, 10**12]])
def test_rows_that_the_run_does_not_have_are_refused(
    tmp_path: Path, run: Run, rows: list[int]
) -> None:
    with pytest.raises(DataError):
        keep_selection(tmp_path, run, np.array(rows, dtype=np.int64))


@pytest.mark.parametrize("name", ["", "../../secret", "0" * 16, "A" * 16, "0" * 16 + "\n"])
def test_a_name_of_no_selection_is_explained(tmp_path: Path, run: Run, name: str) -> None:
    with pytest.raises(RunError, match="no such selection"):
        read_selection(tmp_path, run, name)


def test_a_damaged_selection_is_explained(tmp_path: Path, run: Run) -> None:
    name = keep_selection(tmp_path, run, np.array([3]))
    (tmp_path / "selections" / run.id / f"{name}.npy").write_bytes(b"\x93NUMPY nothing")
    with pytest.raises(RunError, match="no such selection"):
        read_selection(tmp_path, run, name)


def test_selecting_again_mends_a_damaged_selection(tmp_path: Path, run: Run) -> None:
    """What was there was never written again, so the advice to select again led nowhere."""
    name = keep_selection(tmp_path, run, np.array([3]))
    (tmp_path / "selections" / run.id / f"{name}.npy").write_bytes(b"")
    assert keep_selection(tmp_path, run, np.array([3])) == name
    np.testing.assert_array_equal(read_selection(tmp_path, run, name), [3])


def test_a_selection_that_cannot_be_kept_says_so(tmp_path: Path, run: Run) -> None:
    (tmp_path / "selections").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be kept"):
        keep_selection(tmp_path, run, np.array([3]))
