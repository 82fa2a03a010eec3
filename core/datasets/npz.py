"""Reader: NumPy's .npz with images and/or embeddings, and labels."""

from __future__ import annotations

import math
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from core.datasets.identity import ids_from_content, require_unique, row_digests
from core.datasets.images import LabelledImages
from core.datasets.labels import encode_labels
from core.datasets.location import Location
from core.datasets.stores import ArrayStore
from core.errors import DataError
from core.progress import Progress

_NAMES: dict[str, tuple[str, ...]] = {
    "images": ("images", "image"),
    "embeddings": ("embeddings", "embedding", "features"),
    "labels": ("labels", "label", "targets"),
    "ids": ("ids", "id"),
    "class_names": ("class_names", "classes"),
}
_BLOCK = 2**20  # bytes copied at a time
# What zipfile and numpy raise on damaged, encrypted or foreign archives.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
)


def accepts(location: Location) -> bool:
    """Whether it is an .npz file."""
    return location.path.is_file() and location.path.suffix.lower() == ".npz"


def read(location: Location, progress: Progress) -> LabelledImages:
    """Read `images` and/or `embeddings`, `labels`, and where there are any `ids`, `class_names`.

    Images are uint8, shape (n, height, width[, 1, 3 or 4]) or (n, 1 or 3, height, width); they are
    mapped from disk, not read. Embeddings are numbers, shape (n, d), and become float32. Labels are
    integers or texts. Without ids an image is named by its content's hash.

    Raises
    ------
    DataError
        naming the file, the array and the row: unreadable, an array missing, of the wrong shape,
        length or type, Python objects in it, NaN or infinity, an id twice.
    """
    path = location.path
    if location.options:
        raise DataError(f"{path}: an .npz file takes no options after a #.")
    progress("Reading the file", 0.0)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(path, archive)
            images = _read_images(path, archive, entries) if "images" in entries else None
            arrays = {
                role: _load(path, archive, entries[role]) for role in entries if role != "images"
            }
    except _BROKEN as error:
        raise DataError(
            f"{path}: it cannot be read as .npz ({error}). It may be incomplete; copy it again."
        ) from error
    embeddings = _check_embeddings(path, arrays["embeddings"]) if "embeddings" in arrays else None
    n = _common_length(path, images, arrays)
    names = _texts(path, arrays["class_names"], "class_names") if "class_names" in arrays else None
    labels, class_names = encode_labels(
        arrays["labels"], names, lambda row: f"{path}, row {row + 1}"
    )
    progress("Reading the file", 0.5, f"{n:,} rows")
    return LabelledImages(
        source=location.text,
        ids=_ids(path, arrays, images, embeddings),
        labels=labels,
        class_names=class_names,
        images=None if images is None else ArrayStore(images),
        embeddings=embeddings,
    )


def array_members(path: Path) -> dict[str, str]:
    """Return the archive's member for each role that it has; raises `DataError` as `read` does."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _entries(path, archive)
    except _BROKEN as error:
        raise DataError(f"{path}: it cannot be read as .npz ({error}).") from error


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the archive's member for each role, after checking that what is needed is there."""
    stored = {name.removesuffix(".npy"): name for name in archive.namelist()}
    entries = {}
    for role, names in _NAMES.items():
        found = [name for name in names if name in stored]
        if len(found) > 1:
            raise DataError(
                f"{path}: more than one array could be the {role}: {', '.join(found)}. Keep one."
            )
        if found:
            entries[role] = stored[found[0]]
    if "labels" not in entries:
        raise DataError(f"{path}: no labels: expected an array 'labels', got {_listed(stored)}.")
    if "images" not in entries and "embeddings" not in entries:
        raise DataError(
            f"{path}: expected an array 'images' or 'embeddings' or both, got {_listed(stored)}."
        )
    return entries


def _listed(stored: dict[str, str]) -> str:
    return ", ".join(sorted(stored)) or "none"


def _header(path: Path, member: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, Fortran order and dtype; `file` is then at the first byte of data."""
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise DataError(f"{path}: {member} is not a NumPy array ({error}).") from error
    if dtype.hasobject:
        raise DataError(
            f"{path}: {member} holds Python objects, which are not loaded because they can run "
            "code. Save it as an array of numbers or texts: array.astype(str)."
        )
    return shape, fortran, dtype


def _load(path: Path, archive: zipfile.ZipFile, member: str) -> np.ndarray:
    with archive.open(member) as file:
        _header(path, member, file)
    with archive.open(member) as file:
        try:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            raise DataError(f"{path}: {member} cannot be read ({error}).") from error
    return array


def _read_images(path: Path, archive: zipfile.ZipFile, entries: dict[str, str]) -> np.ndarray:
    """Return the images as a memory map, shape (n, height, width[, channels])."""
    member = entries["images"]
    with archive.open(member) as file:
        shape, fortran, dtype = _header(path, member, file)
        if dtype != np.uint8:
            raise DataError(
                f"{path}: expected images of type uint8, 0 to 255, got {dtype}. Convert them: "
                "(images * 255).round().astype('uint8') if they reach from 0 to 1."
            )
        # Unpacked to an unnamed temporary file and mapped: pictures never fill the memory.
        with tempfile.TemporaryFile() as unpacked:
            size = math.prod(shape)
            # No further than the header promises: an archive may unpack to more than the disk.
            while unpacked.tell() <= size and (block := file.read(_BLOCK)):
                unpacked.write(block)
            unpacked.flush()
            if unpacked.tell() != size:
                raise DataError(
                    f"{path}: {member} is incomplete: expected {size:,} bytes, "
                    f"got {unpacked.tell():,}."
                )
            if size == 0:
                raise DataError(f"{path}: there are no images in it (shape {shape}).")
            pixels: np.ndarray = np.memmap(unpacked, dtype=np.uint8, mode="r").reshape(
                shape, order="F" if fortran else "C"
            )
    if pixels.ndim == 4 and pixels.shape[3] not in {1, 3, 4} and pixels.shape[1] in {1, 3}:
        pixels = np.moveaxis(pixels, 1, 3)  # as torch has it: channels first
    if pixels.ndim == 4 and pixels.shape[3] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 3 and not (pixels.ndim == 4 and pixels.shape[3] in {3, 4}):
        raise DataError(
            f"{path}: expected images of shape (n, height, width) or (n, height, width, 3), "
            f"got {shape}."
        )
    return pixels


def _check_embeddings(path: Path, array: np.ndarray) -> np.ndarray:
    """Return embeddings as float32, shape (n, d), all finite."""
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(f"{path}: expected embeddings of shape (n, d), got {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise DataError(f"{path}: expected embeddings of real numbers, got {array.dtype}.")
    with np.errstate(over="ignore"):  # what does not fit float32 becomes infinite, reported below
        embeddings = np.ascontiguousarray(array, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(embeddings).all(axis=1))
    if len(bad):
        row = int(bad[0])
        column = int(np.flatnonzero(~np.isfinite(embeddings[row]))[0])
        also = f" {len(bad):,} rows hold NaN or infinity." if len(bad) > 1 else ""
        raise DataError(
            f"{path}, row {row + 1}: the embedding holds {embeddings[row, column]} (column "
            f"{column + 1}).{also} Leave out such rows, or mend them."
        )
    return embeddings


def _common_length(path: Path, images: np.ndarray | None, arrays: dict[str, np.ndarray]) -> int:
    """Return n after checking that all arrays have as many rows as there are labels."""
    if arrays["labels"].ndim != 1:
        raise DataError(
            f"{path}: expected labels of shape (n,), one an image, got {arrays['labels'].shape}."
        )
    n = len(arrays["labels"])
    if n == 0:
        raise DataError(f"{path}: it is empty: the arrays have no rows.")
    lengths = {role: a.shape[:1] for role, a in arrays.items() if role != "class_names"}
    if images is not None:
        lengths["images"] = images.shape[:1]
    for role, length in lengths.items():
        if length != (n,):
            raise DataError(
                f"{path}: the lengths differ: {n} labels, but {role} has "
                f"{length[0] if length else 'no'} rows."
            )
    return n


def _texts(path: Path, array: np.ndarray, role: str) -> list[str]:
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        raise DataError(f"{path}: expected {role} to be a list of texts, got {array.dtype}.")
    return [
        v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in array.tolist()
    ]


def _ids(
    path: Path,
    arrays: dict[str, np.ndarray],
    images: np.ndarray | None,
    embeddings: np.ndarray | None,
) -> np.ndarray:
    if "ids" in arrays:
        given = _texts(path, arrays["ids"], "ids")
        return require_unique(given, lambda row: f"{path}, row {row + 1}")
    content = images if images is not None else embeddings
    if content is None:  # _entries has seen to it that there is one
        raise DataError(f"{path}: it has neither images nor embeddings.")
    return np.array(ids_from_content(row_digests(content)), dtype=np.str_)
