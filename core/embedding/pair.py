"""Two sets in, their feature vectors out; each pair is embedded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from core.datasets import LabelledImages, drop_unreadable
from core.device import resolve_device
from core.embedding import cache
from core.embedding.embedder import Embedder
from core.embedding.registry import EMBEDDERS
from core.embedding.reuse import Completed, complete
from core.errors import AssayError, ConfigError, DataError
from core.progress import Progress, silent

if TYPE_CHECKING:
    import torch


class _How(TypedDict):
    device: str
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPair:
    """Both sets and their feature vectors, row by row.

    Attributes
    ----------
    train, validation : the sets, without the pictures that cannot be read
    x : features of the training images, float32, shape (n, d)
    y : features of the validation images, float32, shape (m, d)
    embedder : its name in `EMBEDDERS`
    reused : how many training images have features from an earlier time
    fingerprint : SHA-256 of all that x and y depend on
    fitted : what the embedder learned from the validation set, name to array; `embed_more` embeds
        further images with it
    """

    train: LabelledImages
    validation: LabelledImages
    x: np.ndarray
    y: np.ndarray
    embedder: str
    reused: int
    fingerprint: str
    fitted: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def from_cache(self) -> bool:
        """Return whether nothing was computed."""
        return self.reused == len(self.x)

    def __post_init__(self) -> None:
        """Guard the rows' agreement."""
        if len(self.x) != len(self.train) or len(self.y) != len(self.validation):
            raise ValueError("features and images differ in number")


def embed_pair(
    train: LabelledImages,
    validation: LabelledImages,
    name: str = "convnet",
    *,
    seed: int = 0,
    cache_dir: Path | None,
    device: str = "auto",
    config: Any = None,
    progress: Progress = silent,
) -> EmbeddedPair:
    """Embed a training and a validation set into one feature space.

    Pictures that cannot be read are left out and listed in `.unreadable` of the sets returned.
    Where the same validation set was embedded before with the same settings, nothing is fitted
    again, and only those training pictures are embedded that were in no set of that time: a copy
    of a data set with faults in some pictures costs what these cost.

    Parameters
    ----------
    train, validation : the two sets
    name : a key of `EMBEDDERS`, or `auto`: the embeddings given if both sets have them, else
        `convnet`
    seed : decides all random choices; same seed, data and machine give the same vectors
    cache_dir : where vectors are kept and looked for, as `<fingerprint>.npz`; None: nowhere.
        On a hit no picture is decoded; else the features of known pictures are taken from there
    device : auto, cpu, cuda or mps
    config : settings of this embedder (`ConvnetConfig`, `PixelsConfig`, ...); None: its defaults
    progress : is told where the work is; `Cancelled` raised from it leaves nothing behind

    Raises
    ------
    ConfigError : no such embedder or device
    DataError : the embedder needs pictures or embeddings that a set does not have
    """
    name = chosen_embedder(name, train, validation)
    embedder = EMBEDDERS[name]
    config = embedder.config if config is None else config
    if embedder.from_pictures:
        _check_pictures(name, train, validation)
    progress("Fingerprint", 0.0)
    key = cache.fingerprint(train, validation, name, embedder, config, seed)
    folder = cache_dir if embedder.from_pictures else None
    entry = None if folder is None else cache.load(_file(folder, key), len(train), len(validation))
    if entry is not None:
        done = Completed(entry, reused=len(entry.x))
    else:
        space = cache.space(validation, name, embedder, config, seed)
        how: _How = {"device": device, "progress": progress}
        done = _made(train, validation, embedder, config, space, folder, seed=seed, **how)
        if folder is not None:
            cache.store(_file(folder, key), done.entry)
    return EmbeddedPair(
        train=done.entry.train_left_out.without(train),
        validation=done.entry.validation_left_out.without(validation),
        x=done.entry.x,
        y=done.entry.y,
        embedder=name,
        reused=done.reused,
        fingerprint=key,
        fitted=done.entry.fitted,
    )


def _file(folder: Path, key: str) -> Path:
    return folder / f"{key}.npz"


def _made(
    train: LabelledImages,
    validation: LabelledImages,
    embedder: Embedder,
    config: Any,
    space: str,
    folder: Path | None,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Completed:
    """Embed both sets without what cannot be read, with the help of what `folder` keeps."""
    if folder is not None:
        how: _How = {"device": device, "progress": progress}
        completed = complete(train, validation, embedder, config, space, folder, **how)
        if completed is not None:
            return completed
    readable = (train, validation)
    if embedder.from_pictures:
        readable = drop_unreadable(train, progress), drop_unreadable(validation, progress)
    features = embedder.embed(*readable, config, seed=seed, device=device, progress=progress)
    train_left_out, validation_left_out = (
        cache.LeftOut.between(given, kept)
        for given, kept in zip((train, validation), readable, strict=True)
    )
    pictures = readable[0].images if embedder.from_pictures else None
    digests = cache.NO_DIGESTS if pictures is None else pictures.digests()
    entry = cache.Entry(*features, train_left_out, validation_left_out, space, digests)
    return Completed(entry, reused=0)


def embed_more(
    data: LabelledImages,
    name: str,
    fitted: Mapping[str, np.ndarray],
    *,
    device: str = "auto",
    progress: Progress = silent,
) -> tuple[LabelledImages, np.ndarray]:
    """Embed further images into the space that an earlier `embed_pair` made.

    Parameters
    ----------
    data : the images
    name : the embedder used, a key of `EMBEDDERS`
    fitted : `EmbeddedPair.fitted` of that time

    Returns
    -------
    data, x : the set without the pictures that cannot be read, and its features, float32, shape
        (k, d); equal to what `embed_pair` would have given these images, up to rounding

    Raises
    ------
    DataError : the embedder needs pictures or embeddings that the set does not have, or `fitted` is
        damaged
    """
    embedder = EMBEDDERS[name]
    if embedder.from_pictures:
        _check_pictures(name, data)
        data = drop_unreadable(data, progress)
    try:
        x = embedder.embed_more(data, fitted, embedder.config, device=device, progress=progress)
    except AssayError:
        raise
    except (KeyError, ValueError, RuntimeError) as error:
        raise _damaged(name, error) from error
    return data, x


def feature_network(
    name: str, fitted: Mapping[str, np.ndarray], *, device: str = "auto"
) -> torch.nn.Module:
    """Return the embedder as a module through which gradients flow, its weights fixed.

    Parameters
    ----------
    name, fitted : the embedder, and what an earlier `embed_pair` fitted (`EmbeddedPair.fitted`)

    Returns
    -------
    module : maps pictures in [0, 1], float32 (b, c, h, w) of any size, to features (b, d) in the
        space of that pair, up to how sizes are changed and in float32 throughout

    Raises
    ------
    ConfigError : the embedder cannot be differentiated
    DataError : `fitted` is damaged
    """
    network = EMBEDDERS[name].network
    if network is None:
        able = ", ".join(known for known, embedder in EMBEDDERS.items() if embedder.network)
        raise ConfigError(
            f"The embedder '{name}' does not lead back to pictures. Choose one of: {able}."
        )
    module, function = network.split(":")
    make = getattr(import_module(module), function)
    try:
        return make(fitted, resolve_device(device))
    except (KeyError, ValueError, RuntimeError) as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(
        f"The embedder '{name}' cannot be put together again: what was kept of it is damaged "
        f"({error})."
    )


def _check_pictures(name: str, *sets: LabelledImages) -> None:
    for data in sets:
        if data.images is None:
            raise DataError(
                f"{data.source}: it has no pictures, which the embedder '{name}' needs. "
                "Use 'precomputed' where both sets have embeddings."
            )


def chosen_embedder(name: str, train: LabelledImages, validation: LabelledImages) -> str:
    """Return the embedder that `name` means for these sets: itself, or what "auto" stands for.

    Raises
    ------
    ConfigError : no such embedder
    """
    if name == "auto":
        given = train.embeddings is not None and validation.embeddings is not None
        return "precomputed" if given else "convnet"
    if name not in EMBEDDERS:
        known = ", ".join(("auto", *EMBEDDERS))
        raise ConfigError(f"There is no embedder '{name}'. Choose one of: {known}.")
    return name
