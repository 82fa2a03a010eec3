"""Small sets of drawn pictures: each class is a bar of its own position, on noise."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from core.datasets import LabelledImages
from core.embedding import ConvnetConfig


@dataclass
class DrawnPictures:
    """An `ImageStore` in memory that counts what is decoded; broken rows cannot be read."""

    pixels: np.ndarray
    broken: frozenset[int] = frozenset()
    decoded: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pixels)

    def encoded(self, index: int) -> bytes:
        buffer = io.BytesIO()
        self.decode(index).save(buffer, format="PNG")
        return buffer.getvalue()

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        if index in self.broken:
            raise OSError("the file is cut short")
        self.decoded.append(index)
        return Image.fromarray(self.pixels[index])

    def digests(self) -> np.ndarray:
        found = b"".join(
            hashlib.sha256(b"broken" if row in self.broken else self.pixels[row].tobytes()).digest()
            for row in range(len(self))
        )
        return np.frombuffer(found, dtype=np.uint8).reshape(-1, 32)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.pixels.tobytes() + bytes(sorted(self.broken))).hexdigest()

    def take(self, indices: np.ndarray) -> DrawnPictures:
        rows = np.arange(len(self.pixels))[indices]
        broken = frozenset(new for new, old in enumerate(rows.tolist()) if old in self.broken)
        return DrawnPictures(self.pixels[rows], broken, self.decoded)


def drawn(
    labels: list[int],
    *,
    seed: int = 0,
    color: bool = False,
    side: int = 12,
    broken: frozenset[int] = frozenset(),
    name: str = "drawn",
    n_classes: int = 3,
) -> LabelledImages:
    """Return a set whose image i shows a bright bar at a place that its label decides."""
    rng = np.random.default_rng(seed)
    shape = (len(labels), side, side, 3) if color else (len(labels), side, side)
    pixels = rng.integers(0, 60, shape)
    for row, label in enumerate(labels):
        pixels[row, :, 1 + 3 * label : 3 + 3 * label] += 180
    return LabelledImages(
        source=name,
        ids=np.array([f"{name}/{row}.png" for row in range(len(labels))]),
        labels=np.array(labels, dtype=np.int64),
        class_names=tuple(f"bar {label}" for label in range(n_classes)),
        images=DrawnPictures(pixels.astype(np.uint8), broken),
    )


@pytest.fixture
def draw() -> Callable[..., LabelledImages]:
    return drawn


@pytest.fixture
def tiny() -> ConvnetConfig:
    """Settings that take a fraction of a second."""
    return ConvnetConfig(widths=(4, 8), epochs=2, batch=8, embed_batch=16)
