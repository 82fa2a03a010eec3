"""A corrupted set as files: a data source, its truth, and how it came about."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import __version__
from core.corruption.corrupt import Corrupted
from core.corruption.overlay import is_array
from core.datasets import ImageStore, LabelledImages
from core.errors import DataError, RunError
from core.paths import absolute_path
from core.progress import Progress, silent

TRUTH, ABOUT = "truth.csv", "corruption.json"
_GROUP_ROWS = 1000  # pictures a row group
_GROUP_BYTES = 64 * 2**20


def write_corrupted(
    corrupted: Corrupted,
    out: Path,
    *,
    validation: LabelledImages | None = None,
    progress: Progress = silent,
) -> Path:
    """Write a corrupted set into a new folder, whole or not at all.

    - `train.parquet`, as Hugging Face has it: pictures, stored bytes where nothing changed, with
      their ids as paths; or `train.npz` for a set that has embeddings or came as an array of
      pictures;
    - `truth.csv`: `Corrupted.truth`;
    - `corruption.json`: what was planted, where it came from, and what has to be known.

    Parameters
    ----------
    out : a folder, absent or empty
    validation : a set to write beside it in the same way (`validation.parquet` or `.npz`)

    Returns
    -------
    The file with the set: opened, it has the same ids, labels and classes.

    Raises
    ------
    DataError : a picture that is needed for an array cannot be read
    RunError : the folder is not free, or cannot be written
    """
    out = require_free(out)
    fresh = out.with_name(f".{out.name[:64]}.{secrets.token_hex(4)}.partial")
    try:
        fresh.mkdir(parents=True)
        name = _write_set(corrupted.data, fresh / "train", progress)
        if validation is not None:
            _write_set(validation, fresh / "validation", progress)
        corrupted.truth.to_csv(fresh / TRUTH, index=False, lineterminator="\n")
        about = json.dumps(_about(corrupted, name), indent=1, ensure_ascii=False)
        (fresh / ABOUT).write_text(about + "\n", encoding="utf-8")
        fresh.replace(out)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return out / name


def require_free(out: Path) -> Path:
    """Return the absolute path of a folder that may be written; raises `RunError` where not."""
    out = absolute_path(out)
    taken = out.is_symlink() or (any(out.iterdir()) if out.is_dir() else out.exists())
    if taken:
        raise RunError(f"{out}: there is something already. Give a folder that is absent or empty.")
    return out


def _about(corrupted: Corrupted, name: str) -> dict[str, object]:
    return {
        "schema_version": 1,
        "assay": __version__,
        "source": corrupted.data.source,
        "data": name,
        "fingerprint": corrupted.data.fingerprint,
        "seed": corrupted.seed,
        "faults": [planted.configuration() for planted in corrupted.faults],
        "removed_classes": list(corrupted.removed_classes),
        "class_names": list(corrupted.data.class_names),
        "facts": dict(corrupted.facts),
    }


def _write_set(data: LabelledImages, stem: Path, progress: Progress) -> str:
    """Write a set to `stem` with the suffix that suits it; return the file's name."""
    # Digests of what is in an array are of its pixels: it stays one, so that an unchanged picture
    # keeps its digest, by which embeddings are known again.
    as_array = data.images is None or data.embeddings is not None or is_array(data.images)
    path = stem.with_suffix(".npz" if as_array else ".parquet")
    (_write_npz if as_array else _write_parquet)(data, path, progress)
    return path.name


def _write_npz(data: LabelledImages, path: Path, progress: Progress) -> None:
    arrays = {
        "ids": data.ids,
        "labels": data.labels,
        "class_names": np.array(data.class_names, dtype=np.str_),
    }
    if data.embeddings is not None:
        arrays["embeddings"] = data.embeddings
    if data.images is not None:
        arrays["images"] = _stacked(data, data.images, progress)
    np.savez(path, allow_pickle=False, **arrays)


def _stacked(data: LabelledImages, images: ImageStore, progress: Progress) -> np.ndarray:
    """Return all pictures as one array, uint8, shape (n, height, width[, 3])."""
    stacked: np.ndarray | None = None
    for row in range(len(data)):
        try:
            pixels = np.asarray(images.decode(row))
        except OSError as error:
            raise DataError(
                f"{data.source}: the picture {data.ids[row]} cannot be read ({error})."
            ) from error
        if stacked is None:
            stacked = np.empty((len(data), *pixels.shape), dtype=np.uint8)
        if pixels.shape != stacked.shape[1:]:
            raise DataError(
                f"{data.source}: the picture {data.ids[row]} has the shape {pixels.shape}, others "
                f"{stacked.shape[1:]}; with embeddings beside them all must have one."
            )
        stacked[row] = pixels
        if row % 500 == 0:
            progress("Writing pictures", row / len(data), f"{row:,} of {len(data):,}")
    if stacked is None:  # LabelledImages has seen to it that there is one
        raise DataError(f"{data.source}: there are no pictures.")
    return stacked


def _write_parquet(data: LabelledImages, path: Path, progress: Progress) -> None:
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(data.class_names), "_type": "ClassLabel"},
    }
    schema = pa.schema([("image", picture), ("label", pa.int64())]).with_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    # Pictures are compressed already.
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for rows, pictures in _groups(data, progress):
            column = [
                {"bytes": content, "path": image_id}
                for content, image_id in zip(pictures, data.ids[rows].tolist(), strict=True)
            ]
            writer.write_table(
                pa.table([pa.array(column, picture), pa.array(data.labels[rows])], schema=schema)
            )


def _groups(data: LabelledImages, progress: Progress) -> Iterator[tuple[slice, list[bytes]]]:
    """Yield the pictures in groups that are small in number and in bytes, with their rows."""
    held: list[bytes] = []
    size = start = 0
    for row in range(len(data)):
        held.append(_content(data, row))
        size += len(held[-1])
        if len(held) == _GROUP_ROWS or size >= _GROUP_BYTES or row + 1 == len(data):
            yield slice(start, row + 1), held
            progress("Writing pictures", (row + 1) / len(data), f"{row + 1:,} of {len(data):,}")
            held, size, start = [], 0, row + 1


def _content(data: LabelledImages, row: int) -> bytes:
    if data.images is None:  # such a set is written as an array
        raise DataError(f"{data.source}: there are no pictures.")
    try:
        return data.images.encoded(row)
    except OSError:
        # What cannot be read stays what cannot be read: an empty file, under its name.
        return b""
