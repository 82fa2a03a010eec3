"""Reader: a table of paths and labels, as CSV or Parquet."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.datasets.columns import choose_column, choose_split
from core.datasets.identity import require_unique
from core.datasets.images import LabelledImages
from core.datasets.labels import encode_labels
from core.datasets.location import Location
from core.datasets.stores import FileStore
from core.errors import DataError
from core.progress import Progress

MANIFEST_NAMES = ("manifest.csv", "manifest.parquet")
_CSV_SUFFIXES = frozenset({".csv", ".tsv"})


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns in use: lists of equal length, and the line of each row."""

    columns: dict[str, list[object]]
    lines: list[int] | None

    def where(self, path: Path, row: int) -> str:
        return f"{path}, row {row + 1}" if self.lines is None else f"{path}, line {self.lines[row]}"


def accepts(location: Location) -> bool:
    """Whether it is a CSV file, a Parquet file with a path column, or a folder with a manifest."""
    path = location.path
    if path.is_dir():
        return any((path / name).is_file() for name in MANIFEST_NAMES)
    return path.suffix.lower() in _CSV_SUFFIXES or path.suffix.lower() == ".parquet"


def read(location: Location, progress: Progress) -> LabelledImages:
    """Read a manifest: `path,label[,id,split]`, paths relative to its folder or absolute.

    Whether the files are there is seen when they are decoded.

    Raises
    ------
    DataError
        naming file and line: a column missing or ambiguous, a label or path missing, an id twice.
    """
    progress("Reading the manifest", 0.0)
    path = _manifest_file(location.path)
    csv_file = path.suffix.lower() in _CSV_SUFFIXES
    table, roles = (_read_csv if csv_file else _read_parquet)(path, location)

    if "split" in roles:
        table = _one_split(table, location)
    elif location.option("split") is not None:
        choose_split(location, [])
    raw_paths, raw_labels = table.columns["path"], table.columns["label"]
    if not raw_paths:
        raise DataError(f"{path}: it is empty: there is a header and no rows.")
    relative = [_normal(value, table.where(path, row)) for row, value in enumerate(raw_paths)]
    labels, class_names = encode_labels(raw_labels, None, lambda row: table.where(path, row))
    given = table.columns.get("id")
    # White space around a cell is no part of it; a text in Parquet is meant as it is.
    strip = str.strip if csv_file else str
    ids = relative if given is None else ["" if i is None else strip(str(i)) for i in given]
    paths = np.array([os.path.join(path.parent, name) for name in relative], dtype=object)  # noqa: PTH118
    return LabelledImages(
        source=location.text,
        ids=require_unique(ids, lambda row: table.where(path, row)),
        labels=labels,
        class_names=class_names,
        images=FileStore(paths),
        paths=paths,
    )


@dataclass(frozen=True, slots=True)
class ManifestTable:
    """A manifest's rows, those of its split, with all of their columns.

    Attributes
    ----------
    table : texts as they stand in a CSV file, types as they are in Parquet
    path, label, id : names of the columns; `id` is None where there is none
    is_csv : which of the two it was
    """

    table: pa.Table
    path: str
    label: str
    id: str | None
    is_csv: bool


def manifest_table(location: Location) -> ManifestTable:
    """Return the rows of a manifest that `read` reads, in its order; raises as it does."""
    path = _manifest_file(location.path)
    is_csv = path.suffix.lower() in _CSV_SUFFIXES
    if is_csv:
        columns, _ = _read_csv(path, location, every=True)
        table = pa.table({name: pa.array(x, pa.string()) for name, x in columns.columns.items()})
    else:
        table = pq.read_table(path)
    roles = _roles(table.column_names, location)
    if "split" in roles:
        texts = [str(value) for value in table.column(roles["split"]).to_pylist()]
        split = choose_split(location, sorted(set(texts)))
        table = table.filter(pa.array([text == split for text in texts]))
    return ManifestTable(table, roles["path"], roles["label"], roles.get("id"), is_csv)


def _manifest_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [path / name for name in MANIFEST_NAMES if (path / name).is_file()]
    if len(found) > 1:
        raise DataError(
            f"{path}: it holds {' and '.join(MANIFEST_NAMES)}. Give the one that is meant."
        )
    return found[0]


def _normal(value: object, where: str) -> str:
    """Return a path with slashes and without detours, which serves as the image's id."""
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: the path is missing. Fill it in or leave the row out.")
    if "\0" in value:
        raise DataError(f"{where}: a path cannot hold a null character.")
    return os.path.normpath(value.strip()).replace(os.sep, "/")


def _roles(columns: list[str], location: Location) -> dict[str, str]:
    """Return the column for each role that the table has."""
    found = {
        role: choose_column(location, role, columns, required=role in {"path", "label"})
        for role in ("path", "label", "id", "split")
    }
    return {role: column for role, column in found.items() if column is not None}


def _read_csv(
    path: Path, location: Location, *, every: bool = False
) -> tuple[_Table, dict[str, str]]:
    """Read the columns in use by their roles, or with `every` all columns by their names."""
    columns: dict[str, list[object]] = {}
    lines: list[int] = []
    try:
        # utf-8-sig: spreadsheets write a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max(",;\t", key=first.count)
            header = next(csv.reader([first], delimiter=delimiter), [])
            if not any(header):
                raise DataError(f"{path}: it is empty; expected a header line like path,label.")
            roles = _roles(header, location)
            chosen = dict(zip(header, header, strict=True)) if every else roles
            positions = {role: header.index(column) for role, column in chosen.items()}
            columns = {role: [] for role in chosen}
            reader = csv.reader(file, delimiter=delimiter)
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num + 1}: expected {len(header)} fields, as in "
                        f"the header, got {len(row)}. Put quotes around a field that holds a comma."
                    )
                for role, position in positions.items():
                    columns[role].append(row[position])
                lines.append(reader.line_num + 1)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: it is not UTF-8 text. Save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path}: it cannot be read as CSV ({error}).") from error
    except OSError as error:
        raise DataError(f"{path}: it cannot be read ({error.strerror}).") from error
    return _Table(columns, lines), roles


def _read_parquet(path: Path, location: Location) -> tuple[_Table, dict[str, str]]:
    try:
        roles = _roles(pq.read_schema(path).names, location)
        table = pq.read_table(path, columns=list(roles.values()))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: it cannot be read as Parquet ({error}).") from error
    columns = {role: table.column(column).to_pylist() for role, column in roles.items()}
    return _Table(columns, None), roles


def _one_split(table: _Table, location: Location) -> _Table:
    values = table.columns["split"]
    splits = sorted({str(value) for value in values})
    split = choose_split(location, splits)
    kept = [row for row, value in enumerate(values) if str(value) == split]
    columns = {role: [column[row] for row in kept] for role, column in table.columns.items()}
    # A Parquet row keeps its number in the file too, though only some of the rows are taken.
    lines = [row + 2 for row in kept] if table.lines is None else [table.lines[r] for r in kept]
    return _Table(columns, lines)
