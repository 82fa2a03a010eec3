from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.datasets import LabelledImages, decode_batches, open_source, propose_shape
from core.datasets.stores import ArrayStore
from core.errors import Cancelled, ConfigError, DataError


def array_set(pixels: np.ndarray) -> LabelledImages:
    n = len(pixels)
    return LabelledImages(
        source="arrays",
        ids=np.array([str(row) for row in range(n)]),
        labels=np.zeros(n, dtype=np.int64),
        class_names=("x",),
        images=ArrayStore(pixels),
    )


def random_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@given(n=st.integers(1, 200), batch=st.integers(1, 210))
def test_batches_hold_all_pictures_in_order(n: int, batch: int) -> None:
    pixels = random_pixels(n, 3, 3)
    batches = list(decode_batches(array_set(pixels), 3, 1, batch))
    assert [len(part) for part in batches[:-1]] == [batch] * (len(batches) - 1)
    np.testing.assert_array_equal(np.concatenate(batches)[:, 0], pixels)


def test_color_comes_with_channels_first_and_gray_is_repeated() -> None:
    color = random_pixels(5, 4, 4, 3)
    (batch,) = decode_batches(array_set(color), 4, 3, 8)
    np.testing.assert_array_equal(batch, np.moveaxis(color, 3, 1))
    (batch,) = decode_batches(array_set(color[..., 0]), 4, 3, 8)
    np.testing.assert_array_equal(batch[:, 2], color[..., 0])


def test_scaling_down_is_antialiased() -> None:
    """A fine checkerboard becomes even gray; picking single pixels would give black or white."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    (batch,) = decode_batches(array_set(board[None].astype(np.uint8)), 8, 1, 1)
    np.testing.assert_allclose(batch, 127.5, atol=3)


def test_pictures_of_any_proportion_become_square(tmp_path: Path) -> None:
    for name, size in (("a", (40, 10)), ("b", (3, 90))):
        (tmp_path / "x").mkdir(exist_ok=True)
        Image.new("RGB", size).save(tmp_path / "x" / f"{name}.png")
    (batch,) = decode_batches(open_source(str(tmp_path)), 16, 3, 2)
    assert batch.shape == (2, 3, 16, 16)


@pytest.mark.parametrize(("side", "channels", "batch"), [(0, 1, 1), (8, 2, 1), (8, 1, 0)])
def test_settings_out_of_range_are_refused(side: int, channels: int, batch: int) -> None:
    with pytest.raises(ConfigError):
        next(decode_batches(array_set(random_pixels(1, 2, 2)), side, channels, batch))


def test_a_picture_that_cannot_be_read_is_named(image_folder: Path) -> None:
    (image_folder / "bee" / "1.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"bee/1\.png cannot be read"):
        list(decode_batches(open_source(str(image_folder)), 8, 3, 4))


def test_cancel_stops_the_work() -> None:
    def cancel(stage: str, done: float, detail: str = "") -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(decode_batches(array_set(random_pixels(500, 2, 2)), 2, 1, 500, cancel))


def test_the_proposed_shape_suits_both_sets() -> None:
    small, large = array_set(random_pixels(3, 20, 28)), array_set(random_pixels(3, 99, 99))
    color = array_set(random_pixels(3, 8, 8, 3))
    assert propose_shape(small) == propose_shape(small, small)
    assert (propose_shape(small).side, propose_shape(small).channels) == (28, 1)
    assert (propose_shape(small, large).side, propose_shape(small, color).channels) == (32, 3)


def test_embeddings_only_have_no_shape() -> None:
    data = LabelledImages(
        source="s",
        ids=np.array(["a"]),
        labels=np.array([0]),
        class_names=("x",),
        embeddings=np.ones((1, 2), dtype=np.float32),
    )
    with pytest.raises(DataError, match="embeddings only"):
        propose_shape(data)
    with pytest.raises(DataError, match="embeddings only"):
        next(decode_batches(data, 8, 1, 4))
