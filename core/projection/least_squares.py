"""Linear least squares that says when the data do not determine the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Where there are fewer points than parameters: share of a column's mean square that is added to the
# diagonal, enough to choose among laws that fit equally, too little to bend one that fits.
RIDGE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearFit:
    """The solution of a least-squares problem; f columns.

    Attributes
    ----------
    coefficients : shape (f,)
    parameters : columns that tell something the others do not: the rank of a full design
    regularized : a ridge was added, for fewer rows differ than there are parameters
    residual : root mean square of what was not fitted
    """

    coefficients: np.ndarray
    parameters: int
    regularized: bool
    residual: float


def fit_linear_law(columns: np.ndarray, target: np.ndarray, parameters: int) -> LinearFit:
    """Return the coefficients with the least squares of columns @ coefficients - target.

    On the simplex shares sum to 1, so columns of a law depend on each other; of all coefficients
    that fit equally the smallest are taken, which decides nothing about what is predicted.

    Parameters
    ----------
    columns : float64, shape (k, f)
    target : float64, shape (k,)
    parameters : rank that the columns have where there are rows enough
    """
    regularized = len(np.unique(columns, axis=0)) < parameters
    if regularized:
        coefficients = _ridge(columns, target)
    else:
        coefficients = np.linalg.lstsq(columns, target, rcond=None)[0]
    residual = float(np.sqrt(np.mean((columns @ coefficients - target) ** 2)))
    return LinearFit(
        coefficients=coefficients,
        parameters=parameters,
        regularized=regularized,
        residual=residual,
    )


def _ridge(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Minimize squares plus the ridge; columns are compared at equal mean square."""
    scale = np.sqrt((columns**2).mean(axis=0))
    z = columns / np.where(scale > 0, scale, 1.0)
    gram = z.T @ z / len(z) + RIDGE * np.eye(z.shape[1])
    return np.asarray(np.linalg.solve(gram, z.T @ target / len(z)) / np.where(scale > 0, scale, 1))
