"""How the OT distance changes with the mass of one point, and how far its gradient predicts that.

LAVA section 3.1 and figure 2: a point's mass goes from -100 % (removed) to +100 % (doubled), the
others giving or taking alike (`shifted_masses`). With s the share of its own mass,

    predicted(s) = s * a_i * calibrated gradient_i,    actual(s) = OT(a(s), b) - OT(a, b).

OT is convex in a, so actual >= predicted: removing a harmful point gains no more than predicted.
Entropic OT is smooth; exact OT is piecewise linear, and the prediction is exact up to the first
kink on either side. NumPy and POT alone, for problems small enough to hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.transport.exact import ExactConfig, ExactTransport, solve_exact
from core.transport.measure import masses, shifted_masses

# Two values of the distance closer than this share of it are equal: rounding of the simplex.
_EQUAL = 1e-11
_MOST_STEPS = 60
# A range below this share of a mass is none.
_LEAST_RANGE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class MassCurve:
    """The change of the OT distance over the mass of one point.

    Attributes
    ----------
    shares : changes of the point's mass as a share of it, -1 (removed) to 1 (doubled), shape (s,)
    predicted, actual : change of the distance, units of cost, shape (s,); actual >= predicted
    value : the distance at share 0, its regularizer included
    gradient : calibrated gradient of the point, units of cost a unit of mass; higher is worse
    mass : of the point, at share 0
    marginal_error : the largest L1 error of the re-solved problems, 0 to 2; of exact ones, 0
    """

    shares: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray
    value: float
    gradient: float
    mass: float
    marginal_error: float

    def holds_within(self, tolerance: float) -> tuple[float, float]:
        """Return the shares (low, high) around 0 where |predicted - actual| <= tolerance |actual|.

        Between the shares of the curve the relative error is taken to be linear.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.abs(self.predicted - self.actual) / np.abs(self.actual)
        # Where nothing changes at all, the prediction of no change is right.
        error[np.isnan(error)] = 0.0
        left, right = self.shares <= 0, self.shares >= 0
        return (
            -_reach(-self.shares[left][::-1], error[left][::-1], tolerance),
            _reach(self.shares[right], error[right], tolerance),
        )


def _reach(distance: np.ndarray, error: np.ndarray, tolerance: float) -> float:
    """Return how far from 0 the error stays within the tolerance; it is 0 at distance 0."""
    at, last = 0.0, 0.0
    for here, e in zip(distance.tolist(), error.tolist(), strict=True):
        if here == 0:
            continue
        if e > tolerance:
            return at + (here - at) * (tolerance - last) / (e - last) if np.isfinite(e) else at
        at, last = here, e
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearRange:
    """Where the exact OT distance is linear in the mass of one point (LAVA's radius).

    Attributes
    ----------
    low, high : the shares of the point's mass between which the slopes below hold exactly,
        at least -1 and at most 1; a dual solution at share 0 stays optimal there
    slope_down, slope_up : calibrated gradient for less and for more mass, units of cost. They
        differ where the distance has a kink at share 0: then the dual solution is not unique
    """

    low: float
    high: float
    slope_down: float
    slope_up: float

    @property
    def kink(self) -> bool:
        """Return whether the slopes differ: there is no single gradient."""
        scale = max(abs(self.slope_down), abs(self.slope_up), 1e-300)
        return abs(self.slope_up - self.slope_down) > 1e-7 * scale


def exact_curve(
    cost: np.ndarray,
    row: int,
    shares: np.ndarray,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    config: ExactConfig | None = None,
) -> MassCurve:
    """Re-solve exact OT for each share: predicted from the dual at share 0, actual by the LP.

    Parameters
    ----------
    cost : shape (n, m), float64
    row : the point whose mass changes
    shares : shape (s,), -1 to 1

    Raises
    ------
    ConfigError, DataError
        As `solve_exact` and `shifted_masses`.
    """
    distance = _Distance(cost, row, a, b, config)
    actual = np.array([distance.at(float(share)) for share in shares]) - distance.now.value
    return MassCurve(
        shares=np.asarray(shares, dtype=np.float64),
        predicted=distance.slope(distance.now) * np.asarray(shares),
        actual=actual,
        value=distance.now.value,
        gradient=distance.slope(distance.now) / distance.mass,
        mass=distance.mass,
        marginal_error=0.0,
    )


def linear_range(
    cost: np.ndarray,
    row: int,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    config: ExactConfig | None = None,
) -> LinearRange:
    """Return how far a point's mass can change before the dual solution does (LAVA section 3.1).

    The distance is convex and piecewise linear in the share, and every dual solution is a line
    below it. From share +-1 inwards, the lines at the ends of an interval are intersected until
    they meet on the curve: Newton's method on a convex piecewise linear function, which ends after
    finitely many solves at the first kink, exactly. Unlike the ratio test on one basis it is right
    for degenerate problems too, where the basis is arbitrary and its radius often 0.

    Raises
    ------
    ConfigError, DataError
        As `solve_exact` and `shifted_masses`.
    """
    distance = _Distance(cost, row, a, b, config)
    low, down = _first_kink(distance, -1.0)
    high, up = _first_kink(distance, 1.0)
    return LinearRange(
        low=low, high=high, slope_down=down / distance.mass, slope_up=up / distance.mass
    )


class _Distance:
    """The exact OT distance as a function of the share of one point's mass."""

    def __init__(
        self,
        cost: np.ndarray,
        row: int,
        a: np.ndarray | None,
        b: np.ndarray | None,
        config: ExactConfig | None,
    ) -> None:
        n, m = cost.shape
        self._cost, self._row, self._config = cost, row, config
        self._a, self._b = masses(a, n, "training"), masses(b, m, "validation")
        self.now = solve_exact(cost, config, a=self._a, b=self._b)
        self.mass = float(self._a[row])
        ends = shifted_masses(self._a, row, np.array([-1.0, min(1.0, 1 / self.mass - 1)]))
        self._direction = (ends[:, 1] - ends[:, 0]) / (1 + min(1.0, 1 / self.mass - 1))

    def solve(self, share: float) -> ExactTransport:
        """Solve the problem at `share`, from the solution at 0."""
        a = shifted_masses(self._a, self._row, np.array([share]))[:, 0]
        start = (self.now.f, self.now.g)
        return solve_exact(self._cost, self._config, a=a, b=self._b, start=start)

    def at(self, share: float) -> float:
        """Return the distance at `share`."""
        return self.now.value if share == 0 else self.solve(share).value

    def slope(self, solved: ExactTransport) -> float:
        """Return the change of the dual value of `solved` for each unit of share."""
        return float(solved.f @ self._direction)

    def line(self, solved: ExactTransport) -> tuple[float, float]:
        """Return value at share 0 and slope of the line below the curve that a dual gives."""
        return float(solved.f @ self._a + solved.g @ self._b), self.slope(solved)


def _first_kink(distance: _Distance, end: float) -> tuple[float, float]:
    """Return the first kink from share 0 towards `end`, and the slope before it."""
    value, base = distance.now.value, distance.slope(distance.now)
    equal = _EQUAL * max(value, abs(base))
    end = max(end, -1.0) if end < 0 else min(end, 1 / distance.mass - 1)
    height, slope = distance.line(distance.solve(end))
    if height >= value - equal:  # the line at the end touches the curve at 0: no kink between
        return end, slope
    for _ in range(_MOST_STEPS):
        # Rounding may put it a hair beyond the interval.
        meeting = float(np.clip((value - height) / (slope - base), min(end, 0.0), max(end, 0.0)))
        if abs(meeting) < _LEAST_RANGE:
            return 0.0, base
        solved = distance.solve(meeting)
        if solved.value <= value + base * meeting + equal:
            return meeting, base
        inner_height, inner_slope = distance.line(solved)
        if inner_height >= value - equal:
            base = inner_slope  # of several slopes at share 0, the one that holds on this side
        else:
            height, slope = inner_height, inner_slope
    return 0.0, base
