"""How entropic OT responds to the mass of one point: many re-solves at the price of one.

At a fixed epsilon the plan of potentials (f, g + delta) is that of (f, g) with its columns scaled
by exp(delta / epsilon) and its rows by what keeps them stochastic. So once a problem is solved and
its kernel is held, re-solving it for other row masses needs no exponential of a matrix: the
columns' residual is two matrix products, for all masses at once, and the Hessian of the dual at
the solution, factored once, leads to each new solution in a handful of steps (chord Newton).

NumPy alone, float64, for problems small enough to hold: 16 bytes a pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.errors import ConfigError
from core.transport.measure import masses, shifted_masses
from core.transport.sensitivity import MassCurve

_TOLERANCE = 1e-8  # L1 marginal error: the value is then right to about its square
_NEWTON_STEPS = 80
_CHORD_STEPS = 40
_LONGEST_STEP = 30.0  # of g in one Newton step, in units of epsilon
_BACKTRACKS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseSolution:
    """An entropic problem, solved, with what its response to other masses is computed from.

    Attributes
    ----------
    epsilon : regularization, units of cost
    a, b : masses of sum 1, shapes (n,) and (m,)
    f, g : potentials, float64, shapes (n,) and (m,), units of cost
    kernel : shape (n, m), rows of sum 1: the plan is a_i times row i
    factor : Cholesky factor of the dual's Hessian in g / epsilon
    value : <f, a> + <g, b>, the distance with its regularizer, units of cost
    marginal_error : sum_j |b_j - sum_i plan_ij|, 0 to 2
    """

    epsilon: float
    a: np.ndarray
    b: np.ndarray
    f: np.ndarray
    g: np.ndarray
    kernel: np.ndarray
    factor: Any
    value: float
    marginal_error: float


def solve_dense(
    cost: np.ndarray,
    epsilon: float,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> DenseSolution:
    """Solve min <plan, C> + epsilon KL(plan | a x b) by Newton's method on its dual in g.

    Parameters
    ----------
    cost : shape (n, m), float64
    epsilon : > 0, units of cost
    a, b : masses, shapes (n,) and (m,), b positive; uniform if None
    start : a validation potential near the solution, shape (m,), such as a run's

    Raises
    ------
    ConfigError
        For masses or a regularization that cannot be used.

    Notes
    -----
    Time O(n m^2) a step, two or three steps from a run's potential; memory 16 n m bytes.
    """
    n, m = cost.shape
    a, b = masses(a, n, "training"), masses(b, m, "validation")
    if not (np.isfinite(epsilon) and epsilon > 0):
        raise ConfigError(f"epsilon must be a positive number, got {epsilon}.")
    if (b == 0).any():
        raise ConfigError("Every validation image needs a mass above 0 here; leave the others out.")
    g = np.zeros(m) if start is None else np.asarray(start, dtype=np.float64)
    for scale in _scales(float(cost.mean()), epsilon) if start is None else []:
        g = _maximize(cost, a, b, g, scale, tolerance=0.1).g
    point = _maximize(cost, a, b, g, epsilon, tolerance=_TOLERANCE)
    return DenseSolution(
        epsilon=epsilon,
        a=a,
        b=b,
        f=point.f,
        g=point.g,
        kernel=point.kernel,
        factor=_factor(point.kernel, a, b, point.columns, damping=1e-12),
        value=point.value,
        marginal_error=float(np.abs(b - point.columns).sum()),
    )


def _scales(mean: float, epsilon: float) -> list[float]:
    """Return the regularizations to go through from the mean cost down, without the last."""
    steps = int(np.ceil(np.log(max(mean / epsilon, 1)) / np.log(3)))
    return [epsilon * 3.0**power for power in range(steps, 0, -1)]


@dataclass(frozen=True, slots=True)
class _Point:
    """The dual at one g: f, the row-stochastic kernel, its column marginals, the dual value."""

    f: np.ndarray
    g: np.ndarray
    kernel: np.ndarray
    columns: np.ndarray
    value: float


def _at(cost: np.ndarray, a: np.ndarray, b: np.ndarray, g: np.ndarray, epsilon: float) -> _Point:
    kernel = (g + epsilon * np.log(b)) - cost
    kernel /= epsilon
    peak = kernel.max(axis=1)
    kernel -= peak[:, None]
    np.exp(kernel, out=kernel)
    total = kernel.sum(axis=1)
    kernel /= total[:, None]
    f = -epsilon * (peak + np.log(total))
    return _Point(f, g, kernel, a @ kernel, float(a @ f + b @ g))


def _factor(
    kernel: np.ndarray, a: np.ndarray, b: np.ndarray, columns: np.ndarray, damping: float
) -> Any:
    """Factor the dual's negative Hessian in g / epsilon, made definite.

    It is diag(columns) - K' diag(a) K. Constants cost nothing and are pinned by b b'.
    """
    weighted = kernel * np.sqrt(a)[:, None]
    hessian = weighted.T @ weighted
    hessian *= -1
    hessian += b[:, None] * b
    hessian[np.diag_indices(len(b))] += columns + damping * b
    return cho_factor(hessian, lower=True, overwrite_a=True, check_finite=False)


def _maximize(
    cost: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    g: np.ndarray,
    epsilon: float,
    *,
    tolerance: float,
) -> _Point:
    """Climb the concave dual in g: damped Newton with backtracking."""
    point = _at(cost, a, b, g, epsilon)
    for _ in range(_NEWTON_STEPS):
        residual = b - point.columns
        error = float(np.abs(residual).sum())
        if error <= tolerance:
            break
        # Far from the solution the damping turns the step into plain gradient ascent.
        factor = _factor(point.kernel, a, b, point.columns, damping=min(0.1, error**2) + 1e-12)
        step = cho_solve(factor, residual, check_finite=False)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        better = _backtrack(cost, a, b, point, epsilon, step)
        if better is None:
            break
        point = better
    return point


def _backtrack(
    cost: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    point: _Point,
    epsilon: float,
    step: np.ndarray,
) -> _Point | None:
    """Return the first point along `step` that is better by the marginals or by the value."""
    error = np.abs(b - point.columns).sum()
    for halvings in range(_BACKTRACKS):
        length = 0.5**halvings
        trial = _at(cost, a, b, point.g + length * epsilon * step, epsilon)
        rise = epsilon * float((b - point.columns) @ step) * length
        if trial.value >= point.value + 1e-4 * rise and trial.value > point.value:
            return trial
        # Near the solution the value no longer tells points apart; the marginals do.
        if np.abs(b - trial.columns).sum() < 0.5 * error and error < 1e-4:
            return trial
    return None


def entropic_curve(solution: DenseSolution, row: int, shares: np.ndarray) -> MassCurve:
    """Re-solve the problem for each share of a point's mass: predicted and actual change.

    The value followed is that of the entropic problem, its regularizer included: that is what the
    potentials are the gradient of. The excess of actual over predicted is computed by itself, not
    as a difference of two distances, and never negative: it is a lower bound of the true one.

    Parameters
    ----------
    solution : the problem at share 0
    row : the point whose mass changes
    shares : shape (s,), at least -1, and as `shifted_masses` allows

    Raises
    ------
    ConfigError
        As `shifted_masses`.

    Notes
    -----
    Time O(n m s) a step, about five steps; memory O((n + m) s).
    """
    shares = np.asarray(shares, dtype=np.float64)
    a = shifted_masses(solution.a, row, shares)
    found = _respond(solution, a)
    # Row `row` of a(s) - a is s a_i, the others' -s a_i a_k / (1 - a_i).
    mass = float(solution.a[row])
    others = float(solution.a @ solution.f - mass * solution.f[row]) / (1 - mass)
    gradient = float(solution.f[row]) - others
    predicted = shares * mass * gradient
    excess = found.gain - _respond(solution, solution.a[:, None]).gain
    return MassCurve(
        shares=shares,
        predicted=predicted,
        actual=predicted + np.maximum(excess, 0.0),
        value=solution.value,
        gradient=gradient,
        mass=mass,
        marginal_error=float(found.error.max()),
    )


def with_point(solution: DenseSolution, costs: np.ndarray, mass: float) -> DenseSolution:
    """Add one training point to a solved problem: it becomes the last row.

    Parameters
    ----------
    costs : of the new point to each validation image, shape (m,)
    mass : of the new point, 0 to 1; the others are scaled to make room

    Raises
    ------
    ConfigError
        The mass is not between 0 and 1.
    """
    if not 0 < mass < 1:
        raise ConfigError(f"The mass of a new point must lie between 0 and 1, got {mass}.")
    one = np.ones(1)
    new = _at(costs[None, :], one, solution.b, solution.g, solution.epsilon)
    grown = replace(
        solution,
        a=np.append(solution.a * (1 - mass), mass),
        f=np.append(solution.f, new.f),
        kernel=np.vstack([solution.kernel, new.kernel]),
    )
    found = _respond(grown, grown.a[:, None])
    scaling = np.exp(found.shift[:, 0] / grown.epsilon)
    kernel = grown.kernel * scaling
    kernel /= kernel.sum(axis=1)[:, None]
    f = grown.f - grown.epsilon * found.log_total[:, 0]
    g = grown.g + found.shift[:, 0]
    return replace(
        grown,
        f=f,
        g=g,
        kernel=kernel,
        value=float(grown.a @ f + grown.b @ g),
        marginal_error=float(found.error[0]),
    )


@dataclass(frozen=True, slots=True)
class _Response:
    """For each of s mass vectors: the shift of g, log of the row totals, the error, the gain.

    Shapes (m, s), (n, s), (s,), (s,). The gain is the dual value less that of the old potentials.
    """

    shift: np.ndarray
    log_total: np.ndarray
    error: np.ndarray
    gain: np.ndarray


def _respond(solution: DenseSolution, a: np.ndarray) -> _Response:
    """Re-solve for row masses `a`, shape (n, s), from the solution at hand."""
    kernel, b, epsilon = solution.kernel, solution.b[:, None], solution.epsilon
    shift = best_shift = np.zeros((len(b), a.shape[1]))
    best_error = np.full(a.shape[1], np.inf)
    best_residual = np.zeros_like(shift)
    length = np.ones(a.shape[1])
    for _ in range(_CHORD_STEPS):
        scaling = np.exp(shift / epsilon)
        columns = scaling * (kernel.T @ (a / (kernel @ scaling)))
        error = np.abs(b - columns).sum(axis=0)
        better = error < best_error
        best_shift = np.where(better, shift, best_shift)
        best_residual = np.where(better, b - columns, best_residual)
        best_error = np.where(better, error, best_error)
        if best_error.max() <= _TOLERANCE:
            break
        length = np.where(better, np.minimum(1.0, 2 * length), length / 4)
        step = cho_solve(solution.factor, best_residual, check_finite=False)
        step = np.clip(length * step, -_LONGEST_STEP, _LONGEST_STEP)
        shift = best_shift + epsilon * step
    for column in np.flatnonzero(best_error > _TOLERANCE):
        best_shift[:, column], best_error[column] = _from_the_kernel(
            solution, a[:, column], best_shift[:, column]
        )
    log_total = np.log(kernel @ np.exp(best_shift / epsilon))
    gain = -epsilon * np.einsum("ns,ns->s", a, log_total) + solution.b @ best_shift
    return _Response(best_shift, log_total, best_error, gain)


def _from_the_kernel(
    solution: DenseSolution, a: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, float]:
    """Re-solve by full Newton steps where the old Hessian leads nowhere; return shift and error."""
    with np.errstate(divide="ignore"):
        reduced = -solution.epsilon * (np.log(solution.kernel) - np.log(solution.b))
    point = _maximize(reduced, a, solution.b, shift, solution.epsilon, tolerance=_TOLERANCE)
    return point.g, float(np.abs(solution.b - point.columns).sum())
