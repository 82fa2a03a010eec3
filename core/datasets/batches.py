"""Pictures as arrays, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.datasets.images import ImageStore, LabelledImages
from core.datasets.readable import reason
from core.datasets.threads import CHUNK, ordered_map
from core.errors import ConfigError, DataError
from core.progress import Progress, silent

_LOOK_AT = 64  # pictures from which size and color are judged
_LARGEST_NATIVE = 32  # pixels a side; what is larger is scaled down


@dataclass(frozen=True, slots=True)
class PictureShape:
    """The form in which pictures become arrays: `channels` (1 gray, 3 RGB) x `side` x `side`."""

    side: int
    channels: int


def propose_shape(*sets: LabelledImages, largest_side: int = _LARGEST_NATIVE) -> PictureShape:
    """Return a shape that suits all sets: their own size up to a limit, gray if all are gray.

    Up to 64 pictures of each set, evenly spread, are looked at; `largest_side` is in pixels.

    Raises
    ------
    DataError
        where a set has no pictures, or none of those looked at can be read.
    """
    side, channels = 1, 1
    for data in sets:
        images = _images(data)
        readable = 0
        for row in np.unique(np.linspace(0, len(images) - 1, _LOOK_AT).astype(np.int64)):
            try:
                picture = images.decode(int(row))
            except OSError:
                continue
            readable += 1
            side = max(side, *picture.size)
            channels = max(channels, len(picture.getbands()))
        if not readable:
            raise DataError(f"{data.source}: none of the pictures looked at can be read.")
    return PictureShape(min(side, largest_side), channels)


def decode_batches(
    data: LabelledImages, side: int, channels: int, batch: int, progress: Progress = silent
) -> Iterator[np.ndarray]:
    """Yield the pictures in order as uint8 arrays, shape (b, channels, side, side), b <= batch.

    Pictures are resized with antialiasing, without regard to their proportions, and decoded ahead
    in several threads. Memory: a few batches, whatever the size of the set.

    Parameters
    ----------
    side : pixels, at least 1
    channels : 1 for gray, 3 for RGB
    batch : pictures in an array, at least 1; the last array holds the rest

    Raises
    ------
    ConfigError
        where `side`, `channels` or `batch` is out of range.
    DataError
        where there are no pictures, or one cannot be read: leave those out first
        (`drop_unreadable`).
    """
    if side < 1 or batch < 1 or channels not in {1, 3}:
        raise ConfigError(
            f"Expected side and batch of at least 1 and 1 or 3 channels, got side {side}, "
            f"batch {batch}, channels {channels}."
        )
    images = _images(data)
    n = len(images)
    # Tasks smaller than a batch keep all threads busy while the first batch is waited for.
    task = min(CHUNK, batch)
    pieces = (
        range(start, min(start + task, end))
        for first in range(0, n, batch)
        for end in (min(first + batch, n),)
        for start in range(first, end, task)
    )

    def decode(rows: range) -> np.ndarray:
        return np.stack([_pixels(data, images, row, side, channels) for row in rows])

    return _assembled(ordered_map(decode, pieces), n, batch, progress)


def _assembled(
    pieces: Iterator[np.ndarray], n: int, batch: int, progress: Progress
) -> Iterator[np.ndarray]:
    done, parts, held = 0, [], 0
    for piece in pieces:
        parts.append(piece)
        held += len(piece)
        done += len(piece)
        progress("Reading pictures", done / n, f"{done:,} of {n:,}")
        if held == batch or done == n:
            yield np.concatenate(parts)
            parts, held = [], 0


def _pixels(
    data: LabelledImages, images: ImageStore, row: int, side: int, channels: int
) -> np.ndarray:
    """Return picture `row` as uint8, shape (channels, side, side)."""
    try:
        # Twice the side leaves enough to smooth over.
        picture = images.decode(row, min_side=2 * side)
    except OSError as error:
        raise DataError(
            f"{data.source}: the picture {data.ids[row]} cannot be read: {reason(error)}."
        ) from error
    mode = "L" if channels == 1 else "RGB"
    if picture.mode != mode:
        picture = picture.convert(mode)
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(picture)
    return pixels[None] if channels == 1 else np.moveaxis(pixels, 2, 0)


def _images(data: LabelledImages) -> ImageStore:
    if data.images is None:
        raise DataError(f"{data.source}: it has embeddings only; here pictures are needed.")
    return data.images
