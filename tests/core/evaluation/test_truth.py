from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.errors import DataError
from core.evaluation import read_truth

ROWS = pd.DataFrame({"id": ["a/1.png", "002"], "fault": ["noise", "wrong-label"]})


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
def test_every_format_reads_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"truth.{suffix}"
    writers = {
        "csv": lambda: ROWS.to_csv(path, index=False),
        "parquet": lambda: ROWS.to_parquet(path),
        "json": lambda: ROWS.to_json(path, orient="records"),
    }
    writers[suffix]()
    assert read_truth(path)[["id", "fault"]].to_numpy().tolist() == ROWS.to_numpy().tolist()


def test_without_kinds_every_image_named_is_faulty(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("id\na\nb\n")
    assert read_truth(path)["fault"].tolist() == ["faulty", "faulty"]


def test_sound_images_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("id,fault\na,noise\nb,\nc,none\nd,Clean\n")
    assert read_truth(path)["id"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone.csv", None, "no such truth file"),
        ("truth.txt", "id\n", "must end in"),
        ("truth.csv", "image\na\n", "expected a column `id`, found image"),
        ("truth.csv", "id,fault\na,noise\na,noise\n", "'a' is named twice"),
        ("truth.csv", "id,noisy\na,0\nb,1\n", "the column `noisy` seems to say"),
        ("truth.parquet", "not parquet", "cannot be read as parquet"),
        ("truth.json", "{", "cannot be read as json"),
    ],
)
def test_bad_files_are_named_with_the_reason(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_truth(tmp_path / name)


def test_the_row_of_a_repeated_image_is_counted_in_the_file(tmp_path: Path) -> None:
    """It was counted among the faulty rows only."""
    path = tmp_path / "truth.csv"
    path.write_text("id,fault\na,noise\nb,none\nc,none\na,noise\n")
    with pytest.raises(DataError, match="again in row 4"):
        read_truth(path)


@pytest.mark.parametrize("flags", [("1", "0"), ("True", "False"), ("1.0", "0.0")])
def test_a_fault_may_be_said_by_a_flag(tmp_path: Path, flags: tuple[str, str]) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(f"id,fault\na,{flags[0]}\nb,{flags[1]}\n")
    truth = read_truth(path)
    assert truth[["id", "fault"]].to_numpy().tolist() == [["a", "faulty"]]
