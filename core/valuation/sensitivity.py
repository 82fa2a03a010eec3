"""How far the gradient of one image holds, on a run's own problem or a representative part of it.

LAVA section 3.1 and figure 2. NumPy and POT alone, so that a web server can answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, isqrt

import numpy as np

from core.errors import ConfigError
from core.transport import (
    DenseSolution,
    GroundCost,
    LinearRange,
    MassCurve,
    cost_matrix,
    entropic_curve,
    exact_curve,
    linear_range,
    solve_dense,
    with_point,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityConfig:
    """Settings of the analysis; the sizes keep an answer within a fraction of a second.

    Attributes
    ----------
    whole_pairs : up to so many pairs the whole problem is re-solved (16 bytes each)
    part_pairs : pairs of the part that stands for a larger problem
    most_columns : validation images of either, at most: the Hessian has their number squared
    exact_pairs : pairs of the part for the linear program
    points : shares of mass on the curve from -1 to 1, odd
    tolerance : relative error up to which a prediction is said to hold
    """

    whole_pairs: int = 6_000_000
    part_pairs: int = 2_000_000
    most_columns: int = 2_000
    exact_pairs: int = 80_000
    points: int = 21
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Check the ranges."""
        sizes = (self.whole_pairs, self.part_pairs, self.most_columns, self.exact_pairs)
        if min(sizes) < 1 or self.points < 3 or self.points % 2 == 0 or not self.tolerance > 0:
            raise ConfigError(
                "Sizes and tolerance must be above 0, points an odd number from 3 on."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityProblem:
    """A run's problem, made ready: any of its images can be asked about.

    Attributes
    ----------
    cost : the run's ground cost, n against m images
    f, g : the run's potentials; the part is spread evenly over them
    solution : the entropic problem, solved; None for a run without regularization
    rows, columns : the images of `solution`, positions in the run
    config : settings
    """

    cost: GroundCost
    f: np.ndarray
    g: np.ndarray
    solution: DenseSolution | None
    rows: np.ndarray
    columns: np.ndarray
    config: SensitivityConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How the OT distance depends on the mass of one image.

    Attributes
    ----------
    curve : predicted and actual change over the image's mass; entropic at the run's
        regularization, or exact for a run without one
    images : training and validation images of the curve's problem
    whole : whether that is the run's whole problem
    holds : the shares (low, high) within which the prediction is right to the tolerance
    linear : where exact OT is linear in the image's mass: LAVA's radius
    linear_images, linear_whole : the same as `images` and `whole`, of the linear program
    """

    curve: MassCurve
    images: tuple[int, int]
    whole: bool
    holds: tuple[float, float]
    linear: LinearRange
    linear_images: tuple[int, int]
    linear_whole: bool


def prepare_sensitivity(
    cost: GroundCost,
    f: np.ndarray,
    g: np.ndarray,
    epsilon: float,
    config: SensitivityConfig | None = None,
) -> SensitivityProblem:
    """Solve a run's problem, or the part that stands for it, once for all of its images.

    Parameters
    ----------
    cost : the run's ground cost, uniform masses
    f, g : its potentials, shapes (n,) and (m,); they need not be converged
    epsilon : its regularization, units of cost; 0 for exact transport

    Raises
    ------
    ConfigError
        There is a single training image: no mass can go anywhere.
    """
    config = config or SensitivityConfig()
    n, m = cost.shape
    if n < 2:
        raise ConfigError("With a single training image there is no mass to shift.")
    if n * m <= config.whole_pairs and m <= config.most_columns:
        rows, columns = np.arange(n), np.arange(m)
    else:
        rows, columns = _part(cost, f, g, config.part_pairs, config.most_columns)
    solution = None
    if epsilon > 0:
        matrix = cost_matrix(cost.rows(rows).columns(columns))
        solution = solve_dense(matrix, epsilon, start=g[columns])
    return SensitivityProblem(
        cost=cost, f=f, g=g, solution=solution, rows=rows, columns=columns, config=config
    )


def analyze_sensitivity(problem: SensitivityProblem, row: int) -> Sensitivity:
    """Return how far the gradient of training image `row` holds.

    Where the run is too large the problem is a part of it: images spread evenly over classes and
    potentials, in the run's ratio of training to validation images, with this one among them. The
    part for the linear program has sizes without a common divisor: its dual is then unique.

    Raises
    ------
    IndexError
        There is no such row.
    """
    n, m = problem.cost.shape
    if not 0 <= row < n:
        raise IndexError(f"There is no training image {row}; rows are 0 to {n - 1}.")
    config = problem.config
    shares = np.linspace(-1, 1, config.points)
    rows, columns = _exact_part(problem, row)
    matrix = cost_matrix(problem.cost.rows(rows).columns(columns))
    place = int(np.flatnonzero(rows == row)[0])
    exact_images = (len(rows), len(columns))
    if problem.solution is None:
        curve, images = exact_curve(matrix, place, shares), exact_images
    else:
        solution, inner = _with_row(problem, row)
        curve, images = entropic_curve(solution, inner, shares), solution.kernel.shape
    return Sensitivity(
        curve=curve,
        images=(images[0], images[1]),
        whole=tuple(images) == (n, m),
        holds=curve.holds_within(config.tolerance),
        linear=linear_range(matrix, place),
        linear_images=exact_images,
        linear_whole=exact_images == (n, m),
    )


def _with_row(problem: SensitivityProblem, row: int) -> tuple[DenseSolution, int]:
    """Return the solved problem with image `row` in it, and its position there."""
    assert problem.solution is not None  # noqa: S101 - for the type checker
    found = np.flatnonzero(problem.rows == row)
    if len(found):
        return problem.solution, int(found[0])
    one = problem.cost.rows(np.array([row])).columns(problem.columns)
    count = len(problem.rows)
    return with_point(problem.solution, cost_matrix(one)[0], 1 / (count + 1)), count


def _exact_part(problem: SensitivityProblem, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the images of the linear program, `row` among them."""
    n, m = problem.cost.shape
    config = problem.config
    if n * m <= config.exact_pairs:
        return np.arange(n), np.arange(m)
    rows, columns = _part(
        problem.cost, problem.f, problem.g, config.exact_pairs, config.most_columns
    )
    while gcd(len(rows), len(columns)) > 1:
        columns = columns[:-1]
    if row not in rows:
        # In the place of the image that is most like it among those of the part.
        same = problem.cost.x_labels[rows] == problem.cost.x_labels[row]
        gap = np.abs(problem.f[rows] - problem.f[row]) + np.where(same, 0.0, np.inf)
        rows = rows.copy()
        rows[int(np.argmin(gap))] = row
    return rows, columns


def _part(
    cost: GroundCost, f: np.ndarray, g: np.ndarray, pairs: int, most_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose images of both sides, in the ratio of their numbers, as many as the pairs allow."""
    n, m = cost.shape
    columns = int(np.clip(isqrt(pairs * m // n), 1, min(m, most_columns)))
    rows = int(np.clip(pairs // columns, 2, n))
    return _spread(cost.x_labels, f, rows), _spread(cost.y_labels, g, columns)


def _spread(labels: np.ndarray, potential: np.ndarray, count: int) -> np.ndarray:
    """Return `count` positions spread evenly over the classes and, in each, over the potential."""
    order = np.lexsort((potential, labels))
    picks = np.floor((np.arange(count) + 0.5) * (len(labels) / count)).astype(np.int64)
    return order[picks]
