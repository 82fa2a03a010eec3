"""What class an image looks like, by its features alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport.cost import GroundCost
from core.transport.tiles import LOWEST_EXPONENT, CostTiles


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPosterior:
    """Which class each training image resembles most, and how sure that is.

    Attributes
    ----------
    label : int64, shape (n,), the most probable class
    probability : float32, shape (n,), its probability, 0 to 1
    own_probability : float32, shape (n,), that of the class given, 0 to 1; low is suspicious
    """

    label: np.ndarray
    probability: np.ndarray
    own_probability: np.ndarray


def label_posterior(
    cost: GroundCost,
    n_classes: int,
    *,
    epsilon: float,
    device: str = "cpu",
    tile: int | None = None,
    progress: Progress = silent,
) -> LabelPosterior:
    """Return P_i(v) = share of sum_j exp(-C_ij / epsilon) that lies on validation class v.

    That is row i of the entropic plan with g = 0 (engine notes, section 7: OT's own g changes
    nothing). `cost` should be of features alone.

    Parameters
    ----------
    epsilon : in units of cost, > 0; a tenth of the mean cost is a good choice

    Notes
    -----
    One pass: time O(n m (d + v)), memory O((n + m) d + tile m).
    """
    if not epsilon > 0:
        raise ConfigError(f"epsilon must be a positive number, got {epsilon}.")
    tiles = CostTiles(cost, device=torch.device(device), dtype=torch.float32, tile=tile)
    y_labels = torch.tensor(cost.y_labels, device=device)
    one_hot = torch.nn.functional.one_hot(y_labels, n_classes).to(torch.float32)
    x_labels = torch.tensor(cost.x_labels, device=device)
    no_f, no_h = torch.zeros(tiles.n, device=device), torch.zeros(tiles.m, device=device)
    order = torch.as_tensor(tiles.order, device=device)
    label, probability, own = (torch.empty(tiles.n, device=device) for _ in range(3))
    for span in tiles.spans:
        progress("Resemblance", span[0] / tiles.n)
        rows = order[slice(*span)]
        scores = tiles.exponents(span, no_f[slice(*span)], no_h, epsilon)
        weights = scores.sub_(scores.amax(dim=1, keepdim=True)).clamp_(min=LOWEST_EXPONENT).exp_()
        posterior = weights @ one_hot
        posterior /= posterior.sum(dim=1, keepdim=True)
        probability[rows], best = posterior.max(dim=1)
        label[rows] = best.to(label.dtype)
        own[rows] = posterior.gather(1, x_labels[rows, None])[:, 0]
    return LabelPosterior(
        label=label.cpu().numpy().astype(np.int64),
        probability=probability.cpu().numpy(),
        own_probability=own.cpu().numpy(),
    )
