"""Least squares that are not linear, by Levenberg and Marquardt's damped steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Residuals = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Parameters, shape (f,), to residuals, shape (r,), and their Jacobian, shape (r, f)."""

_FIRST_DAMPING = 1e-2
_LARGEST_DAMPING = 1e8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DampedFit:
    """Where the steps ended.

    Attributes
    ----------
    parameters : shape (f,)
    squares : sum of the squared residuals there
    steps : Jacobians that it took
    """

    parameters: np.ndarray
    squares: float
    steps: int


def minimize_squares(
    residuals: Residuals, start: np.ndarray, *, most_steps: int = 60, tolerance: float = 1e-7
) -> DampedFit:
    """Return a local minimum of the sum of squared residuals.

    Parameters
    ----------
    start : shape (f,)
    most_steps : Jacobians at most
    tolerance : relative decrease of the squares to stop at

    Notes
    -----
    O(r f^2) a step; r residuals, f parameters.
    """
    theta, damping = start.copy(), _FIRST_DAMPING
    r, jacobian = residuals(theta)
    squares, steps = float(r @ r), 1
    while steps < most_steps and damping < _LARGEST_DAMPING:
        gram, slope = jacobian.T @ jacobian, jacobian.T @ r
        scale = np.maximum(np.diag(gram), 1e-12)
        step = np.linalg.solve(gram + damping * np.diag(scale), slope)
        tried = theta - step
        r_tried, jacobian_tried = residuals(tried)
        steps += 1
        squares_tried = float(r_tried @ r_tried)
        # Written so that NaN counts as no decrease.
        if not squares_tried < squares:
            damping *= 5
            continue
        decrease = (squares - squares_tried) / squares
        theta, r, jacobian, squares = tried, r_tried, jacobian_tried, squares_tried
        damping /= 5
        if decrease < tolerance:
            break
    return DampedFit(parameters=theta, squares=squares, steps=steps)
