from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.datasets import SAME_PICTURE, ArrayStore, likeness


def photograph(seed: int, side: int = 64) -> np.ndarray:
    """A smooth random picture: near pixels are alike, as in photographs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def compared(*pictures: np.ndarray):
    store = ArrayStore(np.stack(pictures))
    return likeness(store, 0, store, np.arange(1, len(pictures)))


def test_a_copy_is_identical_and_a_changed_one_still_shows_the_same() -> None:
    picture = photograph(0)
    noisy = picture + np.random.default_rng(1).normal(0, 5, picture.shape)
    brighter = np.clip(picture * 0.8 + 30, 0, 255)
    found = compared(
        picture, picture, np.clip(noisy, 0, 255).astype(np.uint8), brighter.astype("u1")
    )
    np.testing.assert_array_equal(found.identical, [True, False, False])
    np.testing.assert_array_equal(found.same, [True, True, True])


def test_a_mirrored_picture_shows_the_same() -> None:
    picture = photograph(2)
    found = compared(picture, picture[:, ::-1], picture[::-1])
    np.testing.assert_array_equal(found.same, [True, False])


def test_another_picture_does_not() -> None:
    found = compared(*(photograph(seed) for seed in range(20)))
    assert found.correlation.max() < SAME_PICTURE
    assert not found.same.any()


def test_plain_pictures_are_the_same_only_if_equal() -> None:
    black, gray = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 90, np.uint8)
    np.testing.assert_array_equal(compared(black, black, gray).same, [True, False])


def test_pictures_of_other_sizes_are_compared_too(tmp_path) -> None:
    large, small = ArrayStore(photograph(3)[None]), ArrayStore(photograph(3, side=40)[None])
    found = likeness(large, 0, small, np.array([0]))
    assert found.same.all()
    assert not found.identical.any()


class Broken(ArrayStore):
    """Its second picture cannot be read."""

    def encoded(self, index: int) -> bytes:
        if index == 1:
            raise OSError("gone")
        return super().encoded(index)


def test_a_picture_that_cannot_be_read_is_no_copy_and_hides_none() -> None:
    store = Broken(np.stack([photograph(4)] * 3))
    np.testing.assert_array_equal(likeness(store, 0, store, np.array([1, 2])).same, [False, True])
    with pytest.raises(OSError, match="gone"):
        likeness(store, 1, store, np.array([0]))
