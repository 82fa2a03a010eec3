"""Entropic optimal transport in linear memory, with a certificate.

With the regularizer epsilon * KL(plan | a x b) the potentials of the optimum satisfy
(engine notes, section 2)::

    f_i = -eps log sum_j b_j exp((g_j - C_ij) / eps)
    g_j = -eps log sum_i a_i exp((f_i - C_ij) / eps)

so f is a function of g (a soft c-transform) and the state is one vector of length m. A pass over
tiles of rows yields f from g, the column marginals r of the plan of (f, g), and so the next g:
g + eps log(b / r). Three things spare passes:

* the solution on a subsample of the rows is where the full set starts; that subsample grows while
  the regularization falls from the mean cost to epsilon;
* the plan of a pass is kept where it fits in memory (`core.transport.kernels`), and the fixed point
  is then found on it, without exponentials, before the next pass;
* the fixed point is found by Anderson acceleration, on the kernel or over passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.progress import Progress, silent
from core.transport.cost import GroundCost
from core.transport.fixed_point import State, solve_fixed_point
from core.transport.flash import passes_for
from core.transport.measure import NEGLIGIBLE, masses
from core.transport.passes import Passes
from core.transport.scale import suited
from core.transport.sinkhorn_config import SinkhornConfig

# Passes at each step of the epsilon-scaling, at most.
_SCALING_PASSES = 25
# A subsample is solved where the whole has so many times its rows.
_WORTHWHILE = 4
# Each subsample is so many times larger than the one before.
_GROWTH = 16
# Marginal error to which subsamples are solved, at least.
_WARM_TOLERANCE = 0.01
# Rows at the highest regularization, at least.
_FEWEST_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Potentials:
    """The dual solution and what certifies it.

    Attributes
    ----------
    f, g : potentials, float64, shapes (n,) and (m,); defined up to f + c, g - c
    epsilon : regularization, in units of cost
    marginal_error : sum_j |b_j - sum_i plan_ij| of the plan of (f, g); its row marginals are exact
    primal, dual : value of the entropic problem at that plan and at (f, g); dual <= optimum
    transport_cost : <plan, cost>, the value without its regularizer
    passes : passes over all pairs from the warm start on, without the last one for the certificate
    converged : marginal_error <= tolerance
    backend : what made the passes, such as "cpu" or "cuda, flash-sinkhorn 0.4.1"
    """

    f: np.ndarray
    g: np.ndarray
    epsilon: float
    marginal_error: float
    primal: float
    dual: float
    transport_cost: float
    passes: int
    converged: bool
    backend: str


def solve_sinkhorn(
    cost: GroundCost,
    config: SinkhornConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    start: np.ndarray | None = None,
    progress: Progress = silent,
) -> Potentials:
    """Solve min <plan, C> + epsilon KL(plan | a x b) over plans with marginals a and b.

    Parameters
    ----------
    cost : the ground cost of n training and m validation images
    config : settings of the solver
    a, b : masses, non-negative, shapes (n,) and (m,); scaled to sum 1; uniform if None
    start : a validation potential near the solution, shape (m,), in place of the warm start
    progress : told of each pass under the stage "Potentials"; may raise `Cancelled`

    Raises
    ------
    ConfigError
        For masses that are negative, not finite, of the wrong length, or all zero; for an epsilon
        that is too small for the cost.
    DataError
        The cost is beyond what float32 can hold.

    Notes
    -----
    Where float32 cannot resolve the cost at this epsilon, float64 is used. Validation images of no
    mass, or of less than a billionth of the mean, get the potential that the c-transform assigns:
    the limit as their mass falls.

    Time O(n m d) a pass at any number of classes, two or three passes as a rule. Memory
    O((n + m) d + tile m), and up to 0.4 GB for the kernel. The result does not depend on
    the order of the rows beyond rounding: the subsample is chosen by content.
    """
    config = config or SinkhornConfig()
    n, m = cost.shape
    a, b = masses(a, n, "training"), masses(b, m, "validation")
    if (b < NEGLIGIBLE / m).any():
        return _solve_on_support(cost, config, a, b, start, progress)
    asked, config = config.epsilon, suited_config(cost, config)
    if start is None:
        start = _warm_potential(cost, config, a, b, progress)
    passes = _passes(cost, config, a, b)
    state = solve_fixed_point(passes, config, start, progress, (0.5, 0.95))
    return replace(_certified(passes, config, state), epsilon=asked)


def suited_config(cost: GroundCost, config: SinkhornConfig) -> SinkhornConfig:
    """Return the settings with a precision that resolves the cost (`core.transport.scale`)."""
    epsilon, precision = suited(cost, config.epsilon, config.precision, config.device)
    return replace(config, epsilon=epsilon, precision=precision)


def _passes(cost: GroundCost, config: SinkhornConfig, a: np.ndarray, b: np.ndarray) -> Passes:
    return passes_for(
        cost, a, b, device=config.device, precision=config.precision, tile=config.tile
    )


def _warm_potential(
    cost: GroundCost, config: SinkhornConfig, a: np.ndarray, b: np.ndarray, progress: Progress
) -> np.ndarray:
    """Return a validation potential near the solution, from subsamples of the training images.

    Mass that must leave one class for another is moved while the regularization is high: at a
    small epsilon, plain Sinkhorn would need thousands of passes for it.
    """
    n = len(a)
    rows = config.warm_rows if 0 < config.warm_rows < n else n
    if rows < n:
        # What is found on a part is off by more than that on the whole.
        config = replace(config, tolerance=max(config.tolerance, _WARM_TOLERANCE))
    g = np.zeros(len(b))
    epsilons = _scaling(max(cost.mean(), config.epsilon), config.epsilon)
    for number, epsilon in enumerate(epsilons):
        count = max(_FEWEST_ROWS, rows >> 2 * (len(epsilons) - number))
        step = replace(config, epsilon=epsilon, max_passes=_SCALING_PASSES)
        g = solve_fixed_point(
            _subsample(cost, config, a, b, count), step, g, progress, (0.0, 0.1)
        ).g
    while rows * _WORTHWHILE <= n:
        part = _subsample(cost, config, a, b, rows)
        g = solve_fixed_point(part, config, g, progress, (0.1, 0.5)).g
        rows *= _GROWTH
    return g


def _scaling(start: float, epsilon: float) -> np.ndarray:
    """Return regularizations falling from `start` towards epsilon, by a third at most, without it.

    Empty where `start` is no larger.
    """
    steps = max(int(np.ceil(np.log(start / epsilon) / np.log(3) - 1e-9)), 0)
    return np.geomspace(start, epsilon, steps + 1)[:-1]


def _subsample(
    cost: GroundCost, config: SinkhornConfig, a: np.ndarray, b: np.ndarray, count: int
) -> Passes:
    if count >= len(a):
        return _passes(cost, config, a, b)
    rows = representative_rows(cost.x, cost.x_labels, count)
    if a[rows].sum() == 0:
        rows = np.flatnonzero(a)[:count]
    return _passes(cost.rows(rows), config, masses(a[rows], len(rows), "training"), b)


def representative_rows(x: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows spread evenly over the classes and over a fixed direction of x.

    Chosen by content, so that neither the order of the rows nor a duplication of the whole set
    changes which points are taken.
    """
    direction = np.asarray(np.random.default_rng(0).standard_normal(x.shape[1]), dtype=x.dtype)
    order = np.lexsort((x @ direction, labels))
    picks = np.floor((np.arange(count) + 0.5) * (len(x) / count)).astype(np.int64)
    return order[picks]


def _certified(passes: Passes, config: SinkhornConfig, state: State) -> Potentials:
    """Put the certificate together; make a last pass for the transport cost where it is needed."""
    f, g, epsilon, sweep = state.sweep.f, state.g, config.epsilon, state.sweep
    entropy = sweep.negative_entropy
    if entropy is None:
        entropy = passes.sweep(g, epsilon, certify=True).negative_entropy
    assert entropy is not None  # noqa: S101 - for the type checker
    mass = float(passes.a @ f[passes.tiles.order])
    primal = mass + float(sweep.columns @ g)
    # Each row of the plan is scaled to sum 1, so its a_i cancels against that of a x b.
    relative_entropy = entropy - float(sweep.columns @ passes.log_b)
    return Potentials(
        f=f,
        g=g,
        epsilon=epsilon,
        marginal_error=sweep.error,
        primal=primal,
        dual=mass + float(passes.b @ g),
        transport_cost=primal - epsilon * relative_entropy,
        passes=state.passes,
        converged=sweep.error <= config.tolerance,
        backend=passes.backend,
    )


def soft_transform(
    cost: GroundCost, g: np.ndarray, b: np.ndarray, config: SinkhornConfig
) -> np.ndarray:
    """Return f_i = -epsilon log sum_j b_j exp((g_j - C_ij) / epsilon), float64, shape (n,).

    Shifts of g shift f the other way. Columns of zero mass play no part.
    """
    keep = b > 0
    config = suited_config(cost, config)
    passes = _passes(cost.columns(keep), config, masses(None, len(cost.x), "training"), b[keep])
    return passes.sweep(g[keep], config.epsilon).f


def _solve_on_support(
    cost: GroundCost,
    config: SinkhornConfig,
    a: np.ndarray,
    b: np.ndarray,
    start: np.ndarray | None,
    progress: Progress,
) -> Potentials:
    """Solve where b is not negligible; the c-transform assigns the other potentials."""
    real = b >= NEGLIGIBLE / len(b)
    keep, rest = np.flatnonzero(real), np.flatnonzero(~real)
    inner = solve_sinkhorn(
        cost.columns(keep),
        config,
        a=a,
        b=b[keep],
        start=None if start is None else start[keep],
        progress=progress,
    )
    g = np.empty(len(b))
    g[keep] = inner.g
    g[rest] = soft_transform(cost.columns(rest).transposed(), inner.f, a, config)
    return replace(inner, g=g)
