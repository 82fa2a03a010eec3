"""Small sets of every kind that is read, for planting faults in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets import ArrayStore, LabelledImages, open_source
from tests.core.datasets.files import png, write_hugging_face

NAMES = ("cat", "deer", "dog", "frog", "truck")
KINDS = ("folder", "manifest", "parquet", "array", "embeddings", "both")


def pictures(
    n: int = 200, *, seed: int = 0, side: int = 8, gray: bool = False, names: int = 5
) -> LabelledImages:
    """Return `n` random pictures in memory, class after class."""
    rng = np.random.default_rng(seed)
    shape = (n, side, side) if gray else (n, side, side, 3)
    return LabelledImages(
        source="memory",
        ids=np.array([f"image-{i:04d}.png" for i in range(n)]),
        labels=np.arange(n) * names // n,
        class_names=NAMES[:names],
        images=ArrayStore(rng.integers(0, 256, shape, dtype=np.uint8)),
    )


def vectors(n: int = 200, *, seed: int = 0, width: int = 6) -> LabelledImages:
    """Return `n` embeddings without pictures, each coordinate with a spread of its own."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, width)) * (1 + np.arange(width))
    return replace(pictures(n), images=None, embeddings=x.astype(np.float32))


def written(kind: str, folder: Path, n: int = 20) -> LabelledImages:
    """Write a set of one of `KINDS` and open it."""
    contents = [png(seed) for seed in range(n)]
    names = [NAMES[i * len(NAMES) // n] for i in range(n)]
    labels = [NAMES.index(name) for name in names]
    ids = [f"{name}/{i:03d}.png" for i, name in enumerate(names)]
    if kind in {"folder", "manifest"}:
        for image_id, content in zip(ids, contents, strict=True):
            (folder / image_id).parent.mkdir(parents=True, exist_ok=True)
            (folder / image_id).write_bytes(content)
        if kind == "folder":
            return open_source(str(folder))
        lines = ["path,label", *(f"{i},{name}" for i, name in zip(ids, names, strict=True))]
        (folder / "manifest.csv").write_text("\n".join(lines))
        return open_source(str(folder / "manifest.csv"))
    if kind == "parquet":
        file = write_hugging_face(folder / "set.parquet", contents, labels, names=NAMES)
        return open_source(str(file))
    arrays = {"labels": np.array(labels), "class_names": np.array(NAMES)}
    if kind in {"array", "both"}:
        arrays["images"] = pictures(n).images.take(np.arange(n))._pixels  # type: ignore[union-attr]
    if kind in {"embeddings", "both"}:
        arrays["embeddings"] = np.random.default_rng(0).standard_normal((n, 6))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "set.npz", **arrays)
    return open_source(str(folder / "set.npz"))


def pixels(data: LabelledImages, row: int) -> np.ndarray:
    """Return picture `row` as it is decoded."""
    assert data.images is not None
    return np.asarray(data.images.decode(row))


def shuffled(data: LabelledImages, seed: int = 1) -> LabelledImages:
    """Return the same images in another order."""
    return data.take(np.random.default_rng(seed).permutation(len(data)))


def save(path: Path, array: np.ndarray) -> None:
    """Write a picture."""
    Image.fromarray(array).save(path)
