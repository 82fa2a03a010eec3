"""Reader: a folder that Hugging Face `datasets` has written with `save_to_disk`.

The files are Arrow streams; they are mapped into memory and read as they are, without `datasets`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core.datasets.columns import choose_split
from core.datasets.huggingface import (
    ImageColumns,
    find_columns,
    ids_of_pictures,
    label_values,
)
from core.datasets.images import LabelledImages
from core.datasets.labels import encode_labels
from core.datasets.location import Location
from core.datasets.stores import EncodedStore, FileStore
from core.errors import DataError
from core.progress import Progress

_STATE = "state.json"  # of one split: which files it is in
_SPLITS = "dataset_dict.json"  # of several: what they are called


def accepts(location: Location) -> bool:
    """Whether it is a folder with the files that `save_to_disk` leaves beside the data."""
    return any((location.path / name).is_file() for name in (_STATE, _SPLITS))


def read(location: Location, progress: Progress) -> LabelledImages:
    """Read images and labels as from Hugging Face-style Parquet; the pictures stay in the files.

    Raises
    ------
    DataError
        naming the file: unreadable, a column missing or ambiguous, no rows, several splits and none
        chosen, rows that were chosen or shuffled without being written anew.
    """
    progress("Reading labels", 0.0)
    layout = saved_layout(location)
    columns, tables = layout.columns, layout.tables
    starts = np.cumsum([0, *(len(table) for table in tables)])
    if starts[-1] == 0:
        raise DataError(f"{location.path}: it is empty: there are columns and no rows.")

    def where(row: int) -> str:
        number = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{layout.files[number]}, row {row - starts[number] + 1}"

    found = [label_values(table.column(columns.label)) for table in tables]
    labels, class_names = encode_labels(np.concatenate(found), columns.names, where)
    store = ArrowStore(layout, np.arange(starts[-1]))
    paths: list[str | None] = [None] * int(starts[-1])
    if columns.has_path:
        named = [table.column(columns.image).combine_chunks().field("path") for table in tables]
        paths = [path for part in named for path in part.to_pylist()]
    return LabelledImages(
        source=location.text,
        ids=ids_of_pictures(paths, store, progress),
        labels=labels,
        class_names=class_names,
        images=store,
    )


@dataclass(frozen=True, eq=False)
class SavedLayout:
    """Where the rows of a saved set lie; as `ParquetLayout`, for those that write it anew.

    Attributes
    ----------
    folder : of the split, which the files are in
    files : the Arrow files, in order
    tables : what is in each, mapped into memory
    columns : which of its columns are the image and the label
    """

    folder: Path
    files: list[Path]
    tables: list[pa.Table] = field(repr=False)
    columns: ImageColumns

    @property
    def schema(self) -> pa.Schema:
        """Return the columns, with Hugging Face's description."""
        return self.tables[0].schema

    @property
    def image(self) -> str:
        """Return the name of the column of pictures."""
        return self.columns.image

    @property
    def label(self) -> str:
        """Return the name of the column of labels."""
        return self.columns.label

    @property
    def names(self) -> tuple[str, ...] | None:
        """Return the class names that the schema brings, if it does."""
        return self.columns.names

    def row_groups(self) -> Iterator[tuple[int, pa.Table]]:
        """Yield the number of the first row, over all files, and the rows, a batch at a time."""
        start = 0
        for table in self.tables:
            for batch in table.to_batches():
                yield start, pa.Table.from_batches([batch])
                start += len(batch)


def saved_layout(location: Location) -> SavedLayout:
    """Return where the rows of a source that `read` reads lie; raises as it does."""
    folder = _split_folder(location)
    state = _json(folder / _STATE)
    if state.get("_indices_data_files"):
        raise DataError(
            f"{folder}: it was saved by an old version of datasets as a choice of rows. Save it "
            "again with flatten_indices().save_to_disk(...)."
        )
    try:
        files = [folder / Path(entry["filename"]).name for entry in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise DataError(f"{folder / _STATE}: it does not name the files of the data.") from error
    if not files:
        raise DataError(f"{location.path}: it is empty: there are no files of data in it.")
    described = _described(folder)
    tables = [_table(file, described) for file in files]
    return SavedLayout(folder, files, tables, find_columns(location, tables[0].schema))


def _split_folder(location: Location) -> Path:
    """Return the folder of the split that is meant."""
    path = location.path
    if not (path / _SPLITS).is_file():
        if location.option("split") is not None:
            choose_split(location, [])
        return path
    splits = _json(path / _SPLITS).get("splits")
    if not isinstance(splits, list) or not splits:
        raise DataError(f"{path / _SPLITS}: it does not name the splits of the data.")
    known = sorted(Path(str(name)).name for name in splits)
    return path / str(choose_split(location, known))


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: it cannot be read ({error}). Save the set again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{file}: expected a JSON object. Save the set again.")
    return found


def _described(folder: Path) -> bytes | None:
    """Return Hugging Face's description of the columns as Arrow files carry it."""
    file = folder / "dataset_info.json"
    features = _json(file).get("features") if file.is_file() else None
    return None if features is None else json.dumps({"info": {"features": features}}).encode()


def _table(file: Path, described: bytes | None) -> pa.Table:
    """Map an Arrow file into memory; columns that it does not describe are as in `described`."""
    try:
        with pa.memory_map(str(file)) as mapped:
            table = pa.ipc.open_stream(mapped).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file}: it cannot be read as Arrow ({error}). It may be incomplete; copy it again."
        ) from error
    known = dict(table.schema.metadata or {})
    if described is None or b"huggingface" in known:
        return table
    return table.replace_schema_metadata({**known, b"huggingface": described})


class ArrowStore(EncodedStore):
    """Rows of the pictures in a saved set."""

    def __init__(self, layout: SavedLayout, rows: np.ndarray) -> None:
        super().__init__(rows)
        self._layout = layout
        columns = [table.column(layout.image) for table in layout.tables]
        self._starts = np.cumsum([0, *map(len, columns)])
        self._columns = columns

    def encoded(self, index: int) -> bytes:
        """Return the encoded picture as it is stored; one kept outside is read from its file."""
        row = int(self._rows[index])
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        found = self._columns[number][row - int(self._starts[number])].as_py()
        content: bytes | None = found.get("bytes") if isinstance(found, dict) else found
        if content is not None:
            return content
        path = found.get("path") if isinstance(found, dict) else None
        if not path:
            raise OSError("the row has neither bytes nor a path")
        beside = self._layout.folder / path
        return FileStore(np.array([str(beside)], dtype=object)).encoded(0)

    def take(self, indices: np.ndarray) -> ArrowStore:
        """Return a view of the pictures at `indices`, sharing the files."""
        return self._handing_on(ArrowStore(self._layout, self._rows[indices]), indices)
