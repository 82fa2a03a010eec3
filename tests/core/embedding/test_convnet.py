from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.datasets import LabelledImages
from core.embedding import ConvnetConfig, embed_pair
from core.embedding.network import mirrored, shifted
from core.errors import ConfigError

Draw = Callable[..., LabelledImages]


def embed(
    train: LabelledImages, validation: LabelledImages, config: ConvnetConfig, seed: int = 0
) -> np.ndarray:
    return embed_pair(train, validation, seed=seed, cache_dir=None, config=config).x


def test_the_seed_decides_the_features(draw: Draw, tiny: ConvnetConfig) -> None:
    train, validation = draw([0, 1, 2] * 4), draw([0, 1, 2] * 4, seed=1)
    first = embed(train, validation, tiny)
    torch.rand(7)  # the global state must not matter
    np.testing.assert_array_equal(embed(train, validation, tiny), first)
    assert np.abs(embed(train, validation, tiny, seed=1) - first).max() > 1e-3


def test_the_global_random_state_of_torch_is_left_alone(draw: Draw, tiny: ConvnetConfig) -> None:
    before = torch.get_rng_state()
    embed(draw([0, 1, 2]), draw([0, 1, 2] * 4, seed=1), tiny)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_images_play_no_part_in_the_network(draw: Draw, tiny: ConvnetConfig) -> None:
    train, validation = draw([0, 1, 2] * 4), draw([0, 1, 2] * 4, seed=1)
    more = draw([2, 2, 1] * 9, seed=8)
    first = embed_pair(train, validation, cache_dir=None, config=tiny)
    second = embed_pair(more, validation, cache_dir=None, config=tiny)
    np.testing.assert_array_equal(second.y, first.y)


def test_the_order_of_training_images_does_not_change_their_features(
    draw: Draw, tiny: ConvnetConfig
) -> None:
    train, validation = draw([0, 1, 2] * 9), draw([0, 1, 2] * 4, seed=1)
    order = np.random.default_rng(0).permutation(len(train))
    # Kernels may sum in another order for another place in the batch: rounding, no more.
    np.testing.assert_allclose(
        embed(train.take(order), validation, tiny),
        embed(train, validation, tiny)[order],
        rtol=1e-4,
        atol=1e-4,
    )


def test_classes_end_up_apart(draw: Draw) -> None:
    train, validation = draw([0, 1, 2] * 10), draw([0, 1, 2] * 10, seed=1)
    pair = embed_pair(
        train, validation, cache_dir=None, config=ConvnetConfig(widths=(8, 16), epochs=12, batch=10)
    )
    centers = np.stack([pair.y[validation.labels == label].mean(axis=0) for label in range(3)])
    nearest = ((pair.x[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == train.labels).mean() > 0.9


@pytest.mark.parametrize(
    ("train_labels", "validation_labels"),
    [([0, 1], [0, 1]), ([0, 1, 2], [0, 2]), ([0], [0]), ([2, 2, 1], [1] * 17)],
    ids=["one image a class", "class missing in validation", "one image", "one class"],
)
@pytest.mark.parametrize("side", [9, 28, 50])
def test_tiny_sets_and_missing_classes_work(
    draw: Draw,
    tiny: ConvnetConfig,
    train_labels: list[int],
    validation_labels: list[int],
    side: int,
) -> None:
    train = draw(train_labels, side=side)
    validation = draw(validation_labels, seed=1, side=side)
    pair = embed_pair(train, validation, cache_dir=None, config=replace(tiny, epochs=1))
    assert pair.x.shape == (len(train_labels), 8)
    assert pair.y.shape == (len(validation_labels), 8)
    assert np.isfinite(pair.x).all()
    assert np.isfinite(pair.y).all()


def test_blank_pictures_give_finite_features(draw: Draw, tiny: ConvnetConfig) -> None:
    validation = draw([0, 1, 2] * 2)
    validation.images.pixels[:] = 7  # type: ignore[union-attr]
    assert np.isfinite(embed(draw([0, 1, 2]), validation, tiny)).all()


def test_shifting_moves_each_picture_by_at_most_the_given_pixels() -> None:
    pictures = torch.zeros(200, 1, 9, 9)
    pictures[:, 0, 4, 4] = 1.0
    moved = shifted(pictures, 2, torch.Generator().manual_seed(0))
    assert moved.shape == pictures.shape
    rows, columns = (place.numpy() for place in torch.where(moved[:, 0] == 1)[1:])
    assert set(rows) == set(columns) == {2, 3, 4, 5, 6}
    assert len(set(zip(rows, columns, strict=True))) == 25


def test_mirroring_turns_about_half_of_the_pictures() -> None:
    pictures = torch.zeros(400, 1, 1, 2)
    pictures[..., 0] = 1.0
    turned = mirrored(pictures, torch.Generator().manual_seed(0))[:, 0, 0, 1]
    assert 160 < int(turned.sum()) < 240


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"widths": ()}, {"shift": -1}, {"label_smoothing": 1.0}, {"mean_cost": 0.0}],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ConvnetConfig(**wrong)  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_named(draw: Draw, tiny: ConvnetConfig) -> None:
    with pytest.raises(ConfigError, match="'tpu'"):
        embed_pair(draw([0, 1]), draw([0, 1]), device="tpu", cache_dir=None, config=tiny)


def test_the_number_of_threads_changes_nothing_and_is_left_alone(
    draw: Draw, tiny: ConvnetConfig
) -> None:
    train, validation = draw([0, 1, 2] * 4), draw([0, 1, 2] * 4, seed=1)
    before = torch.get_num_threads()
    first = embed(train, validation, tiny)
    try:
        torch.set_num_threads(2)
        second = embed(train, validation, tiny)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(second, first)
