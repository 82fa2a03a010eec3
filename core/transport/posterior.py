"""What class an image looks like, by its features alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport.cost import GroundCost, require_labels
from core.transport.precision import full_precision
from core.transport.scale import suited
from core.transport.tiles import LOWEST_EXPONENT, CostTiles

_SHARPER = 8
# Its eighth power is still a normal float32: denormal ones run 50 times slower.
_LEAST_WEIGHT = 5e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPosterior:
    """Which class each training image resembles most, and how sure that is.

    Attributes
    ----------
    label : int64, shape (n,), the most probable class
    probability : float32, shape (n,), its probability, 0 to 1
    own_probability : float32, shape (n,), that of the class given, 0 to 1; low is suspicious
    distance : float32, shape (n,), soft minimum of the cost to all validation images, at an eighth
        of the posterior's epsilon, in units of cost: how far the image is from all that is trusted,
        whatever its label
    classes : float32, shape (n, v), the probability of each class, where that was asked for
    """

    label: np.ndarray
    probability: np.ndarray
    own_probability: np.ndarray
    distance: np.ndarray
    classes: np.ndarray | None = None


@full_precision()
def label_posterior(
    cost: GroundCost,
    n_classes: int,
    *,
    epsilon: float,
    g: np.ndarray | None = None,
    keep_classes: bool = False,
    device: str = "cpu",
    tile: int | None = None,
    progress: Progress = silent,
) -> LabelPosterior:
    """Return P_i(v) = share of sum_j exp((g_j - C_ij) / epsilon) on validation class v.

    That is row i of the entropic plan, summed by class. `cost` should be of features alone.

    Parameters
    ----------
    epsilon : in units of cost, > 0; a tenth of the mean cost is a good choice
    g : validation potential at this epsilon, shape (m,); None for 0, which was measured to give
        the same posterior within 0.001 of AUROC, without a solution. The distance is -epsilon / 8
        log mean_j exp(8 (g_j - C_ij) / epsilon)
    keep_classes : return the probability of every class too: n v floats

    Notes
    -----
    One pass: time O(n m (d + v)), memory O((n + m) d + tile m).
    """
    if not (np.isfinite(epsilon) and epsilon > 0):
        raise ConfigError(f"epsilon must be a positive number, got {epsilon}.")
    require_labels(cost.x_labels, n_classes, "training")
    require_labels(cost.y_labels, n_classes, "validation")
    epsilon, precision = suited(cost, epsilon, "float32", device)
    dtype = getattr(torch, precision)
    tiles = CostTiles(cost, device=torch.device(device), dtype=dtype, tile=tile)
    y_labels = torch.tensor(cost.y_labels, device=device)
    one_hot = torch.nn.functional.one_hot(y_labels, n_classes).to(dtype)
    x_labels = torch.tensor(cost.x_labels, device=device)
    no_f = torch.zeros(tiles.n, dtype=dtype, device=device)
    h = torch.zeros(tiles.m, dtype=dtype, device=device)
    if g is not None:
        h += torch.as_tensor(g).to(dtype).to(device)
    order = torch.as_tensor(tiles.order, device=device)
    label, probability, own, distance = (
        torch.empty(tiles.n, dtype=dtype, device=device) for _ in range(4)
    )
    classes = np.empty((tiles.n, n_classes), np.float32) if keep_classes else None
    for span in tiles.spans:
        progress("Resemblance", span[0] / tiles.n)
        rows = order[slice(*span)]
        scores = tiles.exponents(span, no_f[slice(*span)], h, epsilon)
        peak = scores.amax(dim=1, keepdim=True)
        weights = scores.sub_(peak).clamp_(min=LOWEST_EXPONENT).exp_()
        posterior = weights @ one_hot
        posterior /= posterior.sum(dim=1, keepdim=True)
        probability[rows], best = posterior.max(dim=1)
        label[rows] = best.to(label.dtype)
        if classes is not None:
            classes[rows.cpu().numpy()] = posterior.float().cpu().numpy()
        own[rows] = posterior.gather(1, x_labels[rows, None])[:, 0]
        # Weights at an eighth of epsilon are the eighth powers of these: no further exponentials.
        sharp = weights.clamp_(min=_LEAST_WEIGHT).square_().square_().square_().mean(dim=1)
        distance[rows] = -epsilon * (peak[:, 0] + sharp.log() / _SHARPER)
    return LabelPosterior(
        label=label.cpu().numpy().astype(np.int64),
        probability=probability.float().cpu().numpy(),
        own_probability=own.float().cpu().numpy(),
        distance=distance.float().cpu().numpy(),
        classes=classes,
    )
