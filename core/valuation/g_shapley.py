"""G-Shapley: marginal gains along single runs of gradient descent, averaged over orders.

Ghorbani & Zou, "Data Shapley: Equitable Valuation of Data for Machine Learning", ICML 2019,
Algorithm 2. Instead of retraining, each image of a random order contributes one gradient step, and
is paid the change of validation accuracy after it. pyDVL has no such method: its games know sets,
not the state of a training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.head import log_softmax, one_hot, standardization
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation
from core.valuation.tracin import with_one


@dataclass(frozen=True, slots=True, kw_only=True)
class GShapleyConfig:
    """Settings of G-Shapley.

    Attributes
    ----------
    permutations : orders to average over, >= 1; they are run side by side
    learning_rate : > 0, in units of 1 / mean |[z, 1]|^2
    seed : 0 or more; decides the orders
    """

    permutations: int = 40
    learning_rate: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.permutations < 1:
            raise ConfigError(f"permutations must be 1 or more, got {self.permutations}.")
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}.")


def value_g_shapley(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: GShapleyConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by what their gradient step gains in accuracy; parameters as `value_lava`.

    value_i = mean over random orders of the change of validation accuracy by the step on image i,
    in shares of the validation images, in one epoch of single-image SGD on a linear head.

    Needs both sets' embeddings and labels. Low is bad: below 0 steps on the image lost accuracy.
    What an image gains depends on how late in the order it comes; with few orders that is noise.

    Returns
    -------
    Valuation
        Columns: `standard_error` of the value over the orders, 0 with one order.

    Raises
    ------
    ConfigError, DataError
        For settings out of range, or sets that cannot be used.

    Notes
    -----
    Time O(permutations n m d v), memory O(permutations (m v + n)).

    References
    ----------
    Ghorbani & Zou, 2019, Algorithm 2.
    """
    config = config or GShapleyConfig()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    center, scale = standardization(x)
    z = with_one((np.asarray(x, dtype=np.float64) - center) / scale)
    z_val = with_one((np.asarray(y, dtype=np.float64) - center) / scale)
    gains = _gains(z, one_hot(x_labels, n_classes), z_val, y_labels, config, progress)
    spread = gains.std(axis=0, ddof=1) if len(gains) > 1 else np.zeros(len(x))
    error = (spread / np.sqrt(len(gains))).astype(np.float32)
    return valuation_by(-gains.mean(axis=0), seen, columns={"standard_error": error})


def _gains(
    z: np.ndarray,
    targets: np.ndarray,
    z_val: np.ndarray,
    y_labels: np.ndarray,
    config: GShapleyConfig,
    progress: Progress,
) -> np.ndarray:
    """Return what each image gained in each order, float64, shape (permutations, n)."""
    rng = np.random.default_rng(config.seed)
    n, v = targets.shape
    orders = np.stack([rng.permutation(n) for _ in range(config.permutations)])
    step = config.learning_rate / float(np.mean(np.einsum("ij,ij->i", z, z)))
    w = np.zeros((config.permutations, v, z.shape[1]))
    gains = np.empty((config.permutations, n))
    each = np.arange(config.permutations)
    # Nothing learnt yet: all classes tie, and guessing gets 1 / v of the images right.
    before = np.full(config.permutations, 1.0 / v)
    for at, chosen in enumerate(orders.T):
        rows = z[chosen]
        residual = np.exp(log_softmax(np.einsum("pvd,pd->pv", w, rows))) - targets[chosen]
        w -= step * residual[:, :, None] * rows[:, None, :]
        logits = (z_val @ w.reshape(-1, w.shape[2]).T).reshape(len(z_val), -1, v)
        accuracy = (logits.argmax(axis=2) == y_labels[:, None]).mean(axis=0)
        gains[each, chosen] = accuracy - before
        before = accuracy
        progress("Orders", (at + 1) / n, f"image {at + 1:,} of {n:,} in each order")
    return gains
