"""Poison against small networks: a linear one, whose answer is known, and a convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from core.corruption import Corrupted, Network, PlantedFault, corrupt
from core.corruption.frogs import prepared
from core.datasets import LabelledImages, decode_batches
from core.errors import Cancelled, ConfigError, DataError
from tests.core.corruption.sets import pictures, pixels, vectors


class Convolution(nn.Module):
    """Features of a convolution, with normalization that must not learn from poison."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(channels, 8, 3), nn.BatchNorm2d(8), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.body(x).mean(dim=(2, 3))
        return features


def network(side: int = 8, channels: int = 3, **settings: object) -> Network:
    validation = pictures(50, seed=9, side=side)
    return Network(
        module=Convolution(channels),
        side=side,
        channels=channels,
        validation=validation,
        **settings,
    )


def poisoned(
    data: LabelledImages, against: Network | None = None, fraction: float = 0.05, **options: object
) -> Corrupted:
    asked = PlantedFault("poison-frogs", fraction, {"base": "frog", "target": "cat", **options})
    return corrupt(data, [asked], seed=0, network=against or network())


def features(net: Network, data: LabelledImages, ids: Sequence[str]) -> np.ndarray:
    rows = np.array([int(np.flatnonzero(data.ids == image_id)[0]) for image_id in ids])
    (batch,) = decode_batches(data.take(rows), net.side, net.channels, 1000)
    with torch.no_grad():
        found: np.ndarray = net.module.eval()(torch.from_numpy(batch).float() / 255).numpy()
    return found


def test_poison_moves_features_to_the_target_and_pixels_hardly() -> None:
    data, net = pictures(), network()
    result = poisoned(data, net)
    truth = result.truth
    assert len(truth) == 10
    assert set(truth["clean_label"]) == set(truth["given_label"]) == {"frog"}
    goal = features(net, net.validation, truth["target"][:1].tolist())
    before = np.linalg.norm(features(net, data, truth["id"].tolist()) - goal, axis=1)
    after = np.linalg.norm(features(net, result.data, truth["id"].tolist()) - goal, axis=1)
    assert (after < 0.3 * before).all()
    # What the truth says of each is what the stored pictures show.
    np.testing.assert_allclose(truth["distance_left"], after / before, rtol=1e-3, atol=1e-4)
    for row in truth.itertuples():
        place = int(np.flatnonzero(data.ids == row.id)[0])
        change = (pixels(result.data, place).astype(float) - pixels(data, place)) / 255
        assert row.pixel_change == pytest.approx(np.sqrt(np.square(change).mean()), rel=1e-4)
        assert 0 < row.pixel_change < 0.1


def test_for_a_linear_network_poison_is_the_minimum_in_closed_form() -> None:
    """With φ(x) = w·x the objective is quadratic: x - b = w (w·(t - b)) s / (s |w|² + β / p)."""
    gray = np.random.default_rng(0).integers(100, 150, (20, 4, 4), dtype=np.uint8)
    data = pictures(20, side=4, gray=True)
    data.images._pixels[:] = gray
    weights = torch.linspace(-1, 1, 16).reshape(1, 16)

    class Linear(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1) @ weights.T

    net = Network(module=Linear(), side=4, channels=1, validation=data)
    beta = 2.0
    result = poisoned(data, net, 0.1, beta=beta, steps=2000, reached=0.0, target_id=data.ids[0])
    w = weights.numpy()[0].astype(np.float64)
    target = pixels(data, 0).ravel() / 255.0
    for image_id in result.truth["id"]:
        row = int(np.flatnonzero(data.ids == image_id)[0])
        base = pixels(data, row).ravel() / 255.0
        gap = w @ (target - base)
        scale = 1 / gap**2
        expected = base + w * gap * scale / (scale * w @ w + beta / 16)
        # Half a step of rounding to bytes, and a bit for the descent.
        np.testing.assert_allclose(pixels(result.data, row).ravel() / 255, expected, atol=0.6 / 255)


def test_more_weight_on_the_pixels_changes_them_less() -> None:
    changes = [
        poisoned(pictures(), beta=beta, steps=50).truth["pixel_change"].mean() for beta in (1, 1000)
    ]
    assert changes[1] < changes[0]


def test_the_network_and_the_given_set_stay_as_they_were() -> None:
    data, net = pictures(), network()
    net.module.train()
    before = {name: part.clone() for name, part in net.module.state_dict().items()}
    shown = pixels(data, 130).copy()
    poisoned(data, net)
    assert net.module.training
    assert all(part.requires_grad for part in net.module.parameters())
    for name, part in net.module.state_dict().items():
        torch.testing.assert_close(part, before[name], rtol=0, atol=0)
    np.testing.assert_array_equal(pixels(data, 130), shown)


@pytest.mark.parametrize("gray", [False, True])
def test_pictures_larger_than_the_network_takes_keep_their_size_and_mode(gray: bool) -> None:
    data = pictures(side=20, gray=gray)
    result = poisoned(data)
    row = int(np.flatnonzero(data.ids == result.truth["id"][0])[0])
    assert pixels(result.data, row).shape == pixels(data, row).shape
    # Gray pictures cannot have all of what a colored target has.
    assert result.truth["distance_left"].max() < (0.85 if gray else 0.5)


@pytest.mark.parametrize(("gray", "channels"), [(False, 1), (True, 3), (False, 3), (True, 1)])
@pytest.mark.parametrize("side", [8, 12, 30])
def test_pictures_are_prepared_as_embedders_prepare_them(
    gray: bool, channels: int, side: int
) -> None:
    y, x = np.mgrid[:20, :20]
    smooth = np.rint(127 + 100 * np.sin(x / 5) * np.cos(y / 4)).astype(np.uint8)
    data = pictures(5, side=20, gray=gray)
    data.images._pixels[:] = smooth if gray else smooth[..., None]
    (expected,) = decode_batches(data, side, channels, 10)
    given = np.stack([pixels(data, row) for row in range(5)])
    given = given[:, None] if gray else np.moveaxis(given, 3, 1)
    found = prepared(torch.from_numpy(given).float() / 255, side, channels)
    # Pillow rounds to bytes between its two passes.
    np.testing.assert_allclose(255 * found.numpy(), expected, atol=2)


def test_a_target_may_be_named_and_shine_through() -> None:
    net = network()
    name = str(net.validation.ids[7])
    result = poisoned(pictures(), net, target=None, target_id=name, opacity=0.3, steps=1)
    assert set(result.truth["target"]) == {name}
    data, row = pictures(), int(np.flatnonzero(pictures().ids == result.truth["id"][0])[0])
    mixed = 0.7 * pixels(data, row) + 0.3 * pixels(net.validation, 7)
    assert np.abs(pixels(result.data, row) - mixed).mean() < 3


def test_without_classes_given_the_target_is_of_another_class_than_the_base() -> None:
    asked = PlantedFault("poison-frogs", 0.05, {"steps": 1})
    facts = corrupt(pictures(), [asked], seed=0, network=network()).facts["faults"][0]
    assert facts["base"] == "cat"
    assert facts["target_class"] != "cat"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base": "whale"}, "no class 'whale' for base"),
        ({"target": "whale"}, "no target image, of class 'whale'"),
        ({"target_id": "no such"}, "no image 'no such'"),
        ({"target_id": "image-0035.png"}, "itself of class 'frog'"),
    ],
)
def test_what_there_is_not_cannot_be_base_or_target(options: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        poisoned(pictures(), **options)


def test_poison_needs_a_network_and_pictures() -> None:
    asked = [PlantedFault("poison-frogs", 0.05)]
    with pytest.raises(ConfigError, match="made against a network"):
        corrupt(pictures(), asked, seed=0)
    with pytest.raises(DataError, match="embeddings only"):
        corrupt(vectors(), asked, seed=0, network=network())


def test_making_poison_stops_when_asked() -> None:
    def stop(stage: str, done: float, detail: str = "") -> None:
        if stage == "Making poison":
            raise Cancelled

    with pytest.raises(Cancelled):
        corrupt(
            pictures(),
            [PlantedFault("poison-frogs", 0.05)],
            seed=0,
            network=network(),
            progress=stop,
        )
