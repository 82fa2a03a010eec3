"""Pictures as they are sent to a browser: as stored, or made smaller."""

from __future__ import annotations

import io

from PIL import Image

from core.datasets import LabelledImages
from core.errors import DataError

# Browsers show these as they are; the first bytes tell them apart, not the file's name.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
SIZES = (128, 256, 1280)  # longest side of a thumbnail, pixels; the last is the inspector's
_AS_STORED_BYTES = {128: 32_768, 256: 65_536, 1280: 2_097_152}


def picture(images: LabelledImages, row: int, size: int | None) -> tuple[bytes, str]:
    """Return picture `row` and its media type.

    As stored where a browser shows it and it is small, else made smaller.

    Parameters
    ----------
    images : a set with pictures
    row : position in it
    size : one of `SIZES`, or None for the largest

    Raises
    ------
    IndexError
        There is no such row.
    DataError
        The picture cannot be read any more.
    """
    if not 0 <= row < len(images) or images.images is None:
        raise IndexError(row)
    size = size or SIZES[-1]
    try:
        stored = images.images.encoded(row)
        media_type = _media_type(stored)
        if media_type and len(stored) <= _AS_STORED_BYTES[size] and _longest(stored) <= 2 * size:
            return stored, media_type
        image = images.images.decode(row)
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        # Small pictures are looked at pixel by pixel: nothing may be smeared.
        lossless = max(image.size) <= 64
        image.convert("RGB").save(out, "WEBP", quality=88, lossless=lossless, method=2)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The picture {images.ids[row]} cannot be read any more.") from error
    return out.getvalue(), "image/webp"


def _media_type(content: bytes) -> str | None:
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _longest(content: bytes) -> int:
    """Return the longest side, from the header alone."""
    with Image.open(io.BytesIO(content)) as image:
        return max(image.size)
