"""Torchvision's networks, with random weights that the test saves: there is no network here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from core.datasets import LabelledImages
from core.embedding import EMBEDDERS, embed_more, embed_pair, feature_network
from core.embedding.imagenet_config import ImagenetConfig
from core.embedding.weights import PUBLISHED, load_weights, weights_identity
from core.errors import ConfigError, DataError
from core.vision import import_torchvision

Draw = Callable[..., LabelledImages]
NAME = "resnet18-imagenet"


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with weights of a ResNet-18 that was trained on nothing."""
    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_torchvision("models").resnet18(weights=None)
    torch.save(network.state_dict(), folder / "resnet18.pth")
    return folder


@pytest.fixture(autouse=True)
def small(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look nowhere but here, at small pictures."""
    monkeypatch.setenv("ASSAY_WEIGHTS", str(saved))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    config = ImagenetConfig(architecture="resnet18", side=48, small_side=32)
    monkeypatch.setitem(EMBEDDERS, NAME, replace(EMBEDDERS[NAME], config=config))


@pytest.fixture
def sets(draw: Draw) -> tuple[LabelledImages, LabelledImages]:
    return draw([0, 1, 2] * 3, seed=1), draw([0, 1, 2] * 2, seed=2)


def other_weights(folder: Path, name: str, *, without: str = "nothing") -> None:
    weights = load_weights("resnet18").items()
    torch.save({key: part * 1.01 for key, part in weights if without not in key}, folder / name)


def test_features_are_what_enters_the_last_layer(
    sets: tuple[LabelledImages, LabelledImages],
) -> None:
    config = replace(EMBEDDERS[NAME].config, embed_precision="float32")
    network = import_torchvision("models").resnet18(weights=None)
    network.load_state_dict(load_weights("resnet18"))
    network.fc = torch.nn.Identity()
    # Blank pictures have the same pixels whatever enlarges them.
    blank = sets[1]
    blank.images.pixels[:] = np.arange(6, dtype=np.uint8)[:, None, None] * 40  # type: ignore[union-attr]
    pair = embed_pair(*sets, NAME, cache_dir=None, config=config)
    levels = torch.arange(6)[:, None, None, None] * 40 / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shown = (levels - mean[:, None, None]) / deviation[:, None, None]
    with torch.inference_mode():
        expected = network.eval()(shown.expand(6, 3, 32, 32)).numpy()
    moved = (expected - pair.fitted["shift"]) * pair.fitted["factor"]
    np.testing.assert_allclose(pair.y, moved, rtol=1e-3, atol=1e-3)
    assert pair.x.shape == (9, 512)


@pytest.mark.parametrize(("architecture", "width"), [("resnet50", 2048), ("googlenet", 1024)])
def test_the_other_networks_are_built_without_their_heads(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path, architecture: str, width: int
) -> None:
    options = {} if architecture == "resnet50" else {"init_weights": False}
    network = import_torchvision("models").get_model(architecture, weights=None, **options)
    path = tmp_path / "own.pth"
    torch.save({"state_dict": network.state_dict()}, path)
    config = ImagenetConfig(architecture=architecture, weights=str(path), small_side=32)
    name = f"{architecture}-imagenet"
    pair = embed_pair(*sets, name, cache_dir=None, config=config)
    assert pair.x.shape == (9, width)
    assert np.isfinite(pair.x).all()


def test_vgg_ends_before_its_last_layer() -> None:
    """Its half a gigabyte of weights is not made here: the names must fit."""
    from core.embedding.imagenet_network import _HEADS

    with torch.device("meta"):
        network = import_torchvision("models").vgg16(weights=None, init_weights=False)
    last = network.get_submodule(_HEADS["vgg16"])
    assert (last.in_features, last.out_features) == (4096, 1000)


def test_safetensors_are_read_too(saved: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    weights = load_weights("resnet18")
    save_file(dict(weights), tmp_path / "own.safetensors")
    again = load_weights("resnet18", str(tmp_path / "own.safetensors"))
    assert all(torch.equal(again[key], part) for key, part in weights.items())


@pytest.mark.parametrize("again", [False, True], ids=["computed", "from-cache"])
def test_further_images_and_gradients_use_the_same_weights(
    sets: tuple[LabelledImages, LabelledImages],
    tmp_path: Path,
    again: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, validation = sets
    pair = embed_pair(train, validation, NAME, cache_dir=tmp_path)
    if again:
        pair = embed_pair(train, validation, NAME, cache_dir=tmp_path)
        assert pair.from_cache
    _, x = embed_more(train.take(np.arange(4)), NAME, pair.fitted)
    np.testing.assert_allclose(x, pair.x[:4], rtol=1e-3, atol=1e-3)
    pictures = torch.rand(2, 1, 12, 12, requires_grad=True)
    feature_network(NAME, pair.fitted, device="cpu")(pictures).sum().backward()
    assert float(pictures.grad.abs().max()) > 0
    other_weights(tmp_path, "resnet18.pth")
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    with pytest.raises(DataError, match="other weights"):
        embed_more(train, NAME, pair.fitted)


def test_other_weights_are_another_space(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = embed_pair(*sets, NAME, cache_dir=tmp_path / "cache")
    other_weights(tmp_path, "resnet18.pth")
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    second = embed_pair(*sets, NAME, cache_dir=tmp_path / "cache")
    assert second.fingerprint != first.fingerprint
    assert second.reused == 0


def test_large_pictures_keep_more_of_their_detail(draw: Draw) -> None:
    for side, expected in ((20, 32), (32, 32), (40, 48)):
        pair = embed_pair(draw([0, 1], side=side), draw([0, 1], side=side), NAME, cache_dir=None)
        assert int(pair.fitted["side"]) == expected


def test_weights_that_cannot_be_had_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*args: object, **kwargs: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(ConfigError, match=r"vgg16-397923af\.pth .*ASSAY_WEIGHTS"):
        load_weights("vgg16")
    assert weights_identity("vgg16") == PUBLISHED["vgg16"].digest
    with pytest.raises(ConfigError, match="no file of weights"):
        load_weights("vgg16", str(tmp_path / "absent.pth"))
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="which is no folder"):
        load_weights("vgg16")


class _Tells:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_files_that_are_no_weights_are_refused_and_run_nothing(tmp_path: Path) -> None:
    told = tmp_path / "ran"
    torch.save({"x": _Tells(told)}, tmp_path / "code.pth")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "number.pth")
    (tmp_path / "text.pth").write_text("no archive")
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in ("code.pth", "list.pth", "number.pth", "text.pth", "text.safetensors"):
        with pytest.raises(DataError, match="no weights that can be read"):
            load_weights("resnet18", str(tmp_path / name))
    assert not told.exists()


def test_a_published_name_vouches_for_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_weights(tmp_path, PUBLISHED["resnet18"].name)
    monkeypatch.setenv("ASSAY_WEIGHTS", str(tmp_path))
    with pytest.raises(DataError, match="not the file that is published"):
        load_weights("resnet18")


def test_weights_of_another_architecture_are_named(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path
) -> None:
    other_weights(tmp_path, "own.pth", without="layer4")
    config = replace(EMBEDDERS[NAME].config, weights=str(tmp_path / "own.pth"))
    with pytest.raises(DataError, match=r"do not fit resnet18: .*layer4"):
        embed_pair(*sets, NAME, cache_dir=None, config=config)


@pytest.mark.parametrize(
    "wrong",
    [{"side": 16}, {"small_side": 8}, {"embed_batch": 0}, {"embed_precision": "int8"}],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ImagenetConfig(architecture="resnet18", **wrong)  # type: ignore[arg-type]


def test_listing_embedders_loads_neither_torch_nor_torchvision() -> None:
    code = (
        "import sys\nfrom core.embedding import EMBEDDERS\n"
        "assert len(EMBEDDERS) > 5\n"
        "assert not {'torch', 'torchvision', 'sklearn'} & sys.modules.keys()"
    )
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
