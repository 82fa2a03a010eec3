"""Influence functions: what leaving an image out would do to the validation loss, to first order.

Koh & Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017, section 2.
The model is a multinomial logistic regression on the embedding: convex, so that the paper's
assumptions hold, and with a Hessian that is exact rather than sampled. The validation loss is one
vector away from all influences: H s = grad L_val is solved once, by conjugate gradients whose
products with H are exact and which never form it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError, DataError
from core.progress import Progress, silent
from core.valuation.head import HeadConfig, fit_head, log_softmax, one_hot
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation
from core.valuation.tracin import with_one

# L-BFGS comes close to the optimum; a few steps of Newton reach it.
_MOST_NEWTON_STEPS = 20
_GRADIENT_LEFT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceConfig:
    """Settings of influence functions.

    Attributes
    ----------
    l2 : > 0, weight of the penalty: the loss is mean cross-entropy + l2 / 2 * |W|^2, the bias free
    tolerance : > 0, relative residual |H s - grad L_val| / |grad L_val| to stop at
    max_products : most products with the Hessian in one solve, >= 1
    """

    l2: float = 1e-3
    tolerance: float = 1e-8
    max_products: int = 2000

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("l2", "tolerance"):
            number = getattr(self, name)
            if not (np.isfinite(number) and number > 0):
                raise ConfigError(f"{name} must be a number above 0, got {number}.")
        if self.max_products < 1:
            raise ConfigError(f"max_products must be 1 or more, got {self.max_products}.")


class Curvature:
    """The Hessian of the penalized mean cross-entropy of a head, as products with it.

    H = (1/n) sum_i (diag(p_i) - p_i p_i^T) x [z_i, 1][z_i, 1]^T + l2 on the weights. It has one
    direction without curvature, the same number added to every bias, which no gradient has a part
    in. Shapes: weights and bias together are (v, d + 1), bias last.

    Parameters
    ----------
    z : standardized features and a column of ones, float64, shape (n, d + 1)
    p : probabilities of the classes, float64, shape (n, v)
    l2 : weight of the penalty
    """

    def __init__(self, z: np.ndarray, p: np.ndarray, l2: float) -> None:
        self._z, self._p, self._l2 = z, p, l2
        self._factors: np.ndarray | None = None

    def times(self, w: np.ndarray) -> np.ndarray:
        """Return H w, shape (v, d + 1): time O(n d v)."""
        slope = self._z @ w.T
        curved = self._p * (slope - np.einsum("iv,iv->i", self._p, slope)[:, None])
        product = curved.T @ self._z / len(self._z)
        product[:, :-1] += self._l2 * w[:, :-1]
        return product

    def solve(
        self, target: np.ndarray, config: InfluenceConfig, *, progress: Progress = silent
    ) -> tuple[np.ndarray, float]:
        """Return w with H w = target, and the relative residual |H w - target| / |target|.

        Conjugate gradients, preconditioned by the blocks of H that belong to one class.
        """
        w = np.zeros_like(target)
        length = float(np.linalg.norm(target))
        if length == 0:
            return w, 0.0
        residual = target.copy()
        direction = preconditioned = self._precondition(residual)
        fit = float(np.vdot(residual, preconditioned))
        left = 1.0
        for product in range(config.max_products):
            curved = self.times(direction)
            along = fit / float(np.vdot(direction, curved))
            w = w + along * direction
            residual = residual - along * curved
            left = float(np.linalg.norm(residual)) / length
            progress("Inverse Hessian", min(1.0, (product + 1) / 100), f"residual {left:.1e}")
            if left <= config.tolerance:
                break
            preconditioned = self._precondition(residual)
            fit, before = float(np.vdot(residual, preconditioned)), fit
            direction = preconditioned + (fit / before) * direction
        return w, left

    def _precondition(self, w: np.ndarray) -> np.ndarray:
        if self._factors is None:
            self._factors = self._inverse_blocks()
        return np.asarray(np.einsum("vde,ve->vd", self._factors, w))

    def _inverse_blocks(self) -> np.ndarray:
        """Return the inverses of the diagonal blocks of H, shape (v, d + 1, d + 1)."""
        width = self._z.shape[1]
        # A class that hardly occurs has no curvature in its bias.
        ridge = np.diag([*[self._l2] * (width - 1), 1e-3 * self._l2])
        blocks = [
            (self._z * (share * (1 - share))[:, None]).T @ self._z / len(self._z) + ridge
            for share in self._p.T
        ]
        return np.linalg.inv(np.stack(blocks))


def value_influence(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: InfluenceConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by what leaving them out would do to the validation loss; as `value_lava`.

    value_i = (1/n) grad L_val^T H^-1 grad l_i, in nats: the first-order estimate of how much the
    mean validation loss of a logistic head, trained on the training set to its optimum, rises when
    image i is left out (Koh & Liang, eqs. 1 and 2, with the sign of leaving out).

    Needs both sets' embeddings and labels. Trains one head, on the training set. Low is bad: below
    0 the validation loss falls without the image. Where many images are wrong in the same way, none
    of them matters alone: that is the method's known weakness.

    Returns
    -------
    Valuation
        Details: `residual` of the linear system and `gradient_left`, the gradient's norm at the
        optimum. Validation images of a class that has no training image are left aside.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; where the sets have no class in common.

    Notes
    -----
    Time O(n d v) a product with the Hessian, some tens of them, and O(n d^2 v) once; memory
    O((n + m)(d + v) + v d^2).

    References
    ----------
    Koh & Liang, 2017, section 2.1.
    """
    config = config or InfluenceConfig()
    looks = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    # A class without training images has no optimal weights, and no say in the validation loss.
    seen, labels = np.unique(x_labels, return_inverse=True)
    known = np.isin(y_labels, seen)
    if not known.any():
        raise DataError(
            "Training and validation set have no class in common, so that the validation loss "
            "means nothing. Use sets that share classes."
        )
    progress("Network head", 0.0)
    head = fit_head(x, labels, len(seen), HeadConfig(l2=config.l2))
    z, z_val = with_one(head.inputs(x)), with_one(head.inputs(y[known]))
    targets = one_hot(labels, len(seen))
    near = np.concatenate([head.weights, head.bias[:, None]], axis=1)
    w, left = _optimum(near, z, targets, config, progress)
    wanted = one_hot(np.searchsorted(seen, y_labels[known]), len(seen))
    slope = (_probabilities(w, z_val) - wanted).T @ z_val / len(z_val)
    p = _probabilities(w, z)
    s, residual = Curvature(z, p, config.l2).solve(slope, config, progress=progress)
    value = np.einsum("iv,iv->i", p - targets, z @ s.T) / len(z)
    return valuation_by(-value, looks, details={"residual": residual, "gradient_left": left})


def _optimum(
    w: np.ndarray,
    z: np.ndarray,
    targets: np.ndarray,
    config: InfluenceConfig,
    progress: Progress,
) -> tuple[np.ndarray, float]:
    """Return the optimal weights, by Newton's method from `w`, and the gradient's norm there.

    Influence is the change of an optimum: what is left of the gradient would be counted as one.
    """
    best, left = w, np.inf
    for _ in range(_MOST_NEWTON_STEPS):
        p = _probabilities(w, z)
        gradient = (p - targets).T @ z / len(z)
        gradient[:, :-1] += config.l2 * w[:, :-1]
        norm = float(np.linalg.norm(gradient))
        if norm >= left:  # as close as rounding allows
            break
        best, left = w, norm
        if left <= _GRADIENT_LEFT:
            break
        step, _ = Curvature(z, p, config.l2).solve(gradient, config, progress=progress)
        w = w - step
    return best, left


def _probabilities(w: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(log_softmax(z @ w.T)))
