"""Exact optimal transport for small problems, by POT's network simplex."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from core.errors import ConfigError, DataError
from core.transport.measure import masses

# Less flow than this share of the smallest mass is rounding, not transport.
_FLOW = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactConfig:
    """Settings of the exact solver.

    Attributes
    ----------
    max_pairs : largest n * m; the solver takes about 33 bytes a pair beside the cost
    max_iterations : upper bound on pivots of the simplex
    """

    max_pairs: int = 25_000_000
    max_iterations: int = 100_000_000

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.max_pairs < 1 or self.max_iterations < 1:
            raise ConfigError("max_pairs and max_iterations must be at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTransport:
    """An optimal plan, an optimal dual, and what proves it.

    Attributes
    ----------
    f, g : potentials, float64, shapes (n,) and (m,), f_i + g_j <= C_ij; centered so that
        <f, a> = <g, b>. **One vertex of many** where `pieces` > 1
    rows, columns, mass : the plan's non-zero entries, at most n + m - 1, in the order of rows
    value : <plan, C>, the OT distance in units of cost
    gap : value - (<f, a> + <g, b>), 0 up to rounding: the proof of optimality
    marginal_error : sum_j |b_j - sum_i plan_ij| + sum_i |a_i - sum_j plan_ij|
    pieces : connected pieces of the plan's support. 1: the potentials are unique up to a constant.
        More: each piece may shift against the others as far as the costs between them allow, the
        distance has a kink at these masses, and another solver may return other potentials.
        Uniform masses do that whenever n and m have a common divisor
    """

    f: np.ndarray
    g: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    mass: np.ndarray
    value: float
    gap: float
    marginal_error: float
    pieces: int


def solve_exact(
    cost: np.ndarray,
    config: ExactConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    start: tuple[np.ndarray, np.ndarray] | None = None,
) -> ExactTransport:
    """Solve min <plan, C> over plans with marginals a and b.

    Parameters
    ----------
    cost : shape (n, m), finite, float64 (see `cost_matrix`)
    config : settings of the solver
    a, b : masses, non-negative, shapes (n,) and (m,); scaled to sum 1; uniform if None. Points
        without mass get the potential at which mass would start to enter: min_j C_ij - g_j
    start : potentials f, g near the solution: fewer pivots, the same distance

    Raises
    ------
    ConfigError
        For masses that cannot be used, and for more pairs than `max_pairs`.
    DataError
        The cost holds NaN or infinity, or the solver stopped before the optimum.

    Notes
    -----
    Time about O((n m)^1.3) in practice: 2 s at 4,096 x 2,048. Costs are scaled to [0, 1] for the
    solver, so its tolerances mean the same at every scale of the embeddings.

    References
    ----------
    Bonneel et al., "Displacement interpolation using Lagrangian mass transport", 2011 (the
    simplex); LAVA section 3.1 (its duals as sensitivities).
    """
    config = config or ExactConfig()
    n, m = cost.shape
    require_solvable(n, m, config)
    if not np.isfinite(cost).all():
        row, column = (int(part[0]) for part in np.nonzero(~np.isfinite(cost)))
        raise DataError(f"The cost between {row} and {column} is {cost[row, column]}.")
    a, b = masses(a, n, "training"), masses(b, m, "validation")
    rows, columns = np.flatnonzero(a), np.flatnonzero(b)
    whole = len(rows) == n and len(columns) == m
    inner = cost if whole else cost[np.ix_(rows, columns)]
    plan, g_inner = _simplex(inner, a[rows], b[columns], config, _part(start, rows, columns))
    f, g = _feasible(cost, rows, columns, g_inner)
    return _certified(cost, a, b, f, g, _support(plan, rows, columns, a, b))


def require_solvable(n: int, m: int, config: ExactConfig) -> None:
    """Refuse a problem of too many pairs; raises `ConfigError`."""
    if n * m > config.max_pairs:
        raise ConfigError(
            f"Exact transport of {n:,} against {m:,} images has {n * m:,} pairs; the limit is "
            f"{config.max_pairs:,}. Use the method lava, which has no limit, or fewer images."
        )


def _part(
    start: tuple[np.ndarray, np.ndarray] | None, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    return None if start is None else (start[0][rows], start[1][columns])


@cache
def _pot() -> ModuleType:
    """Import POT without the array libraries that it would load if they are installed.

    It is used on NumPy arrays only; torch alone would cost a web server seconds and 200 MB.
    """
    names = [f"POT_BACKEND_DISABLE_{name}" for name in ("PYTORCH", "JAX", "TENSORFLOW", "CUPY")]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        import ot
    finally:
        for name, text in before.items():
            if text is None:
                del os.environ[name]
            else:
                os.environ[name] = text
    module: ModuleType = ot
    return module


def _simplex(
    cost: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    config: ExactConfig,
    start: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return an optimal plan, dense, and the column potential that belongs to it."""
    low = float(cost.min())
    scale = float(cost.max()) - low or 1.0
    plan, log = _pot().emd(
        a,
        b,
        np.ascontiguousarray((cost - low) / scale),
        numItermax=config.max_iterations,
        log=True,
        center_dual=False,
        check_marginals=True,
        potentials_init=None if start is None else (start[0] / scale, start[1] / scale),
    )
    if log["warning"]:
        raise DataError(f"The exact solver stopped before the optimum: {log['warning']}")
    return plan, np.asarray(log["v"]) * scale


def _feasible(
    cost: np.ndarray, rows: np.ndarray, columns: np.ndarray, g_inner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Extend a column potential to all points by c-transforms: f_i + g_j <= C_ij everywhere."""
    if len(columns) == cost.shape[1]:
        return (cost - g_inner).min(axis=1), g_inner
    f_inner = (cost[np.ix_(rows, columns)] - g_inner).min(axis=1)
    g = (cost[rows] - f_inner[:, None]).min(axis=0)
    g[columns] = g_inner
    return (cost - g).min(axis=1), g


def _support(
    plan: np.ndarray, rows: np.ndarray, columns: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the entries of the plan that carry mass, by row and column of the whole problem."""
    least = _FLOW * min(a[rows].min(), b[columns].min())
    i, j = np.nonzero(plan > least)
    return rows[i], columns[j], plan[i, j]


def _certified(
    cost: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> ExactTransport:
    """Center the potentials and put the certificate together."""
    rows, columns, mass = plan
    shift = (float(a @ f) - float(b @ g)) / 2
    f, g = f - shift, g + shift
    value = float(mass @ cost[rows, columns])
    n, m = cost.shape
    row_sums = np.bincount(rows, mass, n)
    column_sums = np.bincount(columns, mass, m)
    return ExactTransport(
        f=f,
        g=g,
        rows=rows,
        columns=columns,
        mass=mass,
        value=value,
        gap=value - float(a @ f + b @ g),
        marginal_error=float(np.abs(a - row_sums).sum() + np.abs(b - column_sums).sum()),
        pieces=pieces_of(rows, columns, n, m)[0] - int((a == 0).sum() + (b == 0).sum()),
    )


def pieces_of(
    rows: np.ndarray, columns: np.ndarray, n: int, m: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Return the connected pieces of a plan's support: their number, each row's, each column's.

    Shapes (n,) and (m,). A point without mass is a piece of its own.
    """
    ones = np.ones(len(rows))
    graph = sparse.coo_matrix((ones, (rows, n + columns)), shape=(n + m, n + m))
    count, piece = connected_components(graph, directed=False)
    return int(count), piece[:n], piece[n:]
