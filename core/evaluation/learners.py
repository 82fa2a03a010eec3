"""What is retrained to see what removal does: a choice, listed here without its code.

A learner is a function that fits a classifier to labelled images, and gives back a function that
tells the probabilities of the classes. The embedding is not trained again: only what is listed
here learns from the images that are left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent

Predict = Callable[[np.ndarray], np.ndarray]
"""Returns the probabilities of the classes, shape (n, v), of features or pictures of n images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A kind of classifier that can be trained.

    Attributes
    ----------
    title : its name for people
    summary : a sentence: what it is, and when to choose it
    function : what fits it, as "module:name"; called with inputs, labels, n_classes, and by name
        seed, device, progress, and returns a `Predict`
    takes : "features", shape (n, d), or "pictures", uint8, shape (n, channels, side, side)
    repeats : another seed gives another classifier
    """

    title: str
    summary: str
    function: str
    takes: str
    repeats: bool = True

    def fit(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        n_classes: int,
        *,
        seed: int = 0,
        device: str = "auto",
        progress: Progress = silent,
    ) -> Predict:
        """Train on n labelled images; classes without images are never predicted.

        Parameters
        ----------
        inputs : features or pictures, as `takes` says
        labels : int64, shape (n,), 0 to n_classes - 1
        """
        module, _, name = self.function.partition(":")
        found: Predict = getattr(import_module(module), name)(
            inputs, labels, n_classes, seed=seed, device=device, progress=progress
        )
        return found


LEARNERS: dict[str, Learner] = {
    "linear": Learner(
        title="Linear head on the embedding",
        summary="Logistic regression on the features. Seconds on a CPU, and the same every time.",
        function="core.evaluation.linear:fit_linear",
        takes="features",
        repeats=False,
    ),
    "convnet": Learner(
        title="Small residual network",
        summary="The convnet of the embedders, trained anew on the pictures: minutes on a CPU.",
        function="core.evaluation.networks:fit_convnet",
        takes="pictures",
    ),
    "resnet-20": Learner(
        title="ResNet-20",
        summary="CIFAR's residual network, for color pictures of 32 pixels: minutes on a CPU.",
        function="core.evaluation.networks:fit_resnet_20",
        takes="pictures",
    ),
    "resnet-18": Learner(
        title="ResNet-18",
        summary="PreActResNet-18, as in the LAVA paper: hours on a CPU, minutes on a GPU.",
        function="core.evaluation.networks:fit_resnet_18",
        takes="pictures",
    ),
    "resnet-50": Learner(
        title="ResNet-50",
        summary="PreActResNet-50, the deeper network of the projektor paper: for a GPU.",
        function="core.evaluation.networks:fit_resnet_50",
        takes="pictures",
    ),
}


def learner_named(name: str) -> Learner:
    """Return the learner of that name.

    Raises
    ------
    ConfigError : there is none
    """
    if name not in LEARNERS:
        raise ConfigError(f"There is no learner '{name}'. Choose one of: {', '.join(LEARNERS)}.")
    return LEARNERS[name]


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images, 0 to 1, whose likeliest class is their label."""
    return float((probabilities.argmax(axis=1) == labels).mean())
