"""Format: the images that stay, as a folder of class folders with a manifest of their ids."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.curation.exports.content import Content, neutralize_formula
from core.curation.exports.pictures import (
    kept_rows,
    picture_names,
    place_pictures,
    require_distinct_labels,
)
from core.progress import Progress


def write_folder(content: Content, folder: Path, progress: Progress) -> None:
    """Write the kept images below their classes, relabels applied, and manifest.csv beside.

    The folder opens in Assay with the ids that the images had, by the manifest, and in whatever
    reads classes from folders.
    """
    rows = kept_rows(content)
    names = picture_names(content, rows)
    placed = place_pictures(content, rows, folder, names.__getitem__, progress)
    ids = content.table["id"].to_numpy()[rows].tolist()
    labels = content.final_labels[rows].tolist()
    save_manifest([str(name) for name in placed], labels, ids, folder)


def save_manifest(paths: list[str], labels: list[str], ids: list[str], folder: Path) -> Path:
    """Write manifest.csv, or manifest.parquet where a CSV file could not hold a text as it is.

    Around a cell of a CSV file white space is no part of it, and a text that a spreadsheet would
    compute must not go into one.

    Raises
    ------
    DataError : two classes would be read as one
    """
    require_distinct_labels(set(labels))
    columns = {"path": paths, "label": labels, "id": ids}
    if any(text != neutralize_formula(text.strip()) for x in columns.values() for text in x):
        target = folder / "manifest.parquet"
        pq.write_table(pa.table({k: pa.array(x, pa.string()) for k, x in columns.items()}), target)
        return target
    target = folder / "manifest.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return target
