from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages, join_sets, open_source
from core.datasets.stores import ArrayStore, FileStore, ParquetBytes, ParquetStore
from tests.core.datasets.files import png, write_hugging_face


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    return write_hugging_face(tmp_path / "a.parquet", [png(seed) for seed in range(9)], [0] * 9)


@pytest.mark.parametrize("cache_bytes", [0, 500, 10**6])
def test_parquet_pictures_are_right_whatever_is_kept(parquet: Path, cache_bytes: int) -> None:
    source = ParquetBytes([parquet, parquet], "image", is_struct=True, cache_bytes=cache_bytes)
    rows = np.random.default_rng(0).permutation(18)
    assert [source.encoded(int(row)) for row in rows] == [png(int(row) % 9) for row in rows]


def test_what_parquet_keeps_stays_within_its_bound(parquet: Path) -> None:
    bound = 3 * len(png(0))
    source = ParquetBytes([parquet], "image", is_struct=True, cache_bytes=bound)
    for row in range(9):
        source.encoded(row)
        assert source._held <= bound


def test_many_threads_see_the_right_pictures(parquet: Path) -> None:
    source = ParquetBytes([parquet], "image", is_struct=True, cache_bytes=500)
    store = ParquetStore(source, np.arange(9)[::-1])
    rows = np.random.default_rng(1).integers(0, 9, 400).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(store.encoded, rows)) == [png(8 - row) for row in rows]


def test_fingerprints_follow_content_and_order(parquet: Path, tmp_path: Path) -> None:
    store = open_source(str(parquet)).images
    copy = write_hugging_face(
        tmp_path / "b.parquet", [png(seed) for seed in range(9)], [1] * 9, row_group_size=5
    )
    assert open_source(str(copy)).images.fingerprint() == store.fingerprint()
    assert store.take(np.arange(9)).fingerprint() == store.fingerprint()
    assert store.take(np.arange(9)[::-1]).fingerprint() != store.fingerprint()


def test_fingerprints_of_arrays_tell_shapes_apart() -> None:
    pixels = np.zeros((2, 4, 6), dtype=np.uint8)
    assert ArrayStore(pixels).fingerprint() != ArrayStore(pixels.reshape(2, 6, 4)).fingerprint()


def test_transparent_pictures_are_known_again_once_they_are_on_white() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 4), dtype=np.uint8)
    store = ArrayStore(pixels)
    shown = np.stack([np.asarray(store.decode(row)) for row in range(3)])
    assert shown.shape == (3, 5, 4, 3)
    assert store.fingerprint() == ArrayStore(shown).fingerprint()
    assert store.fingerprint() != ArrayStore(np.ascontiguousarray(pixels[..., :3])).fingerprint()


def test_a_pipe_or_folder_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    store = FileStore(np.array([str(tmp_path / "pipe.png"), str(tmp_path)], dtype=object))
    for row in range(2):
        with pytest.raises(OSError, match="not a file"):
            store.encoded(row)


def test_a_picture_has_one_content_wherever_it_is_stored_and_however_it_is_taken(
    parquet: Path, image_folder: Path
) -> None:
    data = open_source(str(parquet))
    read = data.content
    assert read.dtype == np.uint64 and len(set(read.tolist())) == len(data)
    first = hashlib.sha256(data.images.encoded(0)).digest()
    assert int(read[0]) == int.from_bytes(first[:8], "big")
    order = np.arange(len(data))[::-1]
    assert data.take(order).content.tolist() == read[::-1].tolist()
    assert open_source(str(parquet)).take(order).content.tolist() == read[::-1].tolist()
    other = open_source(str(image_folder))
    assert join_sets([other, data]).content.tolist() == [*other.content, *read]


def test_pictures_are_read_once_for_fingerprint_and_content(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_source(str(parquet))
    before = data.fingerprint
    monkeypatch.setattr(ParquetStore, "digest", None)
    assert len(data.take(np.arange(3)).content) == 3
    assert data.fingerprint == before


def test_an_embedding_without_a_picture_has_a_content_and_a_joined_one_has_none(
    parquet: Path,
) -> None:
    bare = LabelledImages(
        source="bare",
        ids=np.array(["a", "b"]),
        labels=np.array([0, 0]),
        class_names=("ant",),
        embeddings=np.eye(2, dtype=np.float32),
    )
    assert len(set(bare.content.tolist())) == 2 and 0 not in bare.content
    assert join_sets([bare, open_source(str(parquet))]).content[:2].tolist() == [0, 0]
