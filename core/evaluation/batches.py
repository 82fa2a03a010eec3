"""What the transport between batches says (SAVA, figure 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Robust standard deviations beyond which a batch is of another kind than the rest.
_FACTOR = 5.0
_FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMatching:
    """The cost between batches, and which were matched; K_t training and K_v validation batches.

    Attributes
    ----------
    cost : shape (K_t, K_v), units of cost
    share : shape (K_t, K_v), rows of sum 1: how much each validation batch counts in the values of
        a training batch
    even : the largest share that a validation batch would have if all training batches were matched
        alike
    variation : standard deviation of the costs as a share of their mean
    apart : training batches whose mean cost lies more than five robust standard deviations above
        the median; empty for fewer than five batches
    """

    cost: np.ndarray
    share: np.ndarray
    even: float
    variation: float
    apart: tuple[int, ...]


def batch_matching(cost: np.ndarray, plan: np.ndarray) -> BatchMatching:
    """Describe the cost between batches and the plan, both of shape (K_t, K_v)."""
    mean = cost.mean(axis=1)
    gap = mean - np.median(mean)
    deviation = 1.4826 * float(np.median(np.abs(gap)))
    enough = len(mean) >= _FEWEST
    return BatchMatching(
        cost=cost,
        share=plan / plan.sum(axis=1, keepdims=True),
        even=float(plan.sum(axis=0).max() / plan.sum()),
        variation=float(cost.std() / cost.mean()) if cost.mean() > 0 else 0.0,
        apart=tuple(np.flatnonzero(gap > _FACTOR * deviation).tolist()) if enough else (),
    )
