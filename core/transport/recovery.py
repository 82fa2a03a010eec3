r"""Exact differences of potentials from entropic ones: LAVA's Theorem 2, in the form that holds.

Entropic transport with the regularizer epsilon * KL(plan | a x b) has, for **every** pair,

    C_ij = f_i + g_j - epsilon * L_ij,   L_ij = log(plan_ij / (a_i b_j)).

Exact transport has C_ij = f*_i + g*_j where its plan puts mass on (i, j) (complementary
slackness), and only there. Two points i and k that both send exact mass to one j therefore have

    f*_i - f*_k = (f_i - f_k) - epsilon * (L_ij - L_kj),

at any epsilon, and the calibrated gradients (Eq. 1) differ by n / (n - 1) times that.

DEVIATION: Theorem 2 (Eq. 2) has epsilon * (1 / plan_ij - 1 / plan_kj) in place of the logarithms
and allows any j. Its proof differentiates epsilon * sum log(plan / (a x b)), which is not the
entropy, and takes C_ij = f*_i + g*_j for all pairs. Neither is true of what Sinkhorn solves.

What it is good for: entropic potentials plus the *support* of the exact plan give the exact
potentials, whatever the epsilon; no exact dual is needed. Where the support is guessed from the
entropic plan, the result is as good as the guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order

from core.errors import ConfigError
from core.transport.exact import pieces_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredPotentials:
    """Exact potentials, recovered from entropic ones.

    Attributes
    ----------
    f, g : float64, shapes (n,) and (m,); differences within a piece are exact. Each piece is
        shifted to the mean of its entropic f
    row_piece, column_piece : int, shapes (n,) and (m,): points of different pieces of the support
        are not comparable, for their exact difference is not unique
    """

    f: np.ndarray
    g: np.ndarray
    row_piece: np.ndarray
    column_piece: np.ndarray


def log_density(
    cost: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    epsilon: float,
    rows: np.ndarray,
    columns: np.ndarray,
) -> np.ndarray:
    """Return L = log(plan_ij / (a_i b_j)) = (f_i + g_j - C_ij) / epsilon at pairs of points.

    Parameters
    ----------
    cost : shape (n, m)
    f, g : entropic potentials, shapes (n,) and (m,), units of cost
    rows, columns : shape (k,)
    """
    return np.asarray((f[rows] + g[columns] - cost[rows, columns]) / epsilon)


def exact_difference(
    f_i: float, f_k: float, density_ij: float, density_kj: float, epsilon: float
) -> float:
    """Return f*_i - f*_k of exact transport from the entropic solution.

    Holds where both i and k send exact mass to one and the same j.

    Parameters
    ----------
    f_i, f_k : entropic potentials of the two points, units of cost
    density_ij, density_kj : L = log(plan / (a x b)) of the entropic plan at (i, j) and (k, j)
    epsilon : regularization, units of cost
    """
    return (f_i - f_k) - epsilon * (density_ij - density_kj)


def recover_exact(
    f: np.ndarray,
    g: np.ndarray,
    epsilon: float,
    rows: np.ndarray,
    columns: np.ndarray,
    density: np.ndarray,
) -> RecoveredPotentials:
    """Recover all exact potentials by following `exact_difference` along the exact support.

    Parameters
    ----------
    f, g : entropic potentials, shapes (n,) and (m,)
    rows, columns : pairs that carry exact mass, shape (k,)
    density : L of the entropic plan at these pairs, shape (k,), as `log_density` returns

    Raises
    ------
    ConfigError : the pairs and their densities are not of one length

    Notes
    -----
    Time and memory O(n + m + k).
    """
    if not len(rows) == len(columns) == len(density):
        raise ConfigError("Expected one density for each pair of the support.")
    n, m = len(f), len(g)
    _, row_piece, column_piece = pieces_of(rows, columns, n, m)
    # The correction c = (f* - f, g* - g) satisfies c_i + c_j = -epsilon L_ij along the support:
    # one value a piece is free, the rest follows along a spanning tree.
    graph = sparse.csr_matrix((np.ones(len(rows)), (rows, n + columns)), shape=(n + m, n + m))
    jump = dict(zip(zip(rows.tolist(), (n + columns).tolist(), strict=True), density, strict=True))
    correction = np.zeros(n + m)
    piece = np.concatenate([row_piece, column_piece])
    for root in np.unique(piece, return_index=True)[1]:
        order, parent = breadth_first_order(graph, root, directed=False)
        for node, above in zip(order[1:].tolist(), parent[order[1:]].tolist(), strict=True):
            pair = (min(node, above), max(node, above))
            correction[node] = -epsilon * jump[pair] - correction[above]
    recovered_f, recovered_g = f + correction[:n], g + correction[n:]
    for number in np.unique(row_piece):
        ours, theirs = row_piece == number, column_piece == number
        shift = float((f[ours] - recovered_f[ours]).mean())
        recovered_f[ours] += shift
        recovered_g[theirs] -= shift
    return RecoveredPotentials(
        f=recovered_f, g=recovered_g, row_piece=row_piece, column_piece=column_piece
    )
