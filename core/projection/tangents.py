"""The OT distance of a mixture, as solved at some ratios, and between them. NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What says how far a solution can be trusted.

    Attributes
    ----------
    transport_cost : <plan, cost> of the mixture, without the regularizer, in units of cost
    marginal_error : sum_j |b_j - sum_i plan_ij|, 0 to 2; the plan's other marginals are exact
    converged : the marginal error is within the tolerance asked for
    passes : over all pairs, or iterations where many ratios were solved together
    """

    transport_cost: float
    marginal_error: float
    converged: bool
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MixturePoint:
    """The OT distance at one ratio, and its tangent there.

    Attributes
    ----------
    p : the ratio, shape (m,)
    distance : entropic OT from the mixture to the validation set, in units of cost
    gradient : of the distance by p, shape (m,), with the constant chosen so that
        distance = gradient @ p. What a small change of p does is its projection on sum 0;
        gradient @ q is at most the distance at any other ratio q
    g : validation potential, shape (images,): where a solver may start for a ratio nearby
    certificate : how far the solution can be trusted
    """

    p: np.ndarray
    distance: float
    gradient: np.ndarray
    g: np.ndarray
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Tangents:
    """The distance between solved ratios: the highest of their tangents.

    The distance is convex in p and its tangents are below it: their maximum is convex as well, is
    exact where it was solved, and elsewhere a lower bound that is off to second order only.

    Attributes
    ----------
    ratios : those that were solved, shape (k, m)
    slopes : the tangents; the one of ratio i has the height slopes[i] @ q at q, shape (k, m)
    """

    ratios: np.ndarray
    slopes: np.ndarray

    def __post_init__(self) -> None:
        """Check that there are tangents."""
        if self.slopes.ndim != 2 or self.slopes.shape != self.ratios.shape or not self.slopes.size:
            raise ConfigError(
                "Expected a tangent for each of one or more ratios, got shapes "
                f"{self.slopes.shape} and {self.ratios.shape}."
            )

    @classmethod
    def of(cls, points: Sequence[MixturePoint]) -> Tangents:
        """Return the tangents at solved points; raises `ConfigError` where there is none."""
        if not points:
            raise ConfigError("Tangents need a solved ratio.")
        return cls(np.stack([z.p for z in points]), np.stack([z.gradient for z in points]))

    def distance(self, p: np.ndarray) -> np.ndarray:
        """Return the distance at ratios p, shape (..., m): float64, shape (...), units of cost."""
        return np.asarray((p @ self.slopes.T).max(axis=-1))

    def gradient(self, p: np.ndarray) -> np.ndarray:
        """Return the slope of the highest tangent at ratios p, shape (..., m): the same shape."""
        return np.asarray(self.slopes[np.argmax(p @ self.slopes.T, axis=-1)])
