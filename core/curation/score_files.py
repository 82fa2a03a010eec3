"""Files of scores that another tool gave the images: read, and joined to a run by id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from core.errors import DataError

ID_COLUMNS = ("id", "image_id", "path", "filepath", "filename")
SUFFIXES = (".csv", ".parquet")
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})
_TRUE, _FALSE = frozenset({"true", "1", "1.0", "yes"}), frozenset({"false", "0", "0.0", "no"})
_LISTED = 20
_LOOKED_AT = 1000  # rows that tell what a column of text holds


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """A file of scores as it was read; nothing is joined yet.

    Attributes
    ----------
    name : of the file
    table : its rows; all columns are text where it was CSV
    id_column : the column that names the images
    numeric, flags : columns that seem to hold numbers, and those that seem to say yes or no
    """

    name: str
    table: pd.DataFrame
    id_column: str
    numeric: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinReport:
    """How the rows of a file of scores met the images of a run.

    Attributes
    ----------
    rows : rows of the file
    images : images of the run
    matched : images of the run that have a score now
    missing : images of the run that have none
    unmatched : rows whose id the run does not have
    unmatched_listed : the first of these ids
    repeated : ids that several rows of the file name with scores that differ; they are left out
    repeated_listed : the first of them
    not_numbers : rows whose score is neither a finite number nor empty; they are left out
    not_numbers_listed : the first of them, as (row, counted from 1; id; text)
    flagged : images of the run that the file flags, None where it has no flags
    """

    rows: int
    images: int
    matched: int
    missing: int
    unmatched: int
    unmatched_listed: tuple[str, ...] = ()
    repeated: int = 0
    repeated_listed: tuple[str, ...] = ()
    not_numbers: int = 0
    not_numbers_listed: tuple[tuple[int, str, str], ...] = ()
    flagged: int | None = None


def read_scores(
    source: Path | IO[bytes], name: str | None = None, *, id_column: str | None = None
) -> ScoreTable:
    """Read a CSV or Parquet file of scores.

    Parameters
    ----------
    source : a path, or an open file
    name : what the file is called; its ending says the kind. None for the name of the path
    id_column : the column that holds the image ids; None for the first of `ID_COLUMNS` there is

    Raises
    ------
    DataError
        The file is missing, of another kind or damaged, has no such column, or no column of
        numbers.
    """
    name = name or (source.name if isinstance(source, Path) else "scores")
    table = _read(source, name)
    named = [id_column] if id_column else [x for x in ID_COLUMNS if x in table.columns][:1]
    if not named or named[0] not in table.columns:
        raise DataError(
            f"{name}: expected a column with the image ids, called "
            f"{named[0] if named else ' or '.join(ID_COLUMNS)}; found "
            f"{', '.join(map(str, table.columns)) or 'no columns'}."
        )
    if not len(table):
        raise DataError(f"{name}: the file has no rows.")
    others = [str(x) for x in table.columns if x != named[0]]
    flags = tuple(x for x in others if _is_flag(table[x]))
    numeric = tuple(x for x in others if x not in flags and _is_numeric(table[x]))
    if not numeric:
        raise DataError(f"{name}: no column holds numbers; found {', '.join(others) or 'none'}.")
    return ScoreTable(name=name, table=table, id_column=named[0], numeric=numeric, flags=flags)


def _read(source: Path | IO[bytes], name: str) -> pd.DataFrame:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{name}: a file of scores must end in {' or '.join(SUFFIXES)}.")
    if isinstance(source, Path) and not source.is_file():
        raise DataError(f"{source}: there is no such file of scores.")
    try:
        if suffix == ".parquet":
            table = pd.read_parquet(source)
        else:
            table = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError, pa.ArrowException) as error:
        raise DataError(f"{name}: this cannot be read as {suffix[1:]}: {error}.") from error
    table.columns = table.columns.map(str)
    return table


def _is_flag(column: pd.Series[str]) -> bool:
    if types.is_bool_dtype(column):
        return True
    if types.is_numeric_dtype(column):
        return False
    seen = set(_texts(column.head(_LOOKED_AT)).str.lower()) - _MISSING
    # 0 and 1 may be scores as well; words are not.
    return bool(seen & {"true", "false", "yes", "no"}) and seen <= _TRUE | _FALSE


def _is_numeric(column: pd.Series[str]) -> bool:
    if types.is_numeric_dtype(column):
        return True
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)):
        return False
    texts = _texts(column.head(_LOOKED_AT))
    said = texts[~texts.str.lower().isin(_MISSING)]
    return len(said) > 0 and float(pd.to_numeric(said, errors="coerce").notna().mean()) >= 0.5


def _texts(column: pd.Series[str]) -> pd.Series[str]:
    return column.astype("str").fillna("").str.strip()


def join_scores(
    read: ScoreTable, column: str, flag: str | None, ids: pd.Series[str]
) -> tuple[np.ndarray, np.ndarray | None, JoinReport]:
    """Give each image of a run its score of a file.

    Parameters
    ----------
    read : the file
    column : a column of numbers in it
    flag : a column of yes and no in it, or None
    ids : of the images, shape (n,), each once

    Returns
    -------
    scores : float32, shape (n,); NaN where the file has none
    flagged : bool, shape (n,), or None where `flag` is
    report : what matched

    Raises
    ------
    DataError
        There is no such column, or not one id of the file is one of the run's.
    """
    for wanted in (column, flag):
        if wanted is not None and wanted not in read.table.columns:
            raise DataError(
                f"{read.name}: there is no column {wanted!r}; "
                f"found {', '.join(map(str, read.table.columns))}."
            )
    names = read.table[read.id_column].astype("str").fillna("")
    score, bad = _numbers(read.table[column])
    yes = None if flag is None else _yes(read.table[flag])
    left_out = _ambiguous(names, score, yes)
    at = pd.Index(ids).get_indexer(pd.Index(names))
    known = at >= 0
    if not known.any():
        raise DataError(
            f"{read.name}: none of its {len(names):,} ids is one of this run's. The file has "
            f"{names.iloc[0]!r}, the run {ids.iloc[0]!r}; write the ids as the run does."
        )
    used = known & ~left_out
    scores = np.full(len(ids), np.nan, np.float32)
    scores[at[used]] = score[used]
    flagged = None
    if yes is not None:
        flagged = np.zeros(len(ids), bool)
        flagged[at[used]] = yes[used]
    strange, twice = names[~known], names[left_out].drop_duplicates()
    texts = read.table[column].astype("str")
    wrong = np.flatnonzero(bad)
    report = JoinReport(
        rows=len(names),
        images=len(ids),
        matched=int(np.isfinite(scores).sum()),
        missing=int(np.isnan(scores).sum()),
        unmatched=len(strange),
        unmatched_listed=tuple(strange.head(_LISTED)),
        repeated=len(twice),
        repeated_listed=tuple(twice.head(_LISTED)),
        not_numbers=len(wrong),
        not_numbers_listed=tuple(
            (int(row) + 1, names.iloc[row], texts.iloc[row]) for row in wrong[:_LISTED]
        ),
        flagged=None if flagged is None else int(flagged.sum()),
    )
    return scores, flagged, report


def _numbers(column: pd.Series[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of a column, NaN where there is none, and which rows hold no number."""
    if types.is_numeric_dtype(column):
        number = column.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.isinf(number)
    else:
        texts = _texts(column)
        number = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        bad = ~np.isfinite(number) & ~texts.str.lower().isin(_MISSING).to_numpy()
    with np.errstate(over="ignore"):
        bad |= np.isinf(number.astype(np.float32)) & np.isfinite(number)
    return np.where(bad, np.nan, number), bad


def _yes(column: pd.Series[str]) -> np.ndarray:
    if types.is_bool_dtype(column):
        return column.fillna(value=False).to_numpy(dtype=bool)
    return _texts(column).str.lower().isin(_TRUE).to_numpy()


def _ambiguous(names: pd.Series[str], score: np.ndarray, yes: np.ndarray | None) -> np.ndarray:
    """Return which rows name an image that another row scores or flags differently."""
    repeated = names.duplicated(keep=False).to_numpy()
    if not repeated.any():
        return repeated
    rows = pd.DataFrame({"id": names.to_numpy(), "score": score})
    rows["flag"] = False if yes is None else yes
    distinct = rows[repeated].drop_duplicates()["id"]
    return names.isin(set(distinct[distinct.duplicated()])).to_numpy()
