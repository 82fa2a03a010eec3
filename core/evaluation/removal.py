"""What becomes of a learner when the worst, or the best, images are taken from its training set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError

ENDS = ("worst", "best")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPoint:
    """What a learner does without some of its training images.

    Attributes
    ----------
    end : "worst" or "best": which images went first; or another word for what chose them
    share : of the training images that are gone, 0 to 1
    removed : how many
    accuracy : on test images, 0 to 1
    attack_success, target_confidence : see `core.evaluation.attack_effect`; NaN without an attack
    """

    end: str
    share: float
    removed: int
    accuracy: float
    attack_success: float = float("nan")
    target_confidence: float = float("nan")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a trained learner does: accuracy, attack success, target confidence, as above."""

    accuracy: float
    attack_success: float = float("nan")
    target_confidence: float = float("nan")


def kept_rows(value: np.ndarray, share: float, *, end: str = "worst", seed: int = 0) -> np.ndarray:
    """Return the rows that stay when the worst (or best) share of the images is removed.

    Parameters
    ----------
    value : shape (n,), finite; higher is better
    share : 0 to 1; rounded to whole images
    end : "worst" or "best"
    seed : decides among images of equal value, so that no order of the input flatters a ranking

    Returns
    -------
    int64, in rising order; with one seed, those of a larger share are among those of a smaller one

    Raises
    ------
    ConfigError : `share` or `end` is out of range
    """
    if end not in ENDS or not 0 <= share <= 1:
        raise ConfigError(f"Expected a share of 0 to 1 of the worst or best, got {share} {end}.")
    value = np.asarray(value, dtype=np.float64)
    dice = np.random.default_rng(seed).random(len(value))
    order = np.lexsort((dice, value if end == "worst" else -value))
    return np.sort(order[round(share * len(value)) :])


def removal_curve(
    value: np.ndarray,
    measure: Callable[[np.ndarray], Effect],
    shares: Sequence[float],
    *,
    end: str = "worst",
    seed: int = 0,
) -> list[RemovalPoint]:
    """Train again without each share of the worst (or best) images, and measure.

    Parameters
    ----------
    value : shape (n,), finite; higher is better
    measure : trains a learner on the rows that it is given, int64 in rising order, and says what
        it does
    shares : 0 to below 1, each leaving at least one image
    end, seed : as for `kept_rows`

    Raises
    ------
    ConfigError : a share leaves no image, or is out of range

    Notes
    -----
    One training a share.

    References
    ----------
    Ghorbani and Zou, Data Shapley, ICML 2019, section 4; Just et al., LAVA, ICLR 2023, figure 3
    """
    points = []
    for share in shares:
        rows = kept_rows(value, share, end=end, seed=seed)
        if not len(rows):
            raise ConfigError(f"Without {share:.0%} of the images none is left to train on.")
        effect = measure(rows)
        points.append(
            RemovalPoint(
                end=end,
                share=share,
                removed=len(value) - len(rows),
                accuracy=effect.accuracy,
                attack_success=effect.attack_success,
                target_confidence=effect.target_confidence,
            )
        )
    return points
