"""Whether a backdoor works on a learner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import DataError


@dataclass(frozen=True, slots=True)
class AttackEffect:
    """How a learner takes pictures with a trigger.

    Attributes
    ----------
    success : share of the triggered images of other classes that are taken for the target class
    confidence : mean probability of the target class on them
    images : how many these were
    """

    success: float
    confidence: float
    images: int


def attack_effect(probabilities: np.ndarray, labels: np.ndarray, target: int) -> AttackEffect:
    """Return how well an attack works; images that are of the target class anyway don't count.

    Parameters
    ----------
    probabilities : shape (k, v): what the learner says of the triggered images
    labels : int64, shape (k,): what they really are
    target : the class that the trigger should lead to

    Raises
    ------
    DataError : no image is of another class than the target

    References
    ----------
    Gu et al., BadNets, 2017, section 4: attack success rate
    """
    others = np.asarray(labels) != target
    if not others.any():
        raise DataError("Every image is of the target class: attack success cannot be measured.")
    seen = probabilities[others]
    return AttackEffect(
        success=float((seen.argmax(axis=1) == target).mean()),
        confidence=float(seen[:, target].mean()),
        images=int(others.sum()),
    )
