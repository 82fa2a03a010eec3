"""A random order: what every method has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomConfig:
    """Settings of a random order.

    Attributes
    ----------
    seed : 0 or more
    device : "auto", "cpu", "cuda" or "mps", for what the images look like
    """

    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the range."""
        if self.seed < 0:
            raise ConfigError(f"seed must be 0 or more, got {self.seed}.")


def value_random(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: RandomConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images at random, uniform on 0 to 1; parameters as `value_lava`.

    Says nothing of any image, at either end; every fault is found as late as chance has it.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(n), beside one pass of O(n m d) for what the images look like.
    """
    config = config or RandomConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, device=config.device, progress=progress)
    return valuation_by(np.random.default_rng(config.seed).random(len(x)), seen)
