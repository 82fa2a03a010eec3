"""Write small data sets for the tests of the readers."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def png(seed: int, side: int = 8) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def write_hugging_face(
    file: Path,
    contents: Sequence[bytes | None],
    labels: Sequence[object],
    *,
    paths: Sequence[str | None] | None = None,
    names: Sequence[str] | None = None,
    label: str = "label",
    row_group_size: int = 2,
) -> Path:
    paths = [None] * len(contents) if paths is None else paths
    images = [{"bytes": c, "path": p} for c, p in zip(contents, paths, strict=True)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, kind), label: pa.array(list(labels))})
    if names is not None:
        features = {
            "image": {"_type": "Image"},
            label: {"names": list(names), "_type": "ClassLabel"},
        }
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=row_group_size)
    return file
