"""Pictures that show the same, and are not the same."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

CHANGES = ("crop", "shift", "mirror", "brightness", "jpeg")
_CROP = (0.85, 0.95)  # share of each side that a crop keeps
_SHIFT = 1 / 16  # of each side at most
_LIGHTER = (1.1, 1.25)  # or darker by as much
_QUALITY = (40, 75)  # of JPEG


@dataclass(frozen=True, slots=True)
class NearCopy:
    """Changes a picture a little; most people would call the two the same.

    Attributes
    ----------
    change : one of `CHANGES`, or "any": one of them at random
    """

    change: str

    def chosen(self, key: int) -> str:
        """Return which change the picture with this key gets."""
        return CHANGES[key % len(CHANGES)] if self.change == "any" else self.change

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return the changed copy, of the same shape."""
        rng = np.random.default_rng(key)
        return _MAKERS[self.chosen(key)](pixels, rng)


def _cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = pixels.shape[:2]
    kept = [max(1, int(rng.uniform(*_CROP) * side)) for side in (height, width)]
    top, left = (
        int(rng.integers(side - part + 1)) for side, part in zip((height, width), kept, strict=True)
    )
    picture = Image.fromarray(pixels).crop((left, top, left + kept[1], top + kept[0]))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))


def _shifted(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift by a pixel at least; the border's pixels are repeated."""
    height, width = pixels.shape[:2]
    by = [
        int(rng.integers(1, max(1, round(_SHIFT * side)) + 1)) * int(rng.choice((-1, 1)))
        for side in (height, width)
    ]
    rows = np.clip(np.arange(height) + by[0], 0, height - 1)
    columns = np.clip(np.arange(width) + by[1], 0, width - 1)
    return pixels[rows][:, columns]


def _mirrored(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(pixels[:, ::-1])


def _brightened(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    factor = rng.uniform(*_LIGHTER)
    if rng.random() < 0.5:
        factor = 1 / factor
    return np.clip(np.rint(pixels * factor), 0, 255).astype(np.uint8)


def _compressed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    buffer = io.BytesIO()
    quality = int(rng.integers(*_QUALITY))
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer) as opened:
        return np.asarray(opened)


_MAKERS = {
    "crop": _cropped,
    "shift": _shifted,
    "mirror": _mirrored,
    "brightness": _brightened,
    "jpeg": _compressed,
}
