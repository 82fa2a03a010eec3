"""How far the potentials would move if they were solved for anew: linear response.

At the optimum the plan's column marginal r equals b. Where more training images have moved it, the
first-order change of the validation potential solves (r differentiated by g, with f as a function
of g as in the engine notes, section 2)::

    (diag(r) - sum_i a_i p_i p_i^T) delta_g = epsilon (b - r),        delta_f = -P delta_g

with p_i = row i of the plan divided by a_i. The system of all m validation images would cost as
much as the solution; here it is projected on groups of validation images that lie close together,
and the sum over all rows is taken over a sample of them.
"""

from __future__ import annotations

import numpy as np
import torch

from core.transport.cost import GroundCost
from core.transport.precision import full_precision
from core.transport.sinkhorn_config import SinkhornConfig

# Groups of validation images, at most; more would follow finer changes and cost more.
_GROUPS = 600
# The slowest directions move little mass; this share of the diagonal keeps them from running away.
_RIDGE = 1e-4
_ROWS_AT_ONCE = 256


@full_precision()
def predicted_change(
    cost: GroundCost,
    weights: np.ndarray,
    g: np.ndarray,
    residual: np.ndarray,
    config: SinkhornConfig,
) -> np.ndarray:
    """Return how f would change to first order if g were solved for anew, float64, shape (s,).

    Parameters
    ----------
    cost : the ground cost of a sample of s training images and all m validation images
    weights : the mass that each image of the sample stands for, shape (s,); scaled to sum 1
    g : validation potential, shape (m,)
    residual : b - r, shape (m,), of all training images: what the column marginals lack
    config : regularization and device are taken from it

    Notes
    -----
    Time O(s m (d + v)), memory O(s groups + rows m). The change is defined up to a constant; its
    weighted mean is set to 0.
    """
    groups = _groups(cost.y, cost.y_labels)
    count = int(groups.max()) + 1
    plan = _grouped_plan(cost, g, groups, count, config)
    weights = weights / weights.sum()
    diagonal = weights @ plan
    system = np.diag(diagonal * (1 + _RIDGE) + 1e-12) - plan.T @ (weights[:, None] * plan)
    lacking = np.bincount(groups, weights=residual, minlength=count)
    change = -plan @ np.linalg.solve(system, config.epsilon * (lacking - lacking.mean()))
    return np.asarray(change - weights @ change)


def _grouped_plan(
    cost: GroundCost, g: np.ndarray, groups: np.ndarray, count: int, config: SinkhornConfig
) -> np.ndarray:
    """Return the share of each row's mass that goes to each group, float64, shape (s, count)."""
    device = torch.device(config.device)

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.asarray(array, dtype=np.float32), device=device)

    center = cost.y.mean(axis=0, dtype=np.float64)
    y, members = tensor(cost.y - center), torch.as_tensor(groups, device=device)
    half_y, potential = y.square().sum(1) / 2, tensor(g)
    labels, y_labels = cost.label_table(), torch.as_tensor(cost.y_labels, device=device)
    plan = np.empty((len(cost.x), count))
    for start in range(0, len(cost.x), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        x = tensor(cost.x[rows] - center)
        half = (x.square().sum(1)[:, None] / 2 + half_y - x @ y.T).clamp_(min=0)
        features = half if cost.p == 2 else half.mul_(2).sqrt_()
        scores = potential - cost.feature_weight * features
        if labels is not None:
            scores -= tensor(labels[cost.x_labels[rows]])[:, y_labels]
        mass = torch.softmax(scores / config.epsilon, dim=1)
        out = torch.zeros((len(x), count), device=device)
        plan[rows] = out.index_add_(1, members, mass).cpu().numpy()
    return plan


def _groups(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the group of each validation image, int64, shape (m,): same label, close together.

    Each class is halved across the direction in which it spreads most, until its parts are small.
    """
    size = -(-len(y) // _GROUPS)
    groups = np.empty(len(y), dtype=np.int64)
    waiting = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    count = 0
    while waiting:
        members = waiting.pop()
        if len(members) <= size:
            groups[members] = count
            count += 1
            continue
        points = y[members] - y[members].mean(axis=0)
        order = np.argsort(points @ _widest(points), kind="stable")
        waiting += [members[order[: len(order) // 2]], members[order[len(order) // 2 :]]]
    return groups


def _widest(points: np.ndarray) -> np.ndarray:
    """Return about the direction in which centered points spread most, shape (d,)."""
    direction = points[np.argmax(np.einsum("kd,kd->k", points, points))]
    # A few steps of the power method: any wide direction will do, an exact one takes seconds.
    for _ in range(5):
        length = np.linalg.norm(direction)
        if length == 0:
            return direction
        direction = points.T @ (points @ (direction / length))
    return direction
