"""The rational baseline (Hashimoto, 2021), for accuracies as the projektor paper takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.projection.damped import DampedFit, minimize_squares
from core.projection.fitted import Classless, Facts, Fitted, MixtureDistance, few_points
from core.projection.measured import Measured

_STARTS = 4
# An accuracy of 1 has no logarithm of its error.
_LEAST_ERROR = 1e-4
# Keeps a source that says nothing from running away; far too weak to be felt otherwise.
_FIRM = 1e-3
_LARGEST_LOG = 20.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RationalLaw(Classless):
    """log(1 - accuracy) = sum_i 1 / (sum_j c_ij p_j) + b log N, with c_ij > 0, at most 0.

    Far from what was measured the sum can be thousands: more than everything cannot be missed.

    Attributes
    ----------
    log_c : shape (m, m)
    log_size : b
    """

    log_c: np.ndarray
    log_size: float

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,)."""
        terms = 1 / (p @ np.exp(self.log_c).T)
        log_error = terms.sum(axis=1) + self.log_size * np.log(n)
        return np.asarray(1 - np.exp(np.minimum(log_error, 0.0)))

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return derivatives by p, shape (k, m); where all is missed, the way out of that."""
        c = np.exp(self.log_c)
        error = 1 - self.accuracy(p, n, distance)
        return np.asarray(error[:, None] * ((p @ c.T) ** -2 @ c))

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""
        return {
            "log_c": self.log_c.tolist(),
            "log_size": self.log_size,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> RationalLaw:
        """Return the law that `to_dict` wrote."""
        return cls(
            log_c=np.array(raw["log_c"], dtype=np.float64),
            log_size=float(raw["log_size"]),
        )


def fit_rational(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit the law by least squares of log(1 - accuracy), from several starts, the best kept."""
    m = measured.m
    rng = np.random.default_rng(0)
    fits = [_from(_start(m, rng), measured) for _ in range(_STARTS)]
    law = _law(min(fits, key=lambda fit: fit.squares), m)
    zeros = np.zeros(len(measured))
    residual = law.accuracy(measured.p, measured.n, zeros) - measured.accuracy
    points, parameters = len(measured.mean()), m * m + 1
    return Fitted(
        predictor="rational",
        m=m,
        law=law,
        facts=Facts(
            points=points,
            parameters=parameters,
            regularized=points < parameters,
            residual=float(np.sqrt(np.mean(residual**2))),
            values=law.to_dict(),
            notes=(
                "Fitted to log(1 - accuracy), as the paper does for want of a log loss.",
                *few_points(points, parameters),
            ),
        ),
    )


def refit_rational(law: RationalLaw, measured: Measured) -> RationalLaw:
    """Return the law fitted to other data of the same kind, started where it is."""
    start = np.append(law.log_c.ravel(), law.log_size)
    return _law(_from(start, measured), measured.m)


def _from(start: np.ndarray, measured: Measured) -> DampedFit:
    target = np.log(np.maximum(1 - measured.accuracy, _LEAST_ERROR))
    return minimize_squares(
        lambda theta: _residuals(theta, measured, target), start, most_steps=200
    )


def _law(fit: DampedFit, m: int) -> RationalLaw:
    theta = fit.parameters
    log_c = np.clip(theta[: m * m], -_LARGEST_LOG, _LARGEST_LOG).reshape(m, m)
    return RationalLaw(log_c=log_c, log_size=float(theta[-1]))


def _start(m: int, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([1 + 0.5 * rng.standard_normal(m * m), [-0.3]])


def _residuals(
    theta: np.ndarray, measured: Measured, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals of log(1 - accuracy) and of the weak prior, with their Jacobian."""
    m, p = measured.m, measured.p
    c = np.exp(np.clip(theta[: m * m], -_LARGEST_LOG, _LARGEST_LOG)).reshape(m, m)
    sums = p @ c.T  # (k, m) @ (m, m) -> (k, m)
    log_n = np.log(measured.n)
    by_c = -(sums**-2)[:, :, None] * p[:, None, :] * c  # (k, i, j)
    jacobian = np.hstack([by_c.reshape(len(p), -1), log_n[:, None]])
    found = (1 / sums).sum(axis=1) + theta[-1] * log_n
    return (
        np.concatenate([found - target, _FIRM * theta]),
        np.vstack([jacobian, _FIRM * np.eye(len(theta))]),
    )
