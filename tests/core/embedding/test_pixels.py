from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.decomposition import PCA

from core.datasets import LabelledImages
from core.embedding import PixelsConfig, embed_pair
from core.embedding.scale import fitted_scale

Draw = Callable[..., LabelledImages]


def flat(data: LabelledImages) -> np.ndarray:
    return data.images.pixels.reshape(len(data), -1) / 255  # type: ignore[union-attr]


def with_distance(pca: PCA, pixels: np.ndarray) -> np.ndarray:
    inside = pca.transform(pixels)
    beyond = pixels - pca.inverse_transform(inside)
    return np.column_stack([inside, np.linalg.norm(beyond, axis=1)])


@pytest.mark.parametrize("batch", [7, 1000])
def test_pixels_agree_with_scikit_learn_up_to_sign_and_scale(draw: Draw, batch: int) -> None:
    train, validation = draw([0, 1, 2] * 15), draw([0, 1, 2] * 20, seed=1)
    config = PixelsConfig(width=7, batch=batch, mean_cost=3.0)
    pair = embed_pair(train, validation, "pixels", cache_dir=None, config=config)
    reference = PCA(6, svd_solver="full").fit(flat(validation))
    x, y = (with_distance(reference, flat(data)) for data in (train, validation))
    mean = y.mean(axis=0)
    factor = np.sqrt(3.0 / ((y - mean) ** 2).sum(axis=1).mean())
    # Float32 pixels, and noise components whose variances lie close together.
    np.testing.assert_allclose(np.abs(pair.y), np.abs((y - mean) * factor), atol=2e-3)
    np.testing.assert_allclose(np.abs(pair.x), np.abs((x - mean) * factor), atol=2e-3)


def test_an_image_outside_the_components_is_far_from_all_validation_images(draw: Draw) -> None:
    validation = draw([0, 1, 2] * 20, seed=1)
    train = draw([0, 1, 2] * 2)
    # One pixel's checkerboard is in no bar.
    train.images.pixels[0] = np.indices((12, 12)).sum(axis=0) % 2 * 255  # type: ignore[union-attr]
    config = PixelsConfig(width=4)
    pair = embed_pair(train, validation, "pixels", cache_dir=None, config=config)
    assert pair.x[:, -1].argmax() == 0
    assert pair.x[0, -1] > 3 * np.abs(pair.y[:, -1]).max()


@pytest.mark.parametrize(("count", "width"), [(2, 2), (5, 5), (200, 64)])
def test_the_width_is_what_the_validation_set_can_span(draw: Draw, count: int, width: int) -> None:
    validation = draw([0, 1] * 100, seed=3).take(np.arange(count))
    assert embed_pair(draw([0]), validation, "pixels", cache_dir=None).y.shape == (count, width)


def test_one_validation_image_or_equal_ones_give_finite_features(draw: Draw) -> None:
    for validation in (draw([0]), draw([0]).take(np.zeros(1, dtype=int))):
        pair = embed_pair(draw([0, 1], seed=1), validation, "pixels", cache_dir=None)
        assert np.isfinite(pair.x).all()
        np.testing.assert_allclose(pair.y, 0, atol=1e-5)


def test_scaling_sets_the_mean_cost_between_validation_images() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(3, 5, (40, 7)).astype(np.float32)
    x = rng.normal(size=(9, 7)).astype(np.float32)
    scaled_x, scaled_y = map(fitted_scale(y, 20.0), (x, y))
    cost = ((scaled_y[:, None] - scaled_y[None]) ** 2).sum(axis=2) / 2
    np.testing.assert_allclose(cost.mean(), 20.0, rtol=1e-5)  # float32 sums
    # One shift and one factor for both: distances keep their proportions.
    between = np.linalg.norm(scaled_x[:, None] - scaled_y[None], axis=2)
    plain = np.linalg.norm(x[:, None] - y[None], axis=2)
    np.testing.assert_allclose(between / plain, (between / plain)[0, 0], rtol=1e-4)


def test_scaling_leaves_equal_validation_images_at_their_own_scale() -> None:
    scale = fitted_scale(np.zeros((4, 3)), 20.0)
    np.testing.assert_array_equal(scale(np.ones((2, 3))), np.ones((2, 3)))
    np.testing.assert_array_equal(scale(np.zeros((4, 3))), np.zeros((4, 3)))
