"""EL2N: the error of a head early in its training, averaged over seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.head import TRAINED_ON, one_hot
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation
from core.valuation.tracin import TracinConfig, train_checkpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class El2nConfig:
    """Settings of EL2N.

    Attributes
    ----------
    epochs : passes over the images after which the error is taken, >= 1; early is the point
    repeats : trainings, in other orders of the images, whose errors are averaged, >= 1
    trained_on : "training", as published, or "validation"
    seed : 0 or more; decides the orders
    device : "auto", "cpu", "cuda" or "mps", for what the images look like
    """

    epochs: int = 2
    repeats: int = 3
    trained_on: str = "training"
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("epochs", "repeats"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        if self.trained_on not in TRAINED_ON:
            raise ConfigError(
                f"trained_on must be one of: {', '.join(TRAINED_ON)}; got {self.trained_on!r}."
            )


def value_el2n(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: El2nConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by the error of an early head; parameters as `value_lava`.

    score_i = mean over trainings of |p(x_i) - e_i|_2, with p the head's probabilities after a few
    epochs and e_i the label as a unit vector. 0 to sqrt 2.

    Needs the training set's embeddings and labels (the validation set says what an image looks
    like, or is trained on where asked for). Trains a few small heads. A high score is bad here: a
    label that is hard to learn. The paper keeps such images when it prunes clean data; among faulty
    ones they are the wrong labels first.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(repeats epochs n d v), and one pass of O(n m d) for what the images look like.

    References
    ----------
    Paul, Ganguli and Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, definition 2.2.
    """
    config = config or El2nConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, device=config.device, progress=progress)
    on, on_labels = (x, x_labels) if config.trained_on == "training" else (y, y_labels)
    settings = TracinConfig(epochs=config.epochs)
    targets = one_hot(x_labels, n_classes)
    error = np.zeros(len(x))
    for repeat in range(config.repeats):
        training = replace(settings, seed=config.seed + repeat)
        *_, last = train_checkpoints(on, on_labels, n_classes, training, progress=progress)
        error += np.linalg.norm(last.head.probabilities(x) - targets, axis=1) / config.repeats
    return valuation_by(error, seen)
