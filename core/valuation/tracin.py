"""TracIn: how much each image's gradient steps moved the loss, summed over checkpoints.

Pruthi et al., "Estimating Training Data Influence by Tracing Gradient Descent", NeurIPS 2020,
section 3. The network is a linear head on the embedding, so that the gradients of all images are in
closed form: that of the cross-entropy of image i is (p_i - e_i) [z_i, 1]^T, with p_i the class
probabilities, e_i the label as a unit vector and z_i the standardized embedding. No gradient is
ever stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.head import (
    TRAINED_ON,
    Head,
    log_softmax,
    one_hot,
    standardization,
)
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class TracinConfig:
    """How the head is trained whose checkpoints are looked at.

    Attributes
    ----------
    epochs : passes over the images, >= 1; the head after each is a checkpoint
    learning_rate : > 0, in units of 1 / mean |[z, 1]|^2; full gradient descent is stable below 4
    batch : images a step, >= 1
    trained_on : "training", as published, or "validation"
    seed : 0 or more; decides the order of the images
    """

    epochs: int = 10
    learning_rate: float = 1.0
    batch: int = 256
    trained_on: str = "training"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}.")
        if self.trained_on not in TRAINED_ON:
            raise ConfigError(
                f"trained_on must be one of: {', '.join(TRAINED_ON)}; got {self.trained_on!r}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head at one moment of its training.

    Attributes
    ----------
    head : the head as it stood
    step : learning rate of the steps around it
    """

    head: Head
    step: float

    def residuals(self, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return p_i - e_i of standardized features `z`: float64, shape (n, v)."""
        logits = z @ self.head.weights.T + self.head.bias
        return np.asarray(np.exp(log_softmax(logits)) - one_hot(labels, logits.shape[1]))


def train_checkpoints(
    x: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    config: TracinConfig,
    *,
    progress: Progress = silent,
) -> Iterator[Checkpoint]:
    """Train a head by plain SGD from 0 and yield it after every epoch.

    Without momentum or weight decay: TracIn's sum is of what single gradient steps change.

    Parameters
    ----------
    x : embeddings, shape (n, d)
    labels : int64, shape (n,), 0 to n_classes - 1
    """
    rng = np.random.default_rng(config.seed)
    center, scale = standardization(x)
    z = with_one((np.asarray(x, dtype=np.float64) - center) / scale)
    step = config.learning_rate / float(np.mean(np.einsum("ij,ij->i", z, z)))
    w = np.zeros((n_classes, z.shape[1]))
    parts = -(-len(z) // config.batch)
    for epoch in range(config.epochs):
        for at, rows in enumerate(np.array_split(rng.permutation(len(z)), parts)):
            residual = np.exp(log_softmax(z[rows] @ w.T)) - one_hot(labels[rows], n_classes)
            w = w - (step / len(rows)) * (residual.T @ z[rows])
            if at % 64 == 0:
                progress("Network head", (epoch + at / parts) / config.epochs)
        head = Head(weights=w[:, :-1], bias=w[:, -1], center=center, scale=scale)
        yield Checkpoint(head=head, step=step)


def with_one(z: np.ndarray) -> np.ndarray:
    """Return `z` with a column of ones, by which the bias is a weight: shape (n, d + 1)."""
    return np.concatenate([z, np.ones((len(z), 1))], axis=1)


def value_tracin_clean(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: TracinConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by how much their steps lower the validation loss; parameters as `value_lava`.

    value_i = sum_k step_k grad l(w_k, i) . mean_j grad l(w_k, j) over checkpoints k, with j over
    the validation images (TracInCP, section 3.2 of the paper): the first-order estimate, in nats,
    of how much a step on image i at each checkpoint lowers the mean validation loss.

    Needs both sets' embeddings and labels. Trains one linear head, on the training set. Low is bad:
    below 0 an image raised the validation loss. The head has learnt from the faults as well.

    Raises
    ------
    ConfigError
        For settings out of range.

    Notes
    -----
    Time O(epochs (n + m) d v), memory linear in n + m.

    References
    ----------
    Pruthi et al., 2020, section 3.2. Called TracIn-Clean in the LAVA paper, section 4.
    """
    config = config or TracinConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    found = np.zeros(len(x))
    for checkpoint in _checkpoints(x, x_labels, y, y_labels, n_classes, config, progress):
        slope = _mean_gradient(checkpoint, y, y_labels)
        for rows in _blocks(len(x)):
            z = checkpoint.head.inputs(x[rows])
            residual = checkpoint.residuals(z, x_labels[rows])
            along = z @ slope[:, :-1].T + slope[:, -1]
            found[rows] += checkpoint.step * np.einsum("iv,iv->i", residual, along)
    return valuation_by(-found, seen)


def value_tracin_self(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: TracinConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by how much their steps lower their own loss; parameters as `value_lava`.

    score_i = sum_k step_k |grad l(w_k, i)|^2 over checkpoints k, in nats: an image that only its
    own steps teach has a high one. Here |grad l|^2 = |p_i - e_i|^2 (|z_i|^2 + 1).

    Needs the training set's embeddings and labels only (the validation set says what an image looks
    like). Trains one linear head, on the training set. A high score is bad: wrong labels and
    outliers; sound but rare images have one too.

    Raises
    ------
    ConfigError
        For settings out of range.

    Notes
    -----
    Time O(epochs n d v), memory linear in n.

    References
    ----------
    Pruthi et al., 2020, section 4.1 (self-influence). TracIn-Self in the LAVA paper, section 4.
    """
    config = config or TracinConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    found = np.zeros(len(x))
    for checkpoint in _checkpoints(x, x_labels, y, y_labels, n_classes, config, progress):
        for rows in _blocks(len(x)):
            z = checkpoint.head.inputs(x[rows])
            residual = checkpoint.residuals(z, x_labels[rows])
            lengths = np.einsum("id,id->i", z, z) + 1
            found[rows] += checkpoint.step * np.einsum("iv,iv->i", residual, residual) * lengths
    return valuation_by(found, seen)


def _checkpoints(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: TracinConfig,
    progress: Progress,
) -> Iterator[Checkpoint]:
    taught = (x, x_labels) if config.trained_on == "training" else (y, y_labels)
    return train_checkpoints(*taught, n_classes, config, progress=progress)


def _mean_gradient(checkpoint: Checkpoint, y: np.ndarray, y_labels: np.ndarray) -> np.ndarray:
    """Return the gradient of the mean loss of a set, by weights and bias: shape (v, d + 1)."""
    total = np.zeros((len(checkpoint.head.bias), y.shape[1] + 1))
    for rows in _blocks(len(y)):
        z = checkpoint.head.inputs(y[rows])
        total += checkpoint.residuals(z, y_labels[rows]).T @ with_one(z)
    return total / len(y)


def _blocks(count: int) -> Iterator[slice]:
    """Yield the rows in parts that bound the memory."""
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
