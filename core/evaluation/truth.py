"""Truth files: which images are known to be faulty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from core.errors import DataError

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, dtype=str, keep_default_na=False),
    ".parquet": pd.read_parquet,
    ".json": lambda path: pd.read_json(path, dtype=False),
}
NO_FAULT = ("", "none", "clean")


def read_truth(path: Path) -> pd.DataFrame:
    """Read a truth file: one row a faulty image.

    CSV, Parquet or JSON (records) with the column `id`, and optionally `fault`, the kind of fault
    ("faulty" where it is absent). Rows whose fault is empty, "none" or "clean" are images known to
    be sound, and are left out. Other columns are kept.

    Raises
    ------
    DataError
        The file is missing or of another kind, lacks the column `id`, or names an image twice.
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
    truth = table.assign(id=table["id"].astype(str))
    truth["fault"] = truth["fault"].fillna("").astype(str) if "fault" in truth else "faulty"
    truth = truth.reset_index(drop=True)
    truth = truth[~truth["fault"].str.lower().isin(NO_FAULT)]
    repeated = truth["id"][truth["id"].duplicated()]
    if len(repeated):
        row = int(repeated.index[0])
        raise DataError(
            f"{name}: the image {repeated.iloc[0]!r} is named twice (again in row {row + 1})."
        )
    return truth.reset_index(drop=True)
