from __future__ import annotations

import numpy as np
import pytest

from core.corruption import PlantedFault, corrupt
from core.corruption.features import WhiteNoise
from tests.core.corruption.sets import pictures, vectors


@pytest.mark.parametrize("strength", [0.05, 0.2])
def test_noise_is_white_and_has_the_strength_asked_for(strength: float) -> None:
    gray = np.full((200, 200, 3), 128, dtype=np.uint8)
    noise = WhiteNoise(strength)(gray, 7).astype(np.float64) - 128
    # 120,000 pixels; at 0.2 the clipping at 2.5 deviations takes 2 % off.
    np.testing.assert_allclose(noise.std() / 255, strength, rtol=0.03)
    assert abs(noise.mean()) < 1
    beside = np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]
    channels = np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]
    assert abs(beside) < 0.02 and abs(channels) < 0.02


def test_noise_stops_at_black_and_white() -> None:
    black = WhiteNoise(0.5)(np.zeros((100, 100), dtype=np.uint8), 3)
    assert black.dtype == np.uint8
    np.testing.assert_allclose((black == 0).mean(), 0.5, atol=0.03)
    np.testing.assert_allclose((black == 255).mean(), 0.0228, atol=0.01)  # beyond two deviations


def test_noise_leaves_labels_and_changes_only_the_images_in_the_truth() -> None:
    data = pictures(gray=True)
    result = corrupt(data, [PlantedFault("noisy-features", 0.25)], seed=0)
    assert (result.truth["clean_label"] == result.truth["given_label"]).all()
    differs = [
        not np.array_equal(result.data.images.decode(row), data.images.decode(row))
        for row in range(len(data))
    ]
    assert np.isin(data.ids, result.truth["id"]).tolist() == differs
    assert result.data.images.decode(0).mode == "L"


def test_noise_in_embeddings_is_in_units_of_each_coordinates_spread() -> None:
    data = vectors(5000)
    result = corrupt(data, [PlantedFault("noisy-features", 0.5, {"strength": 0.5})], seed=0)
    changed = np.isin(data.ids, result.truth["id"])
    noise = (result.data.embeddings - data.embeddings)[changed]
    np.testing.assert_allclose(noise.std(axis=0), 0.5 * data.embeddings.std(axis=0), rtol=0.06)
    np.testing.assert_array_equal(result.data.embeddings[~changed], data.embeddings[~changed])
