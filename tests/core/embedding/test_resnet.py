"""The residual networks that are trained in bfloat16, in two halves of each batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.datasets import ArrayStore, LabelledImages, decode_batches
from core.embedding import (
    EMBEDDERS,
    BottleneckConfig,
    ResnetConfig,
    embed_more,
    embed_pair,
    feature_network,
)
from core.embedding.architectures import Architecture, PreActResNet
from core.embedding.side_by_side import Parts, repeatable
from core.embedding.training import _architecture, _Gradients, train_network
from core.errors import ConfigError
from core.progress import silent

Draw = Callable[..., LabelledImages]
TINY = ResnetConfig(widths=(4, 8), blocks=(1, 1), epochs=2, batch=8, embed_batch=16)


def parameters(name: str) -> int:
    network = PreActResNet(3, _architecture(EMBEDDERS[name].config), 10)
    return sum(part.numel() for part in network.parameters())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("resnet-20", 272_282),
        ("preact-resnet-18", 11_172_170),
        ("preact-resnet-34", 21_280_330),
        ("preact-resnet-50", 23_513_162),
    ],
)
def test_the_networks_have_the_published_number_of_parameters(name: str, count: int) -> None:
    """11.17 M for PreActResNet-18 at 10 classes (LAVA), 0.27 M for ResNet-20 (He et al. 2016).

    For 50 layers: torchvision's ResNet-50 with this stem, this order of norms and 10 classes.
    """
    assert parameters(name) == count


def test_a_block_without_change_of_size_adds_to_its_input() -> None:
    network = PreActResNet(3, Architecture((4,), (1,)), 2).eval()
    block = network.body[1]
    block.convolution_2.weight.data.zero_()
    x = torch.rand(2, 4, 5, 5)
    assert torch.equal(block(x), x)


def test_a_bottleneck_without_change_of_size_adds_to_its_input_too() -> None:
    network = PreActResNet(3, Architecture((8,), (2,), squeeze=4), 2).eval()
    block = network.body[2]
    block.convolution_3.weight.data.zero_()
    x = torch.rand(2, 8, 5, 5)
    assert torch.equal(block(x), x)


def test_bottlenecks_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ConfigError, match="squeeze"):
        BottleneckConfig(widths=(6, 8), blocks=(1, 1))


def test_a_network_of_bottlenecks_is_read_back_as_it_was(draw: Draw) -> None:
    config = BottleneckConfig(widths=(8, 16), blocks=(1, 1), epochs=2, batch=8, embed_batch=16)
    train, validation = draw([0, 1]), draw([0, 1, 2] * 4, seed=1)
    pair = embed_pair(train, validation, "preact-resnet-50", cache_dir=None, config=config)
    _, again = embed_more(train, "preact-resnet-50", pair.fitted)
    np.testing.assert_allclose(again, pair.x, atol=1e-5)


@pytest.mark.parametrize(
    ("train_labels", "validation_labels"),
    [([0, 1], [0, 1]), ([0, 1, 2], [0, 2]), ([0], [0]), ([2, 2, 1], [1] * 17)],
    ids=["one image a class", "class missing in validation", "one image", "one class"],
)
def test_tiny_sets_and_missing_classes_work(
    draw: Draw, train_labels: list[int], validation_labels: list[int]
) -> None:
    train, validation = draw(train_labels), draw(validation_labels, seed=1)
    pair = embed_pair(train, validation, "resnet-20", cache_dir=None, config=TINY)
    assert pair.x.shape == (len(train_labels), 8)
    assert np.isfinite(pair.x).all()
    assert np.isfinite(pair.y).all()


def test_classes_end_up_apart(draw: Draw) -> None:
    train, validation = draw([0, 1, 2] * 10), draw([0, 1, 2] * 20, seed=1)
    config = replace(TINY, widths=(8, 16), epochs=20, batch=20, mirror=False)
    pair = embed_pair(train, validation, "resnet-20", cache_dir=None, config=config)
    centers = np.stack([pair.y[validation.labels == label].mean(axis=0) for label in range(3)])
    nearest = ((pair.x[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == train.labels).mean() > 0.9


def test_a_picture_and_its_mirror_image_have_the_same_features(draw: Draw) -> None:
    train, validation = draw([0, 1, 2] * 2, color=True), draw([0, 1, 2] * 4, seed=1, color=True)
    pictures = next(decode_batches(train, 32, 3, len(train))).transpose(0, 2, 3, 1)
    train = replace(train, images=ArrayStore(np.ascontiguousarray(pictures)))
    turned = replace(train, images=ArrayStore(np.ascontiguousarray(pictures[:, :, ::-1])))
    config = replace(TINY, precision="float32", embed_precision="float32")
    seen, mirrored = (
        embed_pair(x, validation, "resnet-20", cache_dir=None, config=config).x
        for x in (train, turned)
    )
    np.testing.assert_allclose(mirrored, seen, atol=1e-4)
    plain = replace(config, mirror=False)
    one_way = embed_pair(turned, validation, "resnet-20", cache_dir=None, config=plain).x
    assert np.abs(one_way - seen).max() > 0.1


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_nothing_and_is_left_alone(draw: Draw, threads: int) -> None:
    train, validation = draw([0, 1, 2] * 4), draw([0, 1, 2] * 4, seed=1)
    first = embed_pair(train, validation, "resnet-20", cache_dir=None, config=TINY)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        second = embed_pair(train, validation, "resnet-20", cache_dir=None, config=TINY)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(second.x, first.x)


def test_halves_of_a_batch_have_the_gradient_of_the_whole() -> None:
    """Where both halves hold the same pictures, normalizing them apart is normalizing together."""
    rng = np.random.default_rng(0)
    half = rng.integers(0, 255, (8, 3, 8, 8), dtype=np.uint8)
    config = replace(TINY, precision="float32", epochs=1, batch=16, shift=0.0, mirror=False)
    found = []
    for count in (1, 2):
        torch.manual_seed(0)
        network = PreActResNet(3, Architecture((4, 8), (1, 1)), 3).train()
        gradients = _Gradients(network, config, Parts(count), "cpu")
        batch = torch.from_numpy(np.concatenate([half, half])).float() / 255
        gradients.compute(batch, torch.arange(16) % 8 % 3)
        gradients.merge_statistics()
        found.append(
            [part.grad.clone() for part in network.parameters() if part.grad is not None]
            + [network.norm.running_mean.clone()]
        )
    for whole, halves in zip(*found, strict=True):
        np.testing.assert_allclose(halves.numpy(), whole.numpy(), rtol=1e-3, atol=1e-6)


def test_what_is_kept_of_a_network_embeds_as_it_did(
    draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EMBEDDERS, "resnet-20", replace(EMBEDDERS["resnet-20"], config=TINY))
    train, validation = draw([0, 1, 2] * 5, color=True), draw([0, 1, 2] * 4, seed=1, color=True)
    pair = embed_pair(train, validation, "resnet-20", cache_dir=None)
    _, x = embed_more(train.take(np.arange(7)), "resnet-20", pair.fitted)
    np.testing.assert_allclose(x, pair.x[:7], rtol=1e-4, atol=1e-4)


def test_parts_beyond_the_pictures_are_no_parts() -> None:
    with repeatable(2, "cpu") as parts:
        assert parts.map(lambda number, item: (number, item), ["a"]) == [(0, "a")]
        assert parts.map(lambda number, item: (number, item), ["a", "b"]) == [(0, "a"), (1, "b")]
        pictures = np.zeros((3, 1, 8, 8), dtype=np.uint8)
        trained = train_network(pictures, np.array([0, 1, 1]), TINY, 0, "cpu", parts, silent)
        assert trained.features(pictures[:1], TINY, parts).shape == (1, 8)
        assert trained.logits(pictures, TINY, parts).shape == (3, 2)


@pytest.mark.parametrize("name", ["pixels", "convnet", "resnet-20"])
@pytest.mark.parametrize("color", [False, True], ids=["gray", "rgb"])
def test_gradients_flow_from_features_to_pictures(
    draw: Draw, name: str, color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != "pixels":
        small = TINY if name == "resnet-20" else EMBEDDERS[name].config
        small = replace(small, widths=(4, 8), epochs=2, batch=8)
        monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], config=small))
    train, validation = draw([0, 1, 2] * 4, color=color), draw([0, 1, 2] * 4, seed=1, color=color)
    pair = embed_pair(train, validation, name, cache_dir=None)
    network = feature_network(name, pair.fitted, device="cpu")
    stored = train.images.pixels.astype(np.float32) / 255  # type: ignore[union-attr]
    pictures = torch.from_numpy(np.moveaxis(stored, 3, 1) if color else stored[:, None])
    pictures.requires_grad_(True)
    features = network(pictures)
    # What was computed in bfloat16 agrees with this to two or three digits.
    close = 0.05 * float(pair.y.std()) if name == "resnet-20" else 1e-3
    np.testing.assert_allclose(features.detach().numpy(), pair.x, rtol=1e-3, atol=close)
    features.square().sum().backward()
    assert float(pictures.grad.abs().sum(dim=(1, 2, 3)).min()) > 0
    assert not any(part.requires_grad for part in network.parameters())
    # Pictures of another size or coloring are brought to that of the space.
    assert network(torch.rand(2, 1 if color else 3, 20, 17)).shape == (2, pair.x.shape[1])


def test_vectors_from_files_do_not_lead_back_to_pictures() -> None:
    with pytest.raises(ConfigError, match="'precomputed' does not lead back"):
        feature_network("precomputed", {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": (1,)},
        {"blocks": (0, 1, 1)},
        {"momentum": 1.0},
        {"precision": "int8"},
        {"batch": 0},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ResnetConfig(**wrong)  # type: ignore[arg-type]


def test_every_embedder_says_what_it_is_for() -> None:
    assert all(embedder.title and embedder.summary.endswith(".") for embedder in EMBEDDERS.values())
