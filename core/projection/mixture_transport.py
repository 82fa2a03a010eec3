"""Optimal transport from a mixture of sources to the validation set.

A mixture is the measure mu(p) = sum_s p_s mu_s on all images of all pilots at once, where mu_s has
mass 1 / n_s on each image of source s. Nothing is drawn, so its distance is a function of p alone.

With f(g) the soft c-transform of a validation potential g, which does not depend on the masses of
the training side (engine notes, section 2), the entropic distance is::

    OT(p) = max over g of  sum_s p_s mean_s f(g) + <b, g>

a maximum of functions that are linear in p. So it is convex, its gradient by p_s is the mean of f
over source s, up to a constant, and any g whatever yields a lower bound for all ratios.

That needs a ground cost that is the same for all p. Each class of each source is therefore a
training class of its own when distances between labels are measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

import numpy as np

from core.errors import ConfigError, DataError
from core.progress import Progress, silent
from core.projection.pilots import Pilots
from core.projection.simplex import require_ratio
from core.projection.tangents import Certificate, MixturePoint
from core.threads import one_thread
from core.transport import (
    SHARED_PAIRS,
    GroundCost,
    SinkhornConfig,
    solve_masses,
    solve_sinkhorn,
)
from core.valuation import LavaConfig, pose_problem

# Marginal error to stop at where none is asked for. The distance is off to second order in it.
_TOLERANCE = 1e-4
# Solving together goes on while it reaches so many of those that are left.
_WORTHWHILE = 0.1


class MixtureTransport:
    """The distance of any mixture of some pilots to a validation set.

    Parameters
    ----------
    pilots : n images of m sources
    y : validation embeddings, shape (k, d)
    y_labels : int64, shape (k,), positions in the pilots' list of classes
    config : of the ground cost and the solver; `tolerance` None means 1e-4
    progress : told of the stage "Label distances"

    Attributes
    ----------
    cost : the ground cost, the same for all ratios
    epsilon : regularization in units of cost

    Raises
    ------
    ConfigError, DataError : settings out of range; embeddings or labels that cannot be used

    Notes
    -----
    Time O(n k d) and O(n + k) memory for the label distances and for each pass of a solution, and
    memory O((m v)^2) for the label distances of v classes.
    """

    def __init__(
        self,
        pilots: Pilots,
        y: np.ndarray,
        y_labels: np.ndarray,
        config: LavaConfig | None = None,
        *,
        progress: Progress = silent,
    ) -> None:
        config = config or LavaConfig()
        if y.ndim != 2 or y.shape[1] != pilots.x.shape[1]:
            raise DataError(
                f"The pilots' embeddings have {pilots.x.shape[1]} numbers each; those of the "
                f"validation set have the shape {y.shape}. Make both with the same model."
            )
        self._pilots = pilots
        small = len(pilots.x) * len(y) <= SHARED_PAIRS
        with one_thread() if small else nullcontext():
            self.cost, self.epsilon, self._settings = _posed(pilots, y, y_labels, config, progress)
        self._b = np.full(len(y), 1 / len(y))

    def solve(
        self, p: np.ndarray, warm: np.ndarray | None = None, *, progress: Progress = silent
    ) -> MixturePoint:
        """Solve at ratio p.

        Parameters
        ----------
        p : shape (m,), >= 0, sum 1
        warm : `g` of a point nearby, which spares most passes
        progress : told of the stage "Potentials"

        Raises
        ------
        ConfigError : p is no ratio of the m sources
        """
        p = self._ratio(p)
        return self._solve(p, self._shares(), warm, progress)

    def solve_drawn(
        self, rows: np.ndarray, warm: np.ndarray | None = None, *, progress: Progress = silent
    ) -> MixturePoint:
        """Solve for images that were drawn, as the paper does (Algorithm 1, lines 6 and 7).

        Its distance differs from draw to draw. The gradient of a source that gave nothing is that
        of its pilot.

        Parameters
        ----------
        rows : of the pilots, int64, shape (n,); their shares of the sources are the ratio

        Raises
        ------
        ConfigError : there are no rows
        """
        if len(rows) == 0:
            raise ConfigError("A mixture needs an image.")
        pilots = self._pilots
        times = np.bincount(rows, minlength=len(pilots.x)).astype(np.float64)
        given = np.bincount(pilots.source, weights=times, minlength=pilots.m)
        # A source that gave nothing is stood for by the whole of its pilot, without mass.
        times[given[pilots.source] == 0] = 1.0
        totals = np.bincount(pilots.source, weights=times, minlength=pilots.m)
        return self._solve(given / given.sum(), times / totals[pilots.source], warm, progress)

    def solve_all(
        self, ratios: Iterable[np.ndarray], *, progress: Progress = silent
    ) -> tuple[MixturePoint, ...]:
        """Solve at each ratio: together where memory allows, at a tenth of the time of one by one.

        Parameters
        ----------
        ratios : each of shape (m,)
        progress : told of the stage "Potentials"

        Raises
        ------
        ConfigError : one of them is no ratio of the m sources
        """
        asked = [self._ratio(p) for p in ratios]
        found: dict[int, MixturePoint] = {}
        if len(asked) > 1 and len(self._pilots.x) * len(self._b) <= SHARED_PAIRS:
            with one_thread():
                found = self._solve_together(np.stack(asked), progress)
        for number, p in enumerate(asked):
            if number not in found:
                nearest = min(
                    found.values(), key=lambda z: float(np.abs(z.p - p).sum()), default=None
                )
                warm = None if nearest is None else nearest.g
                found[number] = self.solve(p, warm, progress=progress)
        return tuple(found[number] for number in range(len(asked)))

    def _solve_together(self, p: np.ndarray, progress: Progress) -> dict[int, MixturePoint]:
        """Return the solutions at ratios p, shape (k, m), that converged, by their row.

        What a kernel does not reach, as ratios without one of the sources, is tried again on that
        of the nearest miss, as long as that helps.
        """
        shares, settings = self._shares(), self._settings
        g = self.solve(p.mean(axis=0), progress=progress).g
        found: dict[int, MixturePoint] = {}
        left = np.arange(len(p))
        while len(left):
            solved = solve_masses(
                self.cost,
                g,
                p[left][:, self._pilots.source] * shares,
                self._b,
                epsilon=settings.epsilon,
                tolerance=settings.tolerance,
                progress=progress,
            )
            reached = solved.marginal_error <= settings.tolerance
            for i in np.flatnonzero(reached).tolist():
                certificate = Certificate(
                    transport_cost=float(solved.transport_cost[i]),
                    marginal_error=float(solved.marginal_error[i]),
                    converged=True,
                    passes=int(solved.iterations[i]),
                )
                row = int(left[i])
                found[row] = self._point(p[row], shares, solved.f[i], solved.g[i], certificate)
            g = solved.g[int(np.where(reached, np.inf, solved.marginal_error).argmin())]
            left = left[~reached]
            if reached.mean() < _WORTHWHILE:
                break
        return found

    def _shares(self) -> np.ndarray:
        """Return the part of its source that each image is, shape (n,)."""
        return np.asarray(1.0 / self._pilots.counts[self._pilots.source])

    def _ratio(self, p: np.ndarray) -> np.ndarray:
        if np.shape(p) != (self._pilots.m,):
            raise ConfigError(f"Expected a share for each of {self._pilots.m} sources, got {p}.")
        return require_ratio(p)

    def _solve(
        self, p: np.ndarray, shares: np.ndarray, warm: np.ndarray | None, progress: Progress
    ) -> MixturePoint:
        """Solve for masses p_s shares_i; the shares sum to 1 over each source."""
        solution = solve_sinkhorn(
            self.cost,
            self._settings,
            a=p[self._pilots.source] * shares,
            start=warm,
            progress=progress,
        )
        certificate = Certificate(
            transport_cost=solution.transport_cost,
            marginal_error=solution.marginal_error,
            converged=solution.converged,
            passes=solution.passes,
        )
        return self._point(p, shares, solution.f, solution.g, certificate)

    def _point(
        self,
        p: np.ndarray,
        shares: np.ndarray,
        f: np.ndarray,
        g: np.ndarray,
        certificate: Certificate,
    ) -> MixturePoint:
        means = np.bincount(self._pilots.source, weights=shares * f, minlength=self._pilots.m)
        # As p has sum 1, a constant can be shared out: the tangent then needs no intercept.
        gradient = means + self._b @ g
        return MixturePoint(
            p=p, distance=float(gradient @ p), gradient=gradient, g=g, certificate=certificate
        )


def _posed(
    pilots: Pilots, y: np.ndarray, y_labels: np.ndarray, config: LavaConfig, progress: Progress
) -> tuple[GroundCost, float, SinkhornConfig]:
    """Return the ground cost, its epsilon and how to solve."""
    labels, classes = pilots.labels, pilots.n_classes
    if config.label_distance_kind == "training":
        labels, classes = pilots.source * classes + labels, pilots.m * classes
    problem = pose_problem(pilots.x, labels, y, y_labels, classes, config, progress=progress)
    cost = replace(problem.cost, label_distances=problem.distances[:, : pilots.n_classes])
    settings = problem.solver(config)
    if config.tolerance is None:
        settings = replace(settings, tolerance=_TOLERANCE)
    return cost, problem.epsilon, settings
