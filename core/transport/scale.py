"""What regularization and precision a cost of a given size can be solved with. NumPy alone.

Potentials are sums of exponentials of cost / epsilon. Two things go wrong at the ends of the scale:

* costs far above epsilon: the rounding of a cost, divided by epsilon, stands in an exponent. Beyond
  a size float32 cannot resolve epsilon, and beyond another float64 cannot either;
* costs far below epsilon: a potential is then -epsilon log(1 - small), and what is left of it after
  rounding is noise of epsilon's size, not of the cost's.
"""

from __future__ import annotations

import numpy as np

from core.errors import ConfigError, DataError
from core.transport.cost import GroundCost

# Largest rounding error of an exponent that is let pass.
_ROUNDING = 0.01
_UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
# Beyond a million times the largest cost every plan is a x b to six digits: nothing is changed by
# taking that for epsilon, and ten digits of the potentials are saved.
_FLAT = 1e6
# Above this share of the largest cost, float32 loses potentials in the rounding of epsilon.
_COARSE = 30.0
# Squares of smaller or larger numbers leave the range of float32.
_RANGE = (1e-14, 1e14)
# Label distances and potentials are kept in float32.
_RESULTS = (1e-30, 1e37)
_ROWS_AT_ONCE = 65_536


def suited(cost: GroundCost, epsilon: float, precision: str, device: str) -> tuple[float, str]:
    """Return the regularization and the precision to solve with.

    Parameters
    ----------
    cost : the ground cost
    epsilon : regularization asked for, in units of cost, > 0
    precision : "float32" or "float64": the least
    device : a torch device; mps knows no float64, and keeps float32

    Returns
    -------
    epsilon : the one given, or a million times the largest cost where that is less: potentials and
        plan are the same to six digits
    precision : "float64" where float32 cannot resolve the cost at this epsilon

    Raises
    ------
    ConfigError : epsilon is so small that float64 cannot resolve the cost either
    DataError : the largest cost is beyond or below the range of float32, which results are kept in

    Notes
    -----
    Time O((n + m) d).
    """
    w = cost.label_distances
    labels = 0.0
    if w is not None and cost.labels_matter:
        finite = np.abs(w[np.isfinite(w)].astype(np.float64))
        labels = cost.label_weight / cost.p * float(finite.max(initial=0.0))
    radius = largest_radius(cost.x, cost.y)
    return suited_to(radius, cost.p, cost.feature_weight, labels, epsilon, precision, device)


def largest_radius(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest distance of any image from the mean of the validation images."""
    center = y.mean(axis=0, dtype=np.float64)
    # That mean is rounded: where all images are equal, what is left of them is no distance.
    least = 4 * _UNIT["float64"] * float(np.abs(center).sum())
    largest = 0.0
    for points in (x, y):
        for start in range(0, len(points), _ROWS_AT_ONCE):
            part = points[start : start + _ROWS_AT_ONCE].astype(np.float64) - center
            # Scaled first: squares of what float32 holds stay within float64, others overflow.
            scale = float(np.abs(part).max(initial=0.0))
            if scale > 0:
                part /= scale
                norm = float(np.sqrt(np.einsum("nd,nd->n", part, part).max()))
                largest = max(largest, scale * norm)
    return largest if largest > least else 0.0


def suited_to(
    radius: float,
    p: int,
    feature_weight: float,
    labels: float,
    epsilon: float,
    precision: str,
    device: str,
) -> tuple[float, str]:
    """Return what `suited` does, from the radius of the images and the largest label cost."""
    radius_cost = feature_weight * (radius * radius if p == 2 else radius)
    largest = 2 * radius_cost + labels
    if not largest < _RESULTS[1] or 0 < largest < _RESULTS[0]:
        where, way = ("below", "up") if largest < 1 else ("beyond", "down")
        raise DataError(
            f"The ground cost, up to {largest:.2g}, is {where} what float32 can hold; "
            f"scale the embeddings {way}."
        )
    if largest == 0:
        return 1.0, precision  # Whatever epsilon is, all potentials are 0.
    epsilon = min(epsilon, _FLAT * largest)
    if _rounding("float64", largest, epsilon) > _ROUNDING:
        raise ConfigError(
            f"epsilon {epsilon:g} is too small for costs of up to {largest:.2g}: the one vanishes "
            "in the rounding of the other. Scale the embeddings down, or set relative_epsilon."
        )
    # A distance is the root of a difference of squares, which loses half of the digits.
    near = (radius_cost / epsilon) ** 2 if p == 1 else 0.0
    fits = (
        _rounding("float32", largest, epsilon) <= _ROUNDING
        and _UNIT["float32"] * near <= _ROUNDING
        and epsilon <= _COARSE * largest
        and all(_RANGE[0] < number < _RANGE[1] for number in (epsilon, radius or 1.0))
    )
    return epsilon, precision if fits or device.startswith("mps") else "float64"


def _rounding(precision: str, largest: float, epsilon: float) -> float:
    return _UNIT[precision] * largest / epsilon
