"""What a valuation yields; the one place where the sign is decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def value_from_gradient(calibrated_gradient: np.ndarray) -> np.ndarray:
    """Return `value` = -calibrated gradient: higher is better. The sign is decided here only."""
    # Not the unary minus, which turns 0 into a "-0" that people would read.
    return 0.0 - calibrated_gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """What each image is worth, and how far the solution can be trusted.

    Shapes: n training images, m validation images, v classes.

    Attributes
    ----------
    calibrated_gradient : float64, shape (n,); sum 0; **higher is worse**; in units of cost
    validation_gradient : float64, shape (m,); the same for the validation images
    f, g : potentials, float64, shapes (n,) and (m,); defined up to f + c, g - c
    label_distances : float32, shape (v, v), training class by validation class, units of cost;
        NaN where one of the two classes is empty
    looks_like : int64, shape (n,); the class that an image's features resemble most among the
        validation images
    looks_like_probability : float32, shape (n,), 0 to 1
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
    looks_like: np.ndarray
    looks_like_probability: np.ndarray
    epsilon: float
    primal: float
    dual: float
    transport_cost: float
    marginal_error: float
    tolerance: float
    passes: int
    converged: bool

    @property
    def value(self) -> np.ndarray:
        """Return the training images' values, float64, shape (n,): higher is better."""
        return value_from_gradient(self.calibrated_gradient)

    @property
    def validation_value(self) -> np.ndarray:
        """Return the validation images' values, float64, shape (m,): higher is better."""
        return value_from_gradient(self.validation_gradient)
