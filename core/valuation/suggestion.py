"""Which label an image should have instead of its own, and how sure that is. NumPy alone.

What an image looks like is no verdict on its label: where one label in ten is wrong, of the images
that look nine tenths like another class most are labelled rightly all the same. So the label given
counts as evidence too. With a share s of wrong labels, spread evenly over the v - 1 other classes::

    P(class u | features, label y) ~ P(u | features) * (1 - s if u == y else s / (v - 1))

`s` is the one that makes the labels given likeliest. No truth is needed, and no threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NO_LABEL = 65535
LEAST_CONFIDENCE = 0.5
_ROUNDS = 500
_SAME = 1e-7
# A set without a single wrong label would otherwise make any suggestion impossible.
_LEAST_SHARE = 1e-3


class Suggestions(NamedTuple):
    """A label for each of n images, where another than its own is likelier than not.

    Attributes
    ----------
    label : uint16, shape (n,), a position in the list of classes; `NO_LABEL` where none is
        suggested
    confidence : float32, shape (n,), 0.5 to 1, the probability that the label suggested is the
        right one; NaN where none is suggested
    """

    label: np.ndarray
    confidence: np.ndarray


def suggest(
    labels: np.ndarray,
    looks_like: np.ndarray,
    probability: np.ndarray,
    own_probability: np.ndarray | None,
    n_classes: int,
    *,
    wrong_label: np.ndarray | None = None,
) -> Suggestions:
    """Suggest labels for n images.

    Parameters
    ----------
    labels : labels given, shape (n,)
    looks_like, probability : the class that the features resemble most, and its probability by
        them alone, shapes (n,)
    own_probability : that of the label given, shape (n,); None where it was not kept: then half
        of what `probability` leaves where the two classes differ, more than it mostly is
    n_classes : the number of classes, below `NO_LABEL`
    wrong_label : probability that the label given is wrong, shape (n,), where a calibration found
        it: it goes before what follows from the formula above

    Notes
    -----
    Time O(n). What is suggested was right at least as often as the mean confidence says, on every
    set and by every method tried (docs/suggestions.md).
    """
    probability = np.asarray(probability, dtype=np.float64)
    if own_probability is not None:
        own = np.asarray(own_probability, dtype=np.float64)
    elif wrong_label is None:
        own = np.where(looks_like == labels, probability, (1 - probability) / 2)
    else:
        own = np.zeros_like(probability)
    if wrong_label is None:
        share = wrong_label_share(own, n_classes)
        elsewhere = share / max(n_classes - 1, 1)
        all_ways = (1 - share) * own + elsewhere * (1 - own)
        confidence = elsewhere * probability / np.maximum(all_ways, np.finfo(float).tiny)
    else:
        confidence = wrong_label * probability / np.maximum(1 - own, probability)
    confidence = np.minimum(confidence, 1.0)
    suggested = (looks_like != labels) & (confidence >= LEAST_CONFIDENCE)
    return Suggestions(
        label=np.where(suggested, looks_like, NO_LABEL).astype(np.uint16),
        confidence=np.where(suggested, confidence, np.nan).astype(np.float32),
    )


def wrong_label_share(own_probability: np.ndarray, n_classes: int) -> float:
    """Return the share of wrong labels, 0 to 1, under which the labels given are likeliest.

    Expectation maximization of the mixture in the module's docstring; the likelihood is concave in
    the share, so that there is one answer.
    """
    own = np.asarray(own_probability, dtype=np.float64)
    if n_classes < 2 or not len(own):
        return _LEAST_SHARE
    wrong = (1 - own) / (n_classes - 1)
    share = 0.1
    for _ in range(_ROUNDS):
        before = share
        joint = share * wrong
        share = float((joint / np.maximum(joint + (1 - share) * own, 1e-300)).mean())
        if abs(share - before) < _SAME:
            break
    return min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
