"""Truth files: which images are known to be faulty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import DataError

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".parquet": pd.read_parquet,
    ".json": lambda path: pd.read_json(path, dtype=False),
}
NO_FAULT = ("", "none", "clean", "0", "false")
_SOME_FAULT = ("1", "true")
_FLAGS = {"0", "1", "0.0", "1.0", "true", "false"}


def read_truth(path: Path) -> pd.DataFrame:
    """Read a truth file: one row a faulty image.

    CSV, Parquet or JSON (records) with the column `id`, and optionally `fault`, the kind of fault
    ("faulty" where it is absent). Rows whose fault is empty, "none", "clean", 0 or false are images
    known to be sound, and are left out; 1 and true are faults of no named kind. Other columns are
    kept.

    Raises
    ------
    DataError
        The file is missing or of another kind, lacks the column `id`, names an image twice, or
        flags images in a column of another name than `fault`.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such truth file.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: a truth file must end in {', '.join(_READERS)}.")
    try:
        table = reader(path)
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: this cannot be read as {path.suffix[1:]}: {error}.") from error
    return checked_truth(table, str(path))


def checked_truth(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of a truth table that name a fault; `name` is what errors call it."""
    if "id" not in table.columns:
        raise DataError(
            f"{name}: expected a column `id`, found {', '.join(map(str, table.columns)) or 'none'}."
        )
    truth = table.assign(id=table["id"].astype(str)).reset_index(drop=True)
    truth["fault"] = _faults(truth, name)
    truth = truth[~truth["fault"].str.lower().isin(NO_FAULT)]
    repeated = truth["id"][truth["id"].duplicated()]
    if len(repeated):
        row = int(repeated.index[0])
        raise DataError(
            f"{name}: the image {repeated.iloc[0]!r} is named twice (again in row {row + 1})."
        )
    return truth.reset_index(drop=True)


def _faults(truth: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return the kind of fault of each row, one of `NO_FAULT` where there is none."""
    if "fault" in truth.columns:
        # Missing values make floats of a column of 0 and 1.
        fault = truth["fault"].fillna("").astype(str).str.replace(r"^([01])\.0$", r"\1", regex=True)
        return fault.mask(fault.str.lower().isin(_SOME_FAULT), "faulty")
    flags = [x for x in truth.columns if len(said := _texts(truth[x])) > 1 and said <= _FLAGS]
    if flags:
        raise DataError(
            f"{name}: the column `{flags[0]}` seems to say which images are faulty. Name it "
            "`fault`; without a column of that name every image listed counts as faulty."
        )
    return pd.Series("faulty", index=truth.index)


def _texts(column: pd.Series[Any]) -> set[str]:
    return set(column.astype(str).str.lower())
