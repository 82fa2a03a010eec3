"""Which pictures can be read: each is decoded once, in several threads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from core.datasets.images import ImageStore, LabelledImages, Unreadable
from core.datasets.threads import chunks, ordered_map
from core.errors import DataError
from core.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Scan:
    """What decoding every picture of a set showed.

    Attributes
    ----------
    digests : SHA-256 digest of each picture's pixels, None where it is unreadable; two pictures
        with the same pixels have the same digest, however they are stored
    unreadable : position and reason of each picture that cannot be read
    sizes : (width, height), int64, shape (n, 2); 0 where unreadable
    gray : whether every readable picture is gray
    """

    digests: list[bytes | None]
    unreadable: dict[int, str]
    sizes: np.ndarray
    gray: bool


def scan(images: ImageStore, progress: Progress = silent) -> Scan:
    """Decode every picture once."""
    n = len(images)
    digests: list[bytes | None] = []
    unreadable: dict[int, str] = {}
    sizes = np.zeros((n, 2), dtype=np.int64)
    gray = True

    def look(rows: range) -> list[tuple[bytes, tuple[int, int], bool] | str]:
        return [_look(images, row) for row in rows]

    for found in ordered_map(look, chunks(n)):
        for result in found:
            row = len(digests)
            if isinstance(result, str):
                digests.append(None)
                unreadable[row] = result
                continue
            digest, sizes[row], is_gray = result
            digests.append(digest)
            gray = gray and is_gray
        progress("Checking pictures", len(digests) / n, f"{len(digests):,} of {n:,}")
    return Scan(digests, unreadable, sizes, gray)


def _look(images: ImageStore, row: int) -> tuple[bytes, tuple[int, int], bool] | str:
    """Return digest, size and whether it is gray, or why it cannot be read."""
    try:
        picture = images.decode(row)
    except OSError as error:
        return reason(error)
    head = f"{picture.mode}{picture.size}".encode()
    return hashlib.sha256(head + picture.tobytes()).digest(), picture.size, picture.mode == "L"


def reason(error: OSError) -> str:
    """Return why a picture cannot be read, in few words."""
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    return error.strerror or str(error) or type(error).__name__


def drop_unreadable(data: LabelledImages, progress: Progress = silent) -> LabelledImages:
    """Return `data` without the pictures that cannot be read, listed in its `unreadable`.

    Each picture is decoded once, in several threads. A set of embeddings only stays as it is.

    Raises
    ------
    DataError
        where no picture can be read.
    """
    if data.images is None:
        return data
    return without(data, scan(data.images, progress).unreadable)


def without(data: LabelledImages, unreadable: dict[int, str]) -> LabelledImages:
    """Return `data` without the rows in `unreadable` (row to reason), noted in the result."""
    if not unreadable:
        return data
    if len(unreadable) == len(data):
        first = min(unreadable)
        raise DataError(
            f"{data.source}: none of its {len(data):,} pictures can be read. "
            f"The first is {data.ids[first]}: {unreadable[first]}."
        )
    kept = np.delete(np.arange(len(data)), list(unreadable))
    left_out = [Unreadable(str(data.ids[row]), unreadable[row]) for row in sorted(unreadable)]
    return data.take(kept, left_out)
