"""Reader: Hugging Face-style Parquet, one file or a folder of shards."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.datasets.columns import ALIASES, choose_column, choose_split
from core.datasets.identity import ids_from_content
from core.datasets.images import LabelledImages
from core.datasets.labels import encode_labels
from core.datasets.location import Location
from core.datasets.stores import EncodedStore, ParquetBytes, ParquetStore
from core.errors import DataError
from core.progress import Progress

_SHARD = re.compile(r"^(?P<split>.+?)-\d{5}-of-\d{5}")
_SPLITS = frozenset({"train", "test", "validation", "val"})


@dataclass(frozen=True, slots=True)
class ImageColumns:
    """The columns in use; `names` are the class names where the schema brings them."""

    image: str
    label: str
    is_struct: bool
    has_path: bool
    names: tuple[str, ...] | None


def accepts(location: Location) -> bool:
    """Whether it is a Parquet file with pictures in it, or a folder with Parquet files."""
    path = location.path
    if path.is_dir():
        files = _parquet_files(path)
        return bool(files) and _holds_pictures(files[0])
    return path.suffix.lower() == ".parquet" and _holds_pictures(path)


def read(location: Location, progress: Progress) -> LabelledImages:
    """Read images (a struct of bytes and path, or plain bytes) and labels.

    The pictures stay in the files; only labels and paths are read now. An image's id is its path
    where it has one of its own, else its content's hash.

    Raises
    ------
    DataError
        naming the file: unreadable, a column missing or ambiguous, shards that differ, no rows,
        several splits and none chosen.
    """
    files = _shards(location)
    schema = _schema(files[0])
    columns = find_columns(location, schema)
    labels: list[np.ndarray] = []
    paths: list[str | None] = []
    starts = [0]
    for number, file in enumerate(files):
        progress("Reading labels", number / len(files), file.name)
        _require_same_columns(file, files[0], columns)
        file_labels, file_paths = _read_labels(file, columns)
        labels.append(file_labels)
        paths += file_paths
        starts.append(starts[-1] + len(file_labels))
    if starts[-1] == 0:
        raise DataError(f"{location.path}: it is empty: there are columns and no rows.")

    def where(row: int) -> str:
        number = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{files[number]}, row {row - starts[number] + 1}"

    encoded, class_names = encode_labels(np.concatenate(labels), columns.names, where)
    store = ParquetStore(
        ParquetBytes(files, columns.image, is_struct=columns.is_struct), np.arange(starts[-1])
    )
    return LabelledImages(
        source=location.text,
        ids=ids_of_pictures(paths, store, progress),
        labels=encoded,
        class_names=class_names,
        images=store,
    )


@dataclass(frozen=True, slots=True)
class ParquetLayout:
    """Where the rows of a source lie.

    Attributes
    ----------
    files : the shards that are read, in order
    image, label : names of the columns
    names : the class names that the schema brings, if it does
    """

    files: list[Path]
    image: str
    label: str
    names: tuple[str, ...] | None

    @property
    def schema(self) -> pa.Schema:
        """Return the columns of the first shard, with Hugging Face's description."""
        return _schema(self.files[0])

    def row_groups(self) -> Iterator[tuple[int, pa.Table]]:
        """Yield the number of the first row, over all files, and the rows, a group at a time."""
        start = 0
        for file in self.files:
            with pq.ParquetFile(file) as opened:
                for group in range(opened.num_row_groups):
                    table = opened.read_row_group(group)
                    yield start, table
                    start += len(table)


def parquet_layout(location: Location) -> ParquetLayout:
    """Return where the rows of a source that `read` reads lie; raises as it does."""
    files = _shards(location)
    columns = find_columns(location, _schema(files[0]))
    return ParquetLayout(files, columns.image, columns.label, columns.names)


def _parquet_files(folder: Path) -> list[Path]:
    return sorted({*folder.glob("*.parquet"), *folder.glob("*/*.parquet")})


def _holds_pictures(file: Path) -> bool:
    schema = _schema(file)
    return bool(_image_candidates(schema, _features(schema)))


def _shards(location: Location) -> list[Path]:
    """Return the Parquet files in order; of a folder, those of the split that is meant."""
    path = location.path
    if path.is_file():
        if location.option("split") is not None:
            choose_split(location, [])
        return [path]
    files = _parquet_files(path)
    by_split: dict[str, list[Path]] = {}
    for file in files:
        match = _SHARD.match(file.name)
        # Without the pattern "train-00000-of-00002" a file stands for itself: train.parquet.
        by_split.setdefault(match["split"] if match else file.stem, []).append(file)
    # Files called neither train-00000-of-00002 nor train are the parts of one set.
    named = any(_SHARD.match(file.name) or file.stem in _SPLITS for file in files)
    if not named and location.option("split") is None:
        return files
    split = choose_split(location, sorted(by_split))
    return by_split[split] if split is not None else files


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path}: it cannot be read as Parquet ({error}). It may be incomplete; copy it again."
        ) from error


def _features(schema: pa.Schema) -> dict[str, dict[str, object]]:
    """Return Hugging Face's description of the columns, empty where there is none."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return {}
    try:
        features = json.loads(text)["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: value for name, value in features.items() if isinstance(value, dict)}


def _image_candidates(schema: pa.Schema, features: dict[str, dict[str, object]]) -> list[str]:
    described = [name for name in schema.names if features.get(name, {}).get("_type") == "Image"]
    if described:
        return described
    return [
        field.name for field in schema if _is_binary(field.type) or _is_image_struct(field.type)
    ]


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_image_struct(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return False
    return any(field.name == "bytes" and _is_binary(field.type) for field in kind)


def find_columns(location: Location, schema: pa.Schema) -> ImageColumns:
    """Return the columns of image and label in a table as Hugging Face `datasets` writes it.

    Raises
    ------
    DataError
        where one is missing, or could be several and none was chosen.
    """
    features = _features(schema)
    image = choose_column(
        location, "image", schema.names, candidates=_image_candidates(schema, features)
    )
    described = [n for n in schema.names if features.get(n, {}).get("_type") == "ClassLabel"]
    usual = [name for name in schema.names if name.strip().lower() in ALIASES["label"]]
    label = choose_column(
        location, "label", schema.names, candidates=list(dict.fromkeys([*described, *usual]))
    )
    if image is None or label is None:  # choose_column has raised by now: both are required
        raise DataError(f"{location.path}: no columns for image and label were found.")
    kind = schema.field(image).type
    if not _is_binary(kind) and not pa.types.is_struct(kind):
        raise DataError(f"{location.path}: the column {image!r} holds {kind}, not pictures.")
    names = features.get(label, {}).get("names")
    fields = {field.name for field in kind} if pa.types.is_struct(kind) else set()
    return ImageColumns(
        image=image,
        label=label,
        is_struct=bool(fields),
        has_path="path" in fields,
        names=tuple(str(name) for name in names) if isinstance(names, list) else None,
    )


def _require_same_columns(file: Path, first: Path, columns: ImageColumns) -> None:
    there = set(_schema(file).names)
    missing = {columns.image, columns.label} - there
    if missing:
        raise DataError(
            f"{file}: there is no column {min(missing)!r}, unlike in {first.name}. "
            "All files of a folder must hold the same columns."
        )


def _read_labels(file: Path, columns: ImageColumns) -> tuple[np.ndarray, list[str | None]]:
    """Return labels and paths of one shard without touching the pictures."""
    wanted = [columns.label, *([f"{columns.image}.path"] if columns.has_path else [])]
    try:
        with pq.ParquetFile(file) as opened:
            table = opened.read(columns=wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{file}: it cannot be read as Parquet ({error}).") from error
    labels = label_values(table.column(columns.label))
    if not columns.has_path:
        return labels, [None] * len(labels)
    return labels, table.column(columns.image).combine_chunks().field("path").to_pylist()


def label_values(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of labels: integers, or objects as they are, None where one is missing."""
    if pa.types.is_integer(column.type) and column.null_count == 0:
        return np.asarray(column.to_numpy())
    return np.array(column.to_pylist(), dtype=object)


def ids_of_pictures(paths: list[str | None], store: EncodedStore, progress: Progress) -> np.ndarray:
    """Return ids: the path where an image has one that no other has, else its content's hash."""
    counts = Counter(paths)
    nameless = [row for row, path in enumerate(paths) if not path or counts[path] > 1]
    ids = [path or "" for path in paths]
    digests = []
    for done, row in enumerate(nameless):
        if done % 1000 == 0:
            progress("Naming images by content", done / len(nameless))
        try:
            digests.append(store.digest(row))
        except OSError:
            digests.append(hashlib.sha256(b"").digest())
    for row, image_id in zip(nameless, ids_from_content(digests), strict=True):
        ids[row] = image_id
    return np.array(ids, dtype=np.str_)
