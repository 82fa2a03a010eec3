"""Format: what `datasets.load_from_disk` reads, as `Dataset.save_to_disk` writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core.curation.exports.content import Content
from core.curation.exports.pictures import IMAGE_TYPE, kept_rows, picture_column
from core.progress import Progress

_SHARD_BYTES = 400 * 2**20
_ROWS_AT_ONCE = 256


def write_huggingface(content: Content, folder: Path, progress: Progress) -> None:
    """Write dataset/: Arrow files of the images that stay, and the JSON that describes them.

    Columns: image (or embedding, where the set has no pictures), label (relabels applied), id,
    value, verdict.
    """
    rows = kept_rows(content)
    has_pictures = all(part.has_pictures for part in content.run.record.training_parts)
    features = _features(content.plan.class_names, content.run.x.shape[1], has_pictures)
    schema = _schema(content, has_pictures, features)
    target = folder / "dataset"
    target.mkdir()
    files = _write_shards(_batches(content, rows, schema, has_pictures, progress), schema, target)
    # The number of shards is part of their names.
    names = [f"data-{k:05d}-of-{len(files):05d}.arrow" for k in range(len(files))]
    for file, name in zip(files, names, strict=True):
        file.rename(target / name)
    digest = hashlib.sha256(content.run.id.encode() + content.plan.removed.tobytes())
    _save_json(target / "dataset_info.json", {"features": features, "citation": "", "homepage": ""})
    _save_json(
        target / "state.json",
        {
            "_data_files": [{"filename": name} for name in names],
            "_fingerprint": digest.hexdigest()[:16],
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": None,
        },
    )


def _features(names: tuple[str, ...], width: int, has_pictures: bool) -> dict[str, Any]:
    def text(kind: str) -> dict[str, Any]:
        return {"dtype": kind, "_type": "Value"}

    first: dict[str, Any] = (
        {"image": {"_type": "Image"}}
        if has_pictures
        else {"embedding": {"feature": text("float32"), "length": width, "_type": "List"}}
    )
    return {
        **first,
        "label": {"names": list(names), "_type": "ClassLabel"},
        "id": text("string"),
        "value": text("float64"),
        "verdict": text("string"),
    }


def _schema(content: Content, has_pictures: bool, features: dict[str, Any]) -> pa.Schema:
    first = (
        pa.field("image", IMAGE_TYPE)
        if has_pictures
        else pa.field("embedding", pa.list_(pa.float32(), content.run.x.shape[1]))
    )
    return pa.schema(
        [
            first,
            ("label", pa.int64()),
            ("id", pa.string()),
            ("value", pa.float64()),
            ("verdict", pa.string()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )


def _batches(
    content: Content, rows: np.ndarray, schema: pa.Schema, has_pictures: bool, progress: Progress
) -> Iterator[pa.RecordBatch]:
    table = content.table
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        progress("Writing the data set", start / len(rows), f"{start:,} of {len(rows):,}")
        part = rows[start : start + _ROWS_AT_ONCE]
        chosen = table.iloc[part]
        columns = [
            picture_column(content.pictures, part.tolist(), chosen["id"])
            if has_pictures
            else _embeddings(content, part),
            pa.array(content.plan.labels[part]),
            pa.array(chosen["id"].tolist(), pa.string()),
            pa.array(chosen["value"].to_numpy(dtype=np.float64)),
            pa.array(chosen["verdict"].tolist(), pa.string()),
        ]
        yield pa.record_batch(columns, schema=schema)


def _embeddings(content: Content, rows: np.ndarray) -> pa.Array:
    block = np.ascontiguousarray(content.run.x[rows], dtype=np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), block.shape[1])


def _write_shards(batches: Iterator[pa.RecordBatch], schema: pa.Schema, target: Path) -> list[Path]:
    files: list[Path] = []
    writer, held = None, _SHARD_BYTES
    try:
        for batch in batches:
            if held >= _SHARD_BYTES:
                if writer is not None:
                    writer.close()
                files.append(target / f"part-{len(files)}.arrow")
                writer, held = pa.ipc.new_stream(str(files[-1]), schema), 0
            assert writer is not None  # noqa: S101 - for the type checker
            writer.write_batch(batch)
            held += batch.nbytes
    finally:
        if writer is not None:
            writer.close()
    return files


def _save_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="ascii")
