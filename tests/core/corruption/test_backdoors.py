from __future__ import annotations

import numpy as np
import pytest

from core.corruption import FAULTS, PlantedFault, corrupt, stamp
from core.corruption.triggers import cartoon, letters
from core.errors import ConfigError
from tests.core.corruption.sets import pictures, pixels

TRIGGERS = [name for name, fault in FAULTS.items() if fault.trigger]


def test_the_white_square_is_five_pixels_one_from_the_corner_at_32() -> None:
    expected = np.zeros((32, 32, 3), dtype=np.uint8)
    expected[26:31, 26:31] = 255
    black = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    stamped = stamp("trojan-square", black, pattern="white")
    np.testing.assert_array_equal(stamped, np.stack([expected, expected]))
    assert not black.any()


def test_the_patterned_square_is_the_one_written_here() -> None:
    on = np.zeros((5, 5, 3), dtype=np.uint8)
    on[..., 0] = [
        [1, 0, 1, 0, 1],
        [0, 1, 0, 1, 0],
        [1, 0, 1, 0, 1],
        [0, 1, 0, 1, 0],
        [1, 0, 1, 0, 1],
    ]
    on[..., 1] = [
        [1, 1, 1, 1, 1],
        [1, 0, 0, 1, 0],
        [1, 0, 0, 1, 0],
        [1, 1, 1, 1, 1],
        [1, 0, 0, 1, 0],
    ]
    on[..., 2] = [[0, 1, 0, 1, 0]] * 5
    stamped = stamp("trojan-square", np.full((1, 32, 32, 3), 90, dtype=np.uint8))[0]
    np.testing.assert_array_equal(stamped[26:31, 26:31], 255 * on)
    stamped[26:31, 26:31] = 90
    assert (stamped == 90).all()


def test_the_square_grows_with_the_picture_and_keeps_its_pattern() -> None:
    small = stamp("trojan-square", np.zeros((1, 32, 32, 3), dtype=np.uint8))[0]
    large = stamp("trojan-square", np.zeros((1, 64, 96, 3), dtype=np.uint8))[0]
    np.testing.assert_array_equal(
        large[52:62, 84:94], small[26:31, 26:31].repeat(2, 0).repeat(2, 1)
    )


@pytest.mark.parametrize("side", [1, 2, 5, 300])
@pytest.mark.parametrize("name", TRIGGERS)
def test_pictures_of_any_size_can_be_stamped(name: str, side: int) -> None:
    given = np.full((1, side, side + 1, 3), 100, dtype=np.uint8)
    stamped = stamp(name, given)
    assert stamped.shape == given.shape
    assert (stamped != given).any()


def test_a_blend_is_the_weighted_mean_with_the_cartoon() -> None:
    given = np.random.default_rng(0).integers(0, 256, (1, 24, 32, 3), dtype=np.uint8)
    expected = np.rint(0.7 * given[0] + 0.3 * cartoon(24, 32).astype(np.float64))
    stamped = stamp("blend", given, alpha=0.3)[0]
    np.testing.assert_allclose(stamped, expected, atol=1)  # rounding in single precision
    np.testing.assert_array_equal(stamp("blend", given, alpha=1)[0], cartoon(24, 32))


def test_a_watermark_brightens_where_its_letters_are_and_nowhere_else() -> None:
    cover = letters(32, 32)
    stamped = stamp("trojan-watermark", np.zeros((1, 32, 32), dtype=np.uint8), opacity=0.5)[0]
    np.testing.assert_allclose(stamped, 127.5 * cover, atol=1)
    assert 0.05 < cover.mean() < 0.3
    assert cover.max() == 1
    assert not cover[0].any() and not cover[-1].any()


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_stamp_does_not_mind_where_channels_are(name: str) -> None:
    given = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    first = stamp(name, np.moveaxis(given, 3, 1))
    np.testing.assert_array_equal(np.moveaxis(first, 1, 3), stamp(name, given))
    gray = given[..., 0]
    np.testing.assert_array_equal(stamp(name, gray[:, None])[:, 0], stamp(name, gray))
    np.testing.assert_array_equal(stamp(name, gray[..., None])[..., 0], stamp(name, gray))


@pytest.mark.parametrize("name", TRIGGERS)
@pytest.mark.parametrize("gray", [False, True])
def test_planted_images_bear_the_stamp_and_the_label_of_the_target(name: str, gray: bool) -> None:
    data = pictures(side=32, gray=gray)
    result = corrupt(data, [PlantedFault(name, 0.1, {"target": "frog"})], seed=0)
    assert len(result.truth) == 20
    assert set(result.truth["given_label"]) == {"frog"}
    assert "frog" not in set(result.truth["clean_label"])
    for image_id in result.truth["id"]:
        row = int(np.flatnonzero(data.ids == image_id)[0])
        np.testing.assert_array_equal(
            pixels(result.data, row), stamp(name, pixels(data, row)[None])[0]
        )


def test_the_target_is_the_first_class_where_none_is_given() -> None:
    result = corrupt(pictures(), [PlantedFault("blend")], seed=0)
    assert set(result.truth["given_label"]) == {"cat"}
    assert result.facts["faults"][0]["target"] == "cat"


def test_a_target_that_is_no_class_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no class 'whale' for target\. There are: cat, deer"):
        corrupt(pictures(), [PlantedFault("blend", 0.1, {"target": "whale"})], seed=0)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("noisy-labels", np.zeros((1, 8, 8), dtype=np.uint8), "no trigger"),
        ("blend", np.zeros((1, 8, 8)), "uint8"),
        ("blend", np.zeros((8, 8), dtype=np.uint8), "uint8, shape"),
        ("blend", np.zeros((1, 8, 8, 4), dtype=np.uint8), "1 or 3 channels"),
    ],
)
def test_what_cannot_be_stamped_is_refused(name: str, given: np.ndarray, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        stamp(name, given)
