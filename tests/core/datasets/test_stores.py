from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.datasets import open_source
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


def test_a_pipe_or_folder_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    store = FileStore(np.array([str(tmp_path / "pipe.png"), str(tmp_path)], dtype=object))
    for row in range(2):
        with pytest.raises(OSError, match="not a file"):
            store.encoded(row)
