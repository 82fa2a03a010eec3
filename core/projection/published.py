"""projektor as published: accuracy from the OT distance at two sizes, projected by Theorem 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.projection.features import features, slopes
from core.projection.fitted import Classless, Facts, Fitted, MixtureDistance
from core.projection.least_squares import LinearFit, fit_linear_law
from core.projection.measured import Measured
from core.projection.polynomial import rank_on_simplex


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoSizesLaw(Classless):
    """Eq. 1 or 2 at two sizes, joined by Eq. 3.

    At a size, with OT the distance of the mixture,

        accuracy = (b . g(p)) OT + c . g(p),    g(p) = (1, features of p),

    g = 1 for center-scaling (Eq. 1: b = a_1, c = a_0), and g = (1, p, p^2) for the pseudo-quadratic
    method (Eq. 2). Between the sizes and beyond them accuracy is linear in log N (Theorem 1).

    Attributes
    ----------
    blocks : of features, see `core.projection.features`
    sizes : N_0 < N_1
    coefficients : (b, c) at each size, shape (2, 2 (1 + f))
    """

    blocks: tuple[str, ...]
    sizes: tuple[int, int]
    coefficients: np.ndarray

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,)."""
        at_sizes = _columns(p, distance, self.blocks) @ self.coefficients.T
        return np.asarray((self._theorem_1(n) * at_sizes).sum(axis=1))

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return derivatives by p, shape (k, m)."""
        g, by_p = _with_one(p, self.blocks)
        by_distance = g[:, :, None] * slope[:, None, :]
        columns = np.concatenate([by_p * distance[:, None, None] + by_distance, by_p], axis=1)
        at_sizes = np.einsum("kfm,sf->ksm", columns, self.coefficients)
        return np.asarray((self._theorem_1(n)[:, :, None] * at_sizes).sum(axis=1))

    def _theorem_1(self, n: np.ndarray) -> np.ndarray:
        """Return what the accuracies at N_0 and N_1 count at size n (Eq. 3), shape (k, 2)."""
        first, second = np.log(self.sizes)
        log_n = np.log(n)
        return np.column_stack([second - log_n, log_n - first]) / (second - first)

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""
        return {
            "blocks": list(self.blocks),
            "sizes": list(self.sizes),
            "coefficients": self.coefficients.tolist(),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> TwoSizesLaw:
        """Return the law that `to_dict` wrote."""
        first, second = raw["sizes"]
        return cls(
            blocks=tuple(raw["blocks"]),
            sizes=(int(first), int(second)),
            coefficients=np.array(raw["coefficients"], dtype=np.float64),
        )


def fit_center_scaling(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit projektor/CS: accuracy = a_1 OT + a_0 at two sizes (Eq. 1) and Theorem 1."""
    return _fit("projektor-cs", measured, distance, ())


def fit_pseudo_quadratic_scaling(measured: Measured, distance: MixtureDistance | None) -> Fitted:
    """Fit projektor/PQ: Eq. 2 at two sizes and Theorem 1."""
    return _fit("projektor-pq", measured, distance, ("shares", "squares"))


def two_sizes(measured: Measured) -> tuple[int, int]:
    """Return N_0 < N_1 for Theorem 1: the two largest sizes at which most mixtures were trained.

    Raises
    ------
    ConfigError : only one size was trained
    """
    cells = measured.mean()
    sizes, counts = np.unique(cells.n, return_counts=True)
    if len(sizes) < 2:
        raise ConfigError(
            f"Theorem 1 needs accuracies at two sizes N_0 < N_1; all were trained on {sizes[0]:,} "
            "images. Train at a second size."
        )
    # Corners of the simplex are the first that pilots cannot fill: without them p is extrapolated.
    fullest = np.lexsort((sizes, counts))[-2:]
    first, second = sorted(int(sizes[i]) for i in fullest)
    return first, second


def _fit(
    name: str, measured: Measured, distance: MixtureDistance | None, blocks: tuple[str, ...]
) -> Fitted:
    """Fit Eq. 1 or 2 at each of two sizes by least squares."""
    if distance is None:
        raise ConfigError(f"{name} predicts from the OT distance of a mixture, which is missing.")
    sizes = two_sizes(measured)
    parameters = 2 * rank_on_simplex(blocks, measured.m)
    fits = [_fit_size(measured.at(n), distance, blocks, parameters) for n in sizes]
    law = TwoSizesLaw(
        blocks=blocks, sizes=sizes, coefficients=np.array([fit.coefficients for fit in fits])
    )
    regularized = any(fit.regularized for fit in fits)
    notes = [
        f"Fitted at {sizes[0]:,} and {sizes[1]:,} images; beyond them accuracy is taken to grow "
        "with log N without end."
    ]
    if regularized:
        notes.append(
            "The mixtures, or their OT distances, are too few or too much alike to determine the "
            f"{parameters} parameters, so the fit was regularized."
        )
    return Fitted(
        predictor=name,
        m=measured.m,
        law=law,
        measure=distance,
        facts=Facts(
            points=sum(len(measured.at(n).mean()) for n in sizes),
            parameters=2 * parameters,
            regularized=regularized,
            residual=float(np.sqrt(np.mean([fit.residual**2 for fit in fits]))),
            values=law.to_dict(),
            notes=tuple(notes),
        ),
    )


def _fit_size(
    measured: Measured, distance: MixtureDistance, blocks: tuple[str, ...], parameters: int
) -> LinearFit:
    """Fit the accuracies at one size; distances that were measured are taken as they are."""
    found = measured.distance
    if found is None:
        ratios, mixture = measured.mixtures()
        found = distance.distance(ratios)[mixture]
    return fit_linear_law(_columns(measured.p, found, blocks), measured.accuracy, parameters)


def _columns(p: np.ndarray, distance: np.ndarray, blocks: tuple[str, ...]) -> np.ndarray:
    """Return g(p) OT beside g(p), shape (k, 2 (1 + f))."""
    g = np.hstack([np.ones((len(p), 1)), features(p, blocks)])
    return np.hstack([g * distance[:, None], g])


def _with_one(p: np.ndarray, blocks: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return g(p), shape (k, 1 + f), and its derivatives by p, shape (k, 1 + f, m)."""
    g = np.hstack([np.ones((len(p), 1)), features(p, blocks)])
    constant = np.zeros((len(p), 1, p.shape[1]))
    return g, np.concatenate([constant, slopes(p, blocks)], axis=1)
