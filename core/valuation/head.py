"""A linear head on the embedding: what it says of labels, and how it came to say it.

Self-confidence, confident learning, EL2N and the methods on gradients share it. It is a multinomial
logistic regression on standardized features. Trained on the validation set, which is trusted, it
has seen none of the training images; trained on the training set it is asked about images that were
left out (cross-validation), as confident learning does where nothing is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent

TRAINED_ON = ("validation", "training")
_ROWS_AT_ONCE = 65_536
# Logit of a class that the head has seen no image of.
_UNSEEN = -50.0
_MOST_ITERATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """Settings of the head.

    Attributes
    ----------
    l2 : weight of the penalty, > 0: the loss is mean cross-entropy + l2 / 2 * |W|^2, the bias free
    trained_on : "validation", or "training" by cross-validation
    folds : parts of the cross-validation, >= 2
    seed : 0 or more; decides the folds
    tolerance : largest entry of the loss's gradient to stop at, > 0; 1e-4 takes half the time and
        changes the class of one image in two thousand
    """

    l2: float = 1e-3
    trained_on: str = "validation"
    folds: int = 5
    seed: int = 0
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (np.isfinite(self.l2) and self.l2 > 0):
            raise ConfigError(f"l2 must be a number above 0, got {self.l2}.")
        if self.trained_on not in TRAINED_ON:
            raise ConfigError(
                f"trained_on must be one of: {', '.join(TRAINED_ON)}; got {self.trained_on!r}."
            )
        if not self.tolerance > 0:
            raise ConfigError(f"tolerance must be above 0, got {self.tolerance}.")
        if self.folds < 2:
            raise ConfigError(f"folds must be 2 or more, got {self.folds}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A linear classifier of embeddings; v classes, d features.

    Attributes
    ----------
    weights : float64, shape (v, d), of standardized features
    bias : float64, shape (v,)
    center, scale : float64, shapes (d,): a feature x enters as (x - center) / scale
    """

    weights: np.ndarray
    bias: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Return standardized features, float64, shape (n, d)."""
        return (np.asarray(x, dtype=np.float64) - self.center) / self.scale

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Return the logits of embeddings `x`, shape (n, d): float64, shape (n, v)."""
        found = np.empty((len(x), len(self.bias)))
        for start in range(0, len(x), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            found[rows] = self.inputs(x[rows]) @ self.weights.T + self.bias
        return found

    def log_probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the logarithms of the classes' probabilities, float64, shape (n, v), finite."""
        return log_softmax(self.logits(x))

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Return the classes' probabilities, float64, shape (n, v); rows have sum 1."""
        return np.asarray(np.exp(self.log_probabilities(x)))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log softmax along the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def one_hot(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return labels as rows of 0 and 1, float64, shape (n, n_classes)."""
    return np.eye(n_classes)[labels]


def standardization(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of each feature, float64; deviation 1 where it does not vary."""
    values = np.asarray(x, dtype=np.float64)
    scale = values.std(axis=0)
    return values.mean(axis=0), np.where(scale > 0, scale, 1.0)


def fit_head(
    x: np.ndarray, labels: np.ndarray, n_classes: int, config: HeadConfig | None = None
) -> Head:
    """Return the head that minimizes mean cross-entropy + l2 / 2 * |W|^2.

    Parameters
    ----------
    x : embeddings, shape (n, d)
    labels : int64, shape (n,), 0 to n_classes - 1; a class without images gets a probability of
        about e^-50

    Notes
    -----
    The problem is convex: the answer depends on nothing else. L-BFGS in float64, O(n d v) an
    iteration; a second for 10,000 images of 64 features in 10 classes.
    """
    from scipy.optimize import minimize  # takes a moment to import

    config = config or HeadConfig()
    center, scale = standardization(x)
    z = (np.asarray(x, dtype=np.float64) - center) / scale
    seen = np.unique(labels)
    v, d = len(seen), z.shape[1]
    targets = one_hot(np.searchsorted(seen, labels), v)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w, bias = flat[: v * d].reshape(v, d), flat[v * d :]
        log_p = log_softmax(z @ w.T + bias)
        residual = (np.exp(log_p) - targets) / len(z)
        gradient = np.concatenate([(residual.T @ z + config.l2 * w).ravel(), residual.sum(axis=0)])
        return float(config.l2 / 2 * (w * w).sum() - (log_p * targets).sum() / len(z)), gradient

    found = minimize(
        loss,
        np.zeros(v * d + v),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_ITERATIONS, "gtol": config.tolerance, "ftol": 1e-12},
    ).x
    weights, bias = np.zeros((n_classes, d)), np.full(n_classes, _UNSEEN)
    weights[seen] = found[: v * d].reshape(v, d)
    bias[seen] = found[v * d :]
    return Head(weights=weights, bias=bias, center=center, scale=scale)


def label_log_probabilities(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: HeadConfig | None = None,
    *,
    progress: Progress = silent,
) -> np.ndarray:
    """Return what a head that has not seen them says of the training images.

    Returns
    -------
    float64, shape (n, n_classes), logarithms of probabilities, finite
    """
    config = config or HeadConfig()
    progress("Network head", 0.0)
    if config.trained_on == "validation":
        return fit_head(y, y_labels, n_classes, config).log_probabilities(x)
    fold = _folds(x_labels, config.folds, np.random.default_rng(config.seed))
    found = np.empty((len(x), n_classes))
    for part in range(config.folds):
        progress("Network head", part / config.folds, f"part {part + 1} of {config.folds}")
        out = fold == part
        if out.any():
            # With a single image there is nothing else to learn from.
            rest = ~out if (~out).any() else out
            head = fit_head(x[rest], x_labels[rest], n_classes, config)
            found[out] = head.log_probabilities(x[out])
    return found


def _folds(labels: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal images into folds, each class evenly: int64, shape (n,)."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold
