"""The paper's baselines that are linear in their parameters, and the two that only look so.

Linear, pseudo-quadratic and quadratic (appendix B.1) are a polynomial of the mixing ratio plus
b log N, by least squares over everything that was measured. Leave-one-out and Shapley are the
linear law with the sources' contributions for coefficients; only b and c are fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from core.projection.features import features, slopes
from core.projection.fitted import Classless, Facts, Fitted, MixtureDistance, few_points
from core.projection.least_squares import fit_linear_law
from core.projection.measured import Measured
from core.projection.simplex import space_filling

# Shapley values by all coalitions up to here, by sampled orders beyond.
_MOST_SOURCES = 10
_ORDERS = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolynomialLaw(Classless):
    """accuracy = c + a . features(p) + b log N.

    Attributes
    ----------
    blocks : of features, see `core.projection.features`
    coefficients : a, shape (f,)
    log_size : b
    constant : c
    """

    blocks: tuple[str, ...]
    coefficients: np.ndarray
    log_size: float
    constant: float

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,)."""
        found = features(p, self.blocks) @ self.coefficients
        return np.asarray(self.constant + found + self.log_size * np.log(n))

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return derivatives by p, shape (k, m)."""
        return np.asarray(np.einsum("kfm,f->km", slopes(p, self.blocks), self.coefficients))

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""
        return {
            "blocks": list(self.blocks),
            "coefficients": self.coefficients.tolist(),
            "log_size": self.log_size,
            "constant": self.constant,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> PolynomialLaw:
        """Return the law that `to_dict` wrote."""
        return cls(
            blocks=tuple(raw["blocks"]),
            coefficients=np.array(raw["coefficients"], dtype=np.float64),
            log_size=float(raw["log_size"]),
            constant=float(raw["constant"]),
        )


def fit_linear(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit accuracy = a . p + b log N + c."""
    return _fit("linear", measured, ("shares",))


def fit_pseudo_quadratic(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit accuracy = sum_s (c2_s p_s^2 + c1_s p_s + c0) + b log N."""
    return _fit("pseudo-quadratic", measured, ("shares", "squares"))


def fit_quadratic(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit the pseudo-quadratic law with the products of shares as well."""
    return _fit("quadratic", measured, ("shares", "squares", "products"))


def fit_loo(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Take what leaving a source out costs for its coefficient.

    a_s = U(all) - U(all but s), where U(S) is the accuracy of the even mixture of the sources in S,
    at the largest size at which every coalition in question was measured, or the nearest mixture to
    it was.
    """
    worth = _Coalitions(measured)
    everyone = tuple(range(measured.m))
    contributions = np.array(
        [worth.of(everyone) - worth.of(everyone[:s] + everyone[s + 1 :]) for s in everyone]
    )
    return _with_contributions("loo", measured, contributions, worth.note)


def fit_shapley(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Take a source's Shapley value for its coefficient; U(S) as for `fit_loo`, U of none is 0."""
    worth = _Coalitions(measured)
    contributions = _shapley(worth.of, measured.m)
    return _with_contributions("shapley", measured, contributions, worth.note)


@cache
def rank_on_simplex(blocks: tuple[str, ...], m: int, others: int = 0) -> int:
    """Return how many of the columns 1 and `blocks` differ on the simplex, plus `others`."""
    p = space_filling(m, 8 * (m + 2) ** 2, seed=0)
    columns = np.hstack([np.ones((len(p), 1)), features(p, blocks)])
    return int(np.linalg.matrix_rank(columns)) + others


def _columns(p: np.ndarray, n: np.ndarray, blocks: tuple[str, ...]) -> np.ndarray:
    return np.hstack([np.ones((len(p), 1)), np.log(n)[:, None], features(p, blocks)])


def _fit(name: str, measured: Measured, blocks: tuple[str, ...]) -> Fitted:
    """Fit a polynomial by least squares to all rows, repeats counted each."""
    columns = _columns(measured.p, measured.n, blocks)
    # With one size only there is no slope in log N to be found; it stays 0.
    sizes = int(len(measured.scales) > 1)
    columns[:, 1] *= sizes
    found = fit_linear_law(
        columns, measured.accuracy, rank_on_simplex(blocks, measured.m, others=sizes)
    )
    law = PolynomialLaw(
        blocks=blocks,
        coefficients=found.coefficients[2:],
        log_size=float(found.coefficients[1]),
        constant=float(found.coefficients[0]),
    )
    points = len(measured.mean())
    facts = Facts(
        points=points,
        parameters=found.parameters,
        regularized=found.regularized,
        residual=found.residual,
        values=law.to_dict(),
        notes=few_points(points, found.parameters),
    )
    return Fitted(predictor=name, m=measured.m, law=law, facts=facts)


class _Coalitions:
    """The accuracy of even mixtures, read from what was measured."""

    def __init__(self, measured: Measured) -> None:
        cells = measured.mean()
        # The largest size that has the most mixtures: coalitions must be compared at one size.
        sizes, counts = np.unique(cells.n, return_counts=True)
        self.size = int(sizes[counts == counts.max()].max())
        self._cells = cells.at(self.size)
        self.farthest = 0.0

    def of(self, coalition: tuple[int, ...]) -> float:
        """Return the accuracy of the mixture nearest to the coalition's even one; 0 of nobody."""
        if not coalition:
            return 0.0
        even = np.zeros(self._cells.m)
        even[list(coalition)] = 1 / len(coalition)
        away = np.abs(self._cells.p - even).sum(axis=1) / 2
        self.farthest = max(self.farthest, float(away.min()))
        return float(self._cells.accuracy[int(away.argmin())])

    @property
    def note(self) -> str:
        """Return what the contributions were read from."""
        return (
            f"Contributions are those at {self.size:,} images, read from the measured mixture "
            f"nearest to each even one (at most {self.farthest:.0%} of the images differ)."
        )


def _shapley(worth: Callable[[tuple[int, ...]], float], m: int) -> np.ndarray:
    """Return Shapley values of m players, exact up to ten, else over 512 orders; shape (m,)."""
    found = np.zeros(m)
    if m <= _MOST_SOURCES:
        for s in range(m):
            rest = [t for t in range(m) if t != s]
            for size in range(m):
                weight = 1 / (m * comb(m - 1, size))
                for others in combinations(rest, size):
                    joined = tuple(sorted((*others, s)))
                    found[s] += weight * (worth(joined) - worth(others))
        return found
    rng = np.random.default_rng(0)
    for _ in range(_ORDERS):
        before, present = 0.0, []
        for s in rng.permutation(m).tolist():
            present.append(s)
            after = worth(tuple(present))
            found[s] += (after - before) / _ORDERS
            before = after
    return found


def _with_contributions(
    name: str, measured: Measured, contributions: np.ndarray, note: str
) -> Fitted:
    """Fit b and c of accuracy = contributions . p + b log N + c."""
    sizes = int(len(measured.scales) > 1)
    columns = np.column_stack([np.ones(len(measured)), np.log(measured.n) * sizes])
    target = measured.accuracy - measured.p @ contributions
    found = fit_linear_law(columns, target, 1 + sizes)
    law = PolynomialLaw(
        blocks=("shares",),
        coefficients=contributions,
        log_size=float(found.coefficients[1]),
        constant=float(found.coefficients[0]),
    )
    facts = Facts(
        points=len(measured.mean()),
        parameters=measured.m + found.parameters,
        regularized=found.regularized,
        residual=found.residual,
        values=law.to_dict(),
        notes=(note,),
    )
    return Fitted(predictor=name, m=measured.m, law=law, facts=facts)
