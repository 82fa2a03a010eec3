"""One point of a predictor's training data: a learner is trained on a mixture and measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import DataError
from core.evaluation import learner_named
from core.progress import Progress, silent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What a trained learner reached.

    Attributes
    ----------
    accuracy : share of the validation images whose likeliest class is their label, 0 to 1
    per_class : the same among the images of each class, shape (v,), NaN where there are none
    """

    accuracy: float
    per_class: np.ndarray


def learn(
    x: np.ndarray,
    labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    *,
    learner: str = "linear",
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> Learned:
    """Train on the images of a mixture, and measure on the validation set.

    Parameters
    ----------
    x, labels : features or pictures of the mixture, as the learner takes them, and int64 labels
    y, y_labels : of the validation set
    n_classes : v
    learner : name in `core.evaluation.LEARNERS`
    seed : of learners that start at random

    Raises
    ------
    ConfigError : there is no such learner
    DataError : a side has no images
    """
    if not len(labels) or not len(y_labels):
        raise DataError("Both the mixture and the validation set need images.")
    predict = learner_named(learner).fit(
        x, labels, n_classes, seed=seed, device=device, progress=progress
    )
    right = predict(y).argmax(axis=1) == y_labels
    counts = np.bincount(y_labels, minlength=n_classes)
    hits = np.bincount(y_labels, weights=right, minlength=n_classes)
    return Learned(
        accuracy=float(right.mean()),
        per_class=np.divide(hits, counts, out=np.full(n_classes, np.nan), where=counts > 0),
    )
