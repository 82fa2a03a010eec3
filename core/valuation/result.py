"""What a valuation yields; the one place where the sign is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def value_from_score(score: np.ndarray) -> np.ndarray:
    """Return `value` = -score: higher is better. The sign is decided here only.

    The score is the calibrated gradient, or what a method ranks by in its place; higher is worse.
    """
    # Not the unary minus, which turns 0 into a "-0" that people would read.
    return 0.0 - score


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """What each image is worth, as every method yields it.

    Shapes: n training images, m validation images, v classes.

    Attributes
    ----------
    score : float64, shape (n,), what the ranking follows; **higher is worse**
    looks_like : int64, shape (n,); the class that an image's features resemble most among the
        validation images
    looks_like_probability : float32, shape (n,), 0 to 1
    columns : what the method says beside of each training image, name to array of shape (n,)
    arrays : what else it found, name to array, as SAVA's batch cost and plan
    details : what else it has to say, as JSON can hold it
    """

    score: np.ndarray
    looks_like: np.ndarray
    looks_like_probability: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> np.ndarray:
        """Return the training images' values, float64, shape (n,): higher is better."""
        return value_from_score(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportValuation(Valuation):
    """A valuation by optimal transport, and how far its solution can be trusted.

    Attributes
    ----------
    score : the calibrated gradient, or what the method ranks by in its place
    calibrated_gradient : float64, shape (n,); sum 0; **higher is worse**; in units of cost
    validation_gradient : float64, shape (m,); the same for the validation images
    f, g : potentials, float64, shapes (n,) and (m,); defined up to f + c, g - c
    label_distances : float32, shape (v, v), training class by validation class, units of cost;
        NaN where one of the two classes is empty
    epsilon : entropic regularization used, in units of cost
    primal, dual : value of the entropic problem at the final plan and potentials
    transport_cost : <plan, ground cost>: the OT distance without its regularizer
    marginal_error : sum over validation images of |b_j - sum_i plan_ij|, 0 to 2
    tolerance : marginal error asked for
    passes : full passes over all n * m pairs
    converged : marginal_error <= tolerance
    """

    calibrated_gradient: np.ndarray
    validation_gradient: np.ndarray
    f: np.ndarray
    g: np.ndarray
    label_distances: np.ndarray
    epsilon: float
    primal: float
    dual: float
    transport_cost: float
    marginal_error: float
    tolerance: float
    passes: int
    converged: bool

    @property
    def ranks_by_gradient(self) -> bool:
        """Return whether the score is the calibrated gradient."""
        return np.array_equal(self.score, self.calibrated_gradient)

    @property
    def validation_value(self) -> np.ndarray:
        """Return the validation images' values, float64, shape (m,): higher is better."""
        return value_from_score(self.validation_gradient)
