"""Images that come later: one pass against a validation potential that stays as it is.

The soft c-transform needs nothing of a training image but its own row of the cost (engine notes,
section 2), so further images get their potential without a new solution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.transport.cost import GroundCost
from core.transport.measure import masses
from core.transport.passes import Passes
from core.transport.sinkhorn import suited_config
from core.transport.sinkhorn_config import SinkhornConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTransform:
    """What one pass of k images against a fixed validation potential yields.

    All means are over the k images, so that several sets are joined by weighing them by their
    numbers.

    Attributes
    ----------
    f : soft c-transform of g, float64, shape (k,), units of cost
    columns : mean row of the plan, float64, shape (m,), sum 1; the validation masses where the
        images are spread as those that g was solved with
    primal : mean of f_i + sum_j p_ij g_j over the rows p_i of the plan
    transport_cost : mean of sum_j p_ij C_ij
    """

    f: np.ndarray
    columns: np.ndarray
    primal: float
    transport_cost: float


def transform_fixed(
    cost: GroundCost, g: np.ndarray, config: SinkhornConfig, *, b: np.ndarray | None = None
) -> FixedTransform:
    """Make one pass of k training images against the validation potential g, shape (m,).

    Parameters
    ----------
    cost : the ground cost of the k images and the m validation images
    config : regularization, precision and device are taken from it
    b : validation masses, shape (m,); uniform if None. Columns of zero mass play no part.

    Raises
    ------
    ConfigError : for masses that are negative, not finite, of the wrong length, or all zero; for an
        epsilon that is too small for the cost
    DataError : the cost is beyond what float32 can hold

    Notes
    -----
    Time O(k m (d + v)), memory O((k + m)(d + v)).
    """
    k, m = cost.shape
    b = masses(b, m, "validation")
    keep = b > 0
    config = suited_config(cost, config)
    inner = cost if keep.all() else cost.columns(keep)
    passes = Passes(
        inner,
        masses(None, k, "training"),
        b[keep],
        device=config.device,
        precision=config.precision,
        tile=config.tile,
    )
    swept = passes.sweep(g[keep], config.epsilon, certify=True)
    assert swept.negative_entropy is not None  # noqa: S101 - asked for
    columns = np.zeros(m)
    columns[keep] = swept.columns
    primal = float(swept.f.mean() + swept.columns @ g[keep])
    relative_entropy = swept.negative_entropy - float(swept.columns @ np.log(b[keep]))
    return FixedTransform(
        f=swept.f,
        columns=columns,
        primal=primal,
        transport_cost=primal - config.epsilon * relative_entropy,
    )
