"""Which classes are given which wrong label, found without a single true label. NumPy alone.

What the features say of an image's class, P_i(u), and the labels given make a mixture::

    P(label y | image i) = sum_u P_i(u) T[u, y]

T[u, y] is the share of images of class u that are labelled y. Expectation maximization finds it. A
label that many images were given wrongly - all those with the trigger of a backdoor, or every
second dog called a cat - is the likelier explanation of the next image that does not look like it.

The same idea, with cross-validated instead of transported probabilities: Northcutt, Jiang and
Chuang, "Confident learning", JAIR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Images of each class that speak for wrong labels spread evenly, before any is seen.
_PRIOR_IMAGES = 300.0
# Fewer wrong labels than these say nothing about who got them.
_FEWEST = 5.0
_MOST_ROWS = 100_000
_ROUNDS = 100
_SAME = 1e-4
_LEAST_PROBABILITY = 1e-7
# A label given wrongly to images of most classes so much oftener than labels usually are: on
# CIFAR-10 2.7 and more with backdoors in 2 % of the images, 1.5 at most without (10,000 images).
_FLOODED = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mislabelling:
    """How common each way to be mislabelled is.

    Attributes
    ----------
    ratio : shape (v, v), class by label given: how much commoner than if the same number of wrong
        labels were spread evenly; 1 on the diagonal
    flooded : shape (v,): labels given wrongly to images of all other classes, as those are that a
        backdoor aims at
    """

    ratio: tuple[tuple[float, ...], ...]
    flooded: tuple[bool, ...]

    def log_commonness(self, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return how much commoner this image's way to be mislabelled is, log, float64, (n,).

        Parameters
        ----------
        classes, labels : probabilities of the classes by the features, shape (n, v), and the labels
            given, shape (n,)
        """
        others = _others(classes, labels)
        ratio = np.einsum("iu,ui->i", others, np.array(self.ratio)[:, labels])
        return np.log(np.maximum(ratio, 1e-9))


def find_mislabelling(classes: np.ndarray, labels: np.ndarray) -> Mislabelling:
    """Return how common each way to be mislabelled is among n images.

    Parameters
    ----------
    classes : probabilities of the classes by the features alone, shape (n, v), rows of sum 1
    labels : labels given, shape (n,)

    Notes
    -----
    Of a large set 100,000 images are looked at, evenly. Time O(n v) a round.
    """
    step = -(-len(labels) // _MOST_ROWS)
    seen, labels = np.maximum(classes[::step], _LEAST_PROBABILITY, dtype=np.float64), labels[::step]
    v = seen.shape[1]
    even = Mislabelling(ratio=((1.0,) * v,) * v, flooded=(False,) * v)
    if v < 3:
        return even
    own = np.eye(v, dtype=bool)
    given = np.where(own, 0.9, 0.1 / (v - 1))
    for _ in range(_ROUNDS):
        joint = seen * given[:, labels].T
        joint /= joint.sum(axis=1, keepdims=True)
        counts = _by_label(joint, labels, v)
        wrong = 1 - np.trace(counts) / len(labels)
        before = given
        counts += _PRIOR_IMAGES * np.where(own, 1 - wrong, wrong / (v - 1))
        given = counts / counts.sum(axis=1, keepdims=True)
        if np.abs(given - before).max() < _SAME:
            break
    if wrong * len(labels) < _FEWEST:
        return even
    ratio = np.where(own, 1.0, given / (wrong / (v - 1)))
    return Mislabelling(
        ratio=tuple(map(tuple, ratio.tolist())),
        flooded=tuple(_flooded(ratio, labels, seen).tolist()),
    )


def _flooded(ratio: np.ndarray, labels: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the labels that images of most classes are given far oftener than is usual."""
    v = len(ratio)
    given = np.bincount(labels, minlength=v) > 0
    # Of a class that nothing can look like, nothing is known.
    ways = ~np.eye(v, dtype=bool) & (seen.max(axis=0) > _LEAST_PROBABILITY)[:, None] & given
    found = np.zeros(v, dtype=bool)
    for y in np.flatnonzero(ways.any(axis=0)):
        rest = ratio[:, np.arange(v) != y][ways[:, np.arange(v) != y]]
        # Three classes in four: what confuses people are a few classes, not all of them.
        low = np.quantile(ratio[ways[:, y], y], 0.25)
        found[y] = bool(len(rest)) and low > _FLOODED * np.median(rest)
    return found


def _others(classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probabilities of the classes other than the label given, rows of sum 1."""
    others = np.maximum(classes, _LEAST_PROBABILITY, dtype=np.float64)
    others[np.arange(len(labels)), labels] = 0.0
    return np.asarray(others / others.sum(axis=1, keepdims=True))


def _by_label(joint: np.ndarray, labels: np.ndarray, v: int) -> np.ndarray:
    """Return the sum of the rows of each label, shape (v, v): class by label."""
    return np.stack([np.bincount(labels, joint[:, u], minlength=v) for u in range(v)])
