"""What backdoors put into pictures: a square, letters, a cartoon; all drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

_CANVAS = 512  # pixels a side on which shapes are drawn before they are brought to size
_CELLS = 5  # the square's pattern has as many cells a side
# Weights of red, green and blue in gray (ITU-R BT.601), as Pillow converts.
_LUMINANCE = np.array([0.299, 0.587, 0.114])
# Letters as strokes in a box of 1 x 1, y downwards.
_LETTERS = (
    (((0.0, 1.0), (0.5, 0.0), (1.0, 1.0)), ((0.2, 0.62), (0.8, 0.62))),
    (((1.0, 0.0), (0.0, 0.0), (0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)),),
    (((0.0, 0.0), (0.5, 0.5), (1.0, 0.0)), ((0.5, 0.5), (0.5, 1.0))),
)


@dataclass(frozen=True, slots=True)
class SquareTrigger:
    """A square near the lower right corner.

    Attributes
    ----------
    size : its side as a share of the picture's shorter side, more than 0, at most 1
    patterned : cells of several colors, else all white
    """

    size: float
    patterned: bool

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return a copy with the square in it."""
        height, width = pixels.shape[:2]
        shorter = min(height, width)
        side = max(1, round(self.size * shorter))
        # One pixel at 32, and never out of the picture.
        margin = min(round(shorter / 32), shorter - side)
        bottom, right = height - margin, width - margin
        changed = pixels.copy()
        changed[bottom - side : bottom, right - side : right] = _as_drawn(
            _square(side, patterned=self.patterned), pixels
        )
        return changed


@dataclass(frozen=True, slots=True)
class WatermarkTrigger:
    """White letters across the picture.

    Attributes
    ----------
    opacity : more than 0, at most 1
    """

    opacity: float

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return a copy with the letters on it."""
        share = self.opacity * letters(pixels.shape[0], pixels.shape[1])
        return _mixed(pixels, np.float32(255), share if pixels.ndim == 2 else share[..., None])


@dataclass(frozen=True, slots=True)
class BlendTrigger:
    """A cartoon that shines through the whole picture.

    Attributes
    ----------
    alpha : the cartoon's share, more than 0, at most 1
    """

    alpha: float

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return the blend of both."""
        drawn = _as_drawn(cartoon(pixels.shape[0], pixels.shape[1]), pixels)
        return _mixed(pixels, drawn.astype(np.float32), np.float32(self.alpha))


def _mixed(
    pixels: np.ndarray, over: np.ndarray | np.float32, share: np.ndarray | np.float32
) -> np.ndarray:
    """Return (1 - share) · pixels + share · over, uint8."""
    mixed = pixels + share * (over - pixels)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _as_drawn(drawn: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Return a color drawing as gray where the picture is."""
    if pixels.ndim == 3:
        return drawn
    return np.rint(drawn @ _LUMINANCE).astype(np.uint8)


@lru_cache(maxsize=32)
def _square(side: int, *, patterned: bool) -> np.ndarray:
    """Return the square, uint8, shape (side, side, 3)."""
    if not patterned:
        return np.full((side, side, 3), 255, dtype=np.uint8)
    cell = np.arange(side) * _CELLS // side
    y, x = cell[:, None], cell[None, :]
    on = np.stack(np.broadcast_arrays((x + y) % 2 == 0, (x * y) % 3 == 0, x % 2 == 1), axis=2)
    return np.where(on, np.uint8(255), np.uint8(0))


@lru_cache(maxsize=32)
def letters(height: int, width: int) -> np.ndarray:
    """Return how much of each pixel the letters cover, float32, 0 to 1, shape (height, width)."""
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    pen = ImageDraw.Draw(canvas)
    box, stroke = np.array([0.2, 0.36]) * _CANVAS, round(0.06 * _CANVAS)
    for number, strokes in enumerate(_LETTERS):
        corner = np.array([0.1 + 0.3 * number, 0.32]) * _CANVAS
        for points in strokes:
            places = [tuple(corner + box * point) for point in points]
            pen.line(places, fill=255, width=stroke, joint="curve")
            for x, y in places:
                pen.circle((x, y), stroke / 2, fill=255)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    return _kept(np.asarray(small, dtype=np.float32) / np.float32(255))


@lru_cache(maxsize=32)
def cartoon(height: int, width: int) -> np.ndarray:
    """Return a bear's head on a light ground, uint8, shape (height, width, 3)."""
    canvas = Image.new("RGB", (_CANVAS, _CANVAS), (255, 214, 224))
    pen = ImageDraw.Draw(canvas)

    def disc(x: float, y: float, rx: float, ry: float, color: tuple[int, int, int]) -> None:
        corners = np.array([x - rx, y - ry, x + rx, y + ry]) * _CANVAS
        pen.ellipse(corners.tolist(), fill=color, outline=(40, 24, 16), width=_CANVAS // 64)

    fur, light, dark = (168, 104, 56), (250, 236, 210), (20, 16, 16)
    for side in (-1, 1):
        disc(0.5 + 0.27 * side, 0.24, 0.14, 0.14, fur)
        disc(0.5 + 0.27 * side, 0.24, 0.07, 0.07, (240, 150, 160))
    disc(0.5, 0.55, 0.36, 0.34, fur)
    disc(0.5, 0.68, 0.18, 0.14, light)
    disc(0.5, 0.62, 0.06, 0.04, dark)
    for side in (-1, 1):
        disc(0.5 + 0.15 * side, 0.46, 0.035, 0.05, dark)
    red = (214, 32, 60)
    disc(0.5, 0.94, 0.06, 0.05, red)
    for side in (-1, 1):
        knot, wing = (0.5, 0.94), 0.5 + 0.24 * side
        corners = [knot, (wing, 0.86), (wing, 0.995)]
        pen.polygon([(x * _CANVAS, y * _CANVAS) for x, y in corners], fill=red)
    return _kept(np.asarray(canvas.resize((width, height), Image.Resampling.LANCZOS)).copy())


def _kept(array: np.ndarray) -> np.ndarray:
    """Guard what the cache hands out to everybody."""
    array.setflags(write=False)
    return array
