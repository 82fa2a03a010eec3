"""From an encoded file or an array to a picture of mode "L" or "RGB"."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# What Pillow raises on broken files besides `OSError`, seen in its parsers and its issue tracker.
_BROKEN = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def decode_bytes(content: bytes, *, min_side: int | None = None) -> Image.Image:
    """Return the picture in the encoded file `content`, loaded, mode "L" or "RGB".

    Grayscale stays "L", everything else becomes "RGB". Transparency is laid on white, the
    orientation in the Exif data is applied, 16-bit gray is scaled to 8 bits, and an animation
    gives its first frame.

    Parameters
    ----------
    content : an encoded file: PNG, JPEG, WebP, ...
    min_side : if given, a JPEG may be decoded at a half, quarter or eighth of its size as long as
        both sides stay at least this long: several times quicker for photographs

    Raises
    ------
    OSError
        where it is no picture, is broken, or has more pixels than Pillow's limit
        (`Image.MAX_IMAGE_PIXELS`); the message is the reason, for people.
    """
    if not content:
        raise OSError("the file is empty")
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if opened.format == "EPS":  # Pillow would hand it to Ghostscript
                raise OSError("PostScript is a program, not a picture; save it as PNG")
            _refuse_bomb(opened)
            if min_side is not None and opened.format == "JPEG":
                opened.draft(None, (min_side, min_side))
            opened.load()
            oriented = ImageOps.exif_transpose(opened) if "exif" in opened.info else opened
            return to_gray_or_rgb(oriented)
    except UnidentifiedImageError:
        raise OSError("not a picture that can be read") from None
    except _BROKEN as error:
        raise OSError(f"broken picture ({error or type(error).__name__})") from error


def _refuse_bomb(opened: Image.Image) -> None:
    """Raise `OSError` where the header promises more pixels than Pillow thinks safe."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and opened.width * opened.height > limit:
        raise OSError(
            f"too large: {opened.width:,} x {opened.height:,} pixels, the limit is {limit:,} in all"
        )


def to_gray_or_rgb(image: Image.Image) -> Image.Image:
    """Return `image` in mode "L" if it is gray without transparency, else in mode "RGB"."""
    if image.mode in {"L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "I" or image.mode.startswith("I;16"):
        # 16-bit gray: Pillow's own conversion would clip everything above 255 to white.
        values = np.asarray(image, dtype=np.int64)
        shift = 8 if image.mode != "I" or values.max(initial=0) > 255 else 0
        return Image.fromarray(np.clip(values >> shift, 0, 255).astype(np.uint8))
    if image.mode == "F":
        raise OSError("a picture of floating-point numbers has no defined range; save it as 8-bit")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, (255, 255, 255, 255))
        flat = Image.alpha_composite(white, layers)
        return flat.convert("L" if image.mode in {"L", "LA", "La"} else "RGB")
    return image.convert("RGB")


def encode_png(pixels: np.ndarray) -> bytes:
    """Return uint8 `pixels`, shape (height, width) or (height, width, 3), as a PNG file."""
    buffer = io.BytesIO()
    # Level 1: these are sent once to a browser beside it, speed counts more than size.
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
