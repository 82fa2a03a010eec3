"""What an embedder is: the type that `core.embedding.pair.EMBEDDERS` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from core.datasets import LabelledImages
from core.progress import Progress


class Features(NamedTuple):
    """What embedding two sets yields.

    Attributes
    ----------
    x, y : features of the training and validation images, float32 and finite, shapes (n, d), (m, d)
    fitted : what the embedder learned from the validation set, name to array, such that
        `Embedder.embed_more` puts further images into the same space; empty where it learns nothing
    """

    x: np.ndarray
    y: np.ndarray
    fitted: Mapping[str, np.ndarray]


class EmbedFunction(Protocol):
    """Turns both sets into feature vectors of one width; the training set fits nothing."""

    def __call__(
        self,
        train: LabelledImages,
        validation: LabelledImages,
        config: Any,
        *,
        seed: int,
        device: str,
        progress: Progress,
    ) -> Features:
        """Return the features of both sets and what was fitted."""


class EmbedMoreFunction(Protocol):
    """Turns further images into feature vectors of a space that is there already."""

    def __call__(
        self,
        data: LabelledImages,
        fitted: Mapping[str, np.ndarray],
        config: Any,
        *,
        device: str,
        progress: Progress,
    ) -> np.ndarray:
        """Return the features, float32, shape (k, d).

        Raises `KeyError`, `ValueError` or `RuntimeError` where `fitted` is damaged.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedder:
    """An embedder and what the cache needs to know about it.

    Attributes
    ----------
    title, summary : what a person who chooses reads: a name, and when to take it
    embed : does the work; every picture of the sets that it gets can be read
    embed_more : embeds further images as `embed` would have, from what that fitted
    config : its default settings, a frozen dataclass of JSON values
    version : counted up whenever the same settings would yield other vectors
    from_pictures : it decodes pictures, and its result is worth keeping
    learned : validation labels and seed change the result, not pictures alone
    identify : for what is not made here but read, as weights: what of it decides the vectors, given
        the settings; None where there is no such thing
    network : "module:function" that makes, of what was fitted and a device, the torch module from
        pictures in [0, 1], (b, c, h, w), to features in the same space, through which gradients
        flow; None where there is none. By name, so that listing embedders loads no torch
    """

    title: str
    summary: str
    embed: EmbedFunction
    embed_more: EmbedMoreFunction
    config: Any
    version: int
    from_pictures: bool = True
    learned: bool = False
    identify: Callable[[Any], str] | None = None
    network: str | None = None
