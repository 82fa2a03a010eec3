"""Where the weights of published networks come from. No file of weights can run code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import URLError

from core.errors import ConfigError, DataError
from core.paths import absolute_path

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_FOLDER = "ASSAY_WEIGHTS"
_SUFFIXES = (".safetensors", ".pth", ".pt")


class Published(NamedTuple):
    """A file of weights that torchvision publishes: IMAGENET1K_V1 of an architecture."""

    name: str
    digest: str  # its SHA-256 begins with this

    @property
    def url(self) -> str:
        """Return where it can be had."""
        return f"https://download.pytorch.org/models/{self.name}"


PUBLISHED = {
    "resnet18": Published("resnet18-f37072fd.pth", "f37072fd"),
    "resnet50": Published("resnet50-0676ba61.pth", "0676ba61"),
    "vgg16": Published("vgg16-397923af.pth", "397923af"),
    "googlenet": Published("googlenet-1378be20.pth", "1378be20"),
}


def find_weights(architecture: str, given: str = "") -> Path | None:
    """Return the file of weights on this machine, or None where it must be downloaded.

    Looked for: `given`; in the folder $ASSAY_WEIGHTS the published file, or one named after the
    architecture; where torch keeps what it downloaded.

    Raises
    ------
    ConfigError : `given` or the folder does not exist
    """
    if given:
        if not Path(given).is_file():
            raise ConfigError(f"There is no file of weights {given}.")
        return Path(given)
    published = PUBLISHED[architecture]
    found = [_downloads() / published.name]
    if os.environ.get(WEIGHTS_FOLDER):
        folder = absolute_path(os.environ[WEIGHTS_FOLDER])
        if not folder.is_dir():
            raise ConfigError(f"{WEIGHTS_FOLDER} names {folder}, which is no folder.")
        own = [folder / f"{architecture}{suffix}" for suffix in _SUFFIXES]
        found = [*own, folder / published.name, *found]
    return next((path for path in found if path.is_file()), None)


def weights_identity(architecture: str, given: str = "") -> str:
    """Return what tells these weights from others: the start of the file's SHA-256.

    Raises as `find_weights`.
    """
    path, published = find_weights(architecture, given), PUBLISHED[architecture]
    if path is None or path.name == published.name:
        return published.digest
    return _digest(path)


def load_weights(architecture: str, given: str = "") -> Mapping[str, Tensor]:
    """Return the weights by name; those published are downloaded where they are not here.

    Raises
    ------
    ConfigError : they are not here and cannot be downloaded, or as `find_weights`
    DataError : the file is not what its name says, or no file of weights
    """
    path, published = find_weights(architecture, given), PUBLISHED[architecture]
    if path is None:
        path = _download(published)
    if path.name == published.name and not _digest(path).startswith(published.digest):
        raise DataError(
            f"{path}: it is not the file that is published under this name; it may be cut short. "
            f"Weights of your own go by another name, such as {architecture}.pth."
        )
    try:
        return _read(path)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"{path}: it holds no weights that can be read ({error}).") from error


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    import torch

    # What is no tensor is refused under the name of an error of pickle's.
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(str(error).splitlines()[0]) from error
    if not isinstance(stored, Mapping):
        raise ValueError("expected a state dict")
    weights = stored.get("state_dict", stored)
    if not all(isinstance(part, torch.Tensor) for part in weights.values()):
        raise ValueError("expected a state dict of tensors")
    return weights


def _download(published: Published) -> Path:
    import torch

    path = _downloads() / published.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            published.url, str(path), hash_prefix=published.digest, progress=False
        )
    except (URLError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"The weights {published.name} are not on this machine and cannot be downloaded "
            f"({error}). Get them from {published.url} where there is a connection, put the file "
            f"into a folder and name that in the environment variable {WEIGHTS_FOLDER}."
        ) from error
    return path


def _downloads() -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
