from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.datasets.pictures import decode_bytes
from tests.core.datasets.files import png


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def values(image: Image.Image) -> list[int]:
    return np.asarray(image).reshape(-1).tolist()


@pytest.mark.parametrize(
    ("image", "mode", "expected"),
    [
        (Image.new("L", (1, 1), 7), "L", [7]),
        (Image.new("1", (1, 1), 1), "L", [255]),
        (Image.new("RGB", (1, 1), (1, 2, 3)), "RGB", [1, 2, 3]),
        (Image.new("RGBA", (1, 1), (1, 2, 3, 255)), "RGB", [1, 2, 3]),
        (Image.new("RGBA", (1, 1), (1, 2, 3, 0)), "RGB", [255, 255, 255]),
        (Image.new("LA", (1, 1), (9, 255)), "L", [9]),
        (Image.new("LA", (1, 1), (9, 0)), "L", [255]),
        (Image.new("RGB", (1, 1), (9, 8, 7)).convert("P"), "RGB", None),
        (Image.fromarray(np.array([[0x1234]], dtype=np.uint16)), "L", [0x12]),
    ],
    ids=["gray", "bits", "rgb", "opaque", "clear", "gray opaque", "gray clear", "palette", "16"],
)
def test_every_mode_becomes_gray_or_rgb(image: Image.Image, mode: str, expected) -> None:
    picture = decode_bytes(encoded(image))
    assert picture.mode == mode
    if expected is not None:
        assert values(picture) == expected


def test_a_transparent_color_of_rgb_is_laid_on_white() -> None:
    picture = decode_bytes(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), transparency=(1, 2, 3)))
    assert (picture.mode, values(picture)) == ("RGB", [255, 255, 255])


def test_cmyk_jpeg_is_read() -> None:
    assert decode_bytes(encoded(Image.new("CMYK", (4, 4)), "JPEG")).mode == "RGB"


def test_orientation_is_applied() -> None:
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6  # turn by a quarter
    assert decode_bytes(encoded(image, "JPEG", exif=exif)).size == (2, 4)


def test_a_large_jpeg_can_be_decoded_smaller_but_not_too_small() -> None:
    content = encoded(Image.new("RGB", (800, 640)), "JPEG")
    assert decode_bytes(content).size == (800, 640)
    small = decode_bytes(content, min_side=100)
    assert small.size < (800, 640)
    assert min(small.size) >= 100


@pytest.mark.parametrize("content", [b"", b"no picture", png(0)[:60], png(0)[:-40]])
def test_what_is_no_whole_picture_raises_oserror(content: bytes) -> None:
    with pytest.raises(OSError, match=r".+"):
        decode_bytes(content)


def test_a_decompression_bomb_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for side in (40, 400):  # Pillow warns at the first, raises at the second
        with pytest.raises(OSError, match=r"too large|exceeds|bomb"):
            decode_bytes(encoded(Image.new("L", (side, side))))


@pytest.mark.filterwarnings("ignore:::PIL")
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF"]))
def test_damaged_files_give_a_picture_or_oserror(seed: int, kind: str) -> None:
    rng = random.Random(seed)  # noqa: S311
    content = bytearray(encoded(Image.new("RGB", (9, 7), (200, 30, 90)), kind))
    for _ in range(rng.randint(1, 6)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    try:
        picture = decode_bytes(bytes(content))
    except OSError:
        return
    assert picture.mode in {"L", "RGB"}


def test_postscript_is_not_handed_to_an_interpreter() -> None:
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    with pytest.raises(OSError, match="PostScript"):
        decode_bytes(content)
