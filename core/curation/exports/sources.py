"""Sources written again in their own formats: some of their rows, with other labels."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from core.curation.exports.content import neutralize_formula
from core.curation.exports.pictures import IMAGE_TYPE, picture_column, require_distinct_labels
from core.datasets import (
    LabelledImages,
    Location,
    array_members,
    is_saved,
    manifest_table,
    parquet_layout,
    saved_layout,
)

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class SourcePart:
    """What one source of a training set becomes.

    Attributes
    ----------
    data : the source, opened again, with all of its images
    rows : which of them stay, int64, shape (k,), ascending
    labels : names of their classes, object array of str, shape (k,)
    stem : name of the file to be written, without its suffix
    """

    data: LabelledImages
    rows: np.ndarray
    labels: np.ndarray
    stem: str

    @property
    def ids(self) -> list[str]:
        """Return the ids of the images that stay."""
        ids: list[str] = self.data.ids[self.rows].tolist()
        return ids

    @property
    def class_names(self) -> list[str]:
        """Return the source's class names, followed by those that relabels brought."""
        return list(dict.fromkeys((*self.data.class_names, *self.labels.tolist())))

    def label_column(self, kind: pa.DataType, names: list[str] | None) -> pa.Array:
        """Return the labels as a column of the type `kind` where they can be, else as texts.

        Parameters
        ----------
        names : what integers are positions in; None where they are classes by themselves
        """
        texts = self.labels.tolist()
        if pa.types.is_integer(kind):
            if names is not None:
                position = {name: index for index, name in enumerate(names)}
                return pa.array([position[text] for text in texts], pa.int64())
            if all(text.removeprefix("-").isdecimal() for text in texts):
                return pa.array([int(text) for text in texts], pa.int64())
        return pa.array(texts, pa.string())


def save_table(part: SourcePart, location: Location, target: Path) -> None:
    """Write a manifest with all columns of the source's; paths become absolute, ids explicit.

    A CSV file becomes Parquet where a text in it would not be read back, or be computed.
    """
    found = manifest_table(location)
    table = found.table.take(pa.array(part.rows))
    paths = part.data.paths
    assert paths is not None  # noqa: S101 - a manifest's pictures are files
    require_distinct_labels(set(part.labels.tolist()))
    labels = part.label_column(table.schema.field(found.label).type, None)
    table = _replaced(table, found.label, labels)
    table = _replaced(table, found.path, pa.array(paths[part.rows].tolist(), pa.string()))
    ids = pa.array(part.ids, pa.string())
    table = _replaced(table, found.id or "id", ids)
    risky = [text for text in part.ids if text != neutralize_formula(text.strip())]
    if found.is_csv and not risky:
        pa_csv.write_csv(table, target / f"{part.stem}.csv")
    else:
        pq.write_table(table, target / f"{part.stem}.parquet")


def save_pictures(part: SourcePart, location: Location, target: Path) -> None:
    """Write Hugging Face-style Parquet with all columns of the source's.

    Every image keeps its id as its path: one that is called by its content and its place among
    copies would else change its name when a copy goes.
    """
    layout = saved_layout(location) if is_saved(location) else parquet_layout(location)
    names = part.class_names if layout.names is not None else None
    label_field = layout.schema.field(layout.label)
    labels = part.label_column(label_field.type, names)
    ids = part.ids
    writer: pq.ParquetWriter | None = None
    try:
        for start, table in layout.row_groups():
            stop = start + len(table)
            low, high = np.searchsorted(part.rows, [start, stop]).tolist()
            for begin in range(low, high, _ROWS_AT_ONCE):
                end = min(begin + _ROWS_AT_ONCE, high)
                rows = part.rows[begin:end]
                pictures = picture_column(part.data, rows.tolist(), ids[begin:end])
                block = table.take(pa.array(rows - start))
                block = _replaced(block, layout.image, pictures)
                block = _replaced(block, layout.label, labels[begin:end])
                if writer is None:
                    metadata = _described(block.schema, layout.label, names)
                    schema = block.schema.with_metadata(metadata)
                    writer = pq.ParquetWriter(target / f"{part.stem}.parquet", schema)
                writer.write_table(block.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def save_as_parquet(part: SourcePart, location: Location, target: Path) -> None:
    """Write Hugging Face-style Parquet of a source that has no table of its own to be written."""
    names = part.class_names
    features = {
        "image": {"_type": "Image"},
        "label": {"names": names, "_type": "ClassLabel"},
    }
    schema = pa.schema(
        [("image", IMAGE_TYPE), ("label", pa.int64())],
        metadata={b"huggingface": json.dumps({"info": {"features": features}}).encode()},
    )
    labels, ids = part.label_column(pa.int64(), names), part.ids
    with pq.ParquetWriter(target / f"{part.stem}.parquet", schema) as writer:
        for begin in range(0, len(ids), _ROWS_AT_ONCE):
            end = min(begin + _ROWS_AT_ONCE, len(ids))
            pictures = picture_column(part.data, part.rows[begin:end].tolist(), ids[begin:end])
            block = [pictures.cast(IMAGE_TYPE), labels[begin:end]]
            writer.write_table(pa.Table.from_arrays(block, schema=schema))


def _described(schema: pa.Schema, label: str, names: list[str] | None) -> dict[bytes, bytes] | None:
    """Return the schema's metadata, with the class names in Hugging Face's description."""
    metadata = dict(schema.metadata or {})
    if names is None or b"huggingface" not in metadata:
        return metadata or None
    described: dict[str, Any] = json.loads(metadata[b"huggingface"])
    described["info"]["features"][label]["names"] = names
    metadata[b"huggingface"] = json.dumps(described).encode()
    return metadata


def save_arrays(part: SourcePart, location: Location, target: Path) -> None:
    """Write an .npz with the source's arrays; ids and class names become explicit.

    One array is in memory at a time. Those that are not one row an image stay as they are.
    """
    members = array_members(location.path)
    names = part.class_names
    position = {name: index for index, name in enumerate(names)}
    fresh = {
        members["labels"]: np.array([position[name] for name in part.labels], dtype=np.int64),
        members.get("ids", "ids.npy"): np.array(part.ids, dtype=np.str_),
        members.get("class_names", "class_names.npy"): np.array(names, dtype=np.str_),
    }
    count = len(part.data)
    path = target / f"{part.stem}.npz"
    with np.load(location.path, allow_pickle=False) as source, zipfile.ZipFile(path, "w") as out:
        stored = dict.fromkeys(source.zip.namelist())
        for name in dict.fromkeys((*stored, *fresh)):
            array = fresh[name] if name in fresh else source[name.removesuffix(".npy")]
            if name not in fresh and array.ndim and len(array) == count:
                array = array[part.rows]
            with out.open(name, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _replaced(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """Return the table with another column `name`, at the end where it has none."""
    index = table.schema.get_field_index(name)
    if index < 0:
        return table.append_column(name, column)
    return table.set_column(index, pa.field(name, column.type), column)
