"""What an embedder is: the type that `core.embedding.pair.EMBEDDERS` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from core.datasets import LabelledImages
from core.progress import Progress


class EmbedFunction(Protocol):
    """Turns both sets into feature vectors of one width."""

    def __call__(
        self,
        train: LabelledImages,
        validation: LabelledImages,
        config: Any,
        *,
        seed: int,
        device: str,
        progress: Progress,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return x, shape (n, d), and y, shape (m, d), both float32 and finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedder:
    """An embedder and what the cache needs to know about it.

    Attributes
    ----------
    embed : does the work; every picture of the sets that it gets can be read
    config : its default settings, a frozen dataclass of JSON values
    version : counted up whenever the same settings would yield other vectors
    from_pictures : it decodes pictures, and its result is worth keeping
    learned : validation labels and seed change the result, not pictures alone
    """

    embed: EmbedFunction
    config: Any
    version: int
    from_pictures: bool = True
    learned: bool = False
