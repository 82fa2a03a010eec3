"""Format: each source again in its own format, less the images that go, relabels applied.

A CSV or Parquet manifest keeps its other columns, Hugging Face-style Parquet its other columns, an
.npz its other arrays; a folder of class folders becomes a manifest of its files. Every one opens in
Assay with the ids that the images had.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from core.curation.exports.content import Content
from core.curation.exports.folder import save_manifest
from core.curation.exports.pictures import kept_rows, safe_part
from core.curation.exports.sources import (
    SourcePart,
    save_arrays,
    save_as_parquet,
    save_pictures,
    save_table,
)
from core.datasets import open_source, source_kind
from core.errors import DataError
from core.progress import Progress


def write_manifest(content: Content, folder: Path, progress: Progress) -> None:
    """Write one file a source; of several sources, each goes to a folder of its own."""
    kept_rows(content)
    parts = content.run.parts
    for number, (part, its_rows) in enumerate(parts):
        progress("Writing the manifest", number / len(parts), part.source)
        rows = its_rows.start + np.flatnonzero(content.plan.kept[its_rows])
        if not len(rows):
            continue
        target = folder
        if len(parts) > 1:
            target = folder / safe_part(f"{number + 1}-{_stem(part.source)}")
            target.mkdir()
        kind, location = source_kind(part.source)
        _WRITERS[kind](_part(content, part.source, rows), location, target)


def _part(content: Content, source: str, rows: np.ndarray) -> SourcePart:
    data = open_source(source)
    ids = content.table["id"].to_numpy()[rows]
    position = pd.Index(data.ids).get_indexer(pd.Index(ids))
    if (position < 0).any():
        missing = ids[int(np.argmin(position))]
        raise DataError(
            f"{source} has changed since the run was made: image {missing} is gone. Nothing was "
            "written; value the data again, or take a table."
        )
    order = np.argsort(position)
    return SourcePart(
        data=data,
        rows=position[order],
        labels=content.final_labels[rows][order],
        stem=_stem(source),
    )


def _save_files(part: SourcePart, location: object, target: Path) -> None:
    """Write a manifest of the files of a folder of class folders, by their absolute paths."""
    paths, ids = part.data.paths, part.data.ids
    assert paths is not None  # noqa: S101 - a folder's pictures are files
    save_manifest(paths[part.rows].tolist(), part.labels.tolist(), ids[part.rows].tolist(), target)


def _stem(source: str) -> str:
    return Path(source.rpartition(":")[2].partition("#")[0]).stem or "source"


_WRITERS: dict[str, Callable[..., None]] = {
    "folder": _save_files,
    "manifest": save_table,
    "huggingface": save_pictures,
    "saved": save_pictures,
    "torchvision": save_as_parquet,
    "npz": save_arrays,
}
