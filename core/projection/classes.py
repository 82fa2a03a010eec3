"""How common each class is in each source, as far as pilots tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import DataError

# More classes than this are put into groups that the sources treat alike: a law with two numbers a
# class would not be determined, nor quick to fit.
MOST_GROUPS = 40
# Sources count as alike in their classes unless counts spread by so many deviations more than
# chance explains: else the noise of a pilot would be taken for a difference.
_CLEARLY = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassShares:
    """The classes of m sources and of the validation set, v of them in g groups.

    Attributes
    ----------
    group : of each class, int64 from 0 to g - 1, shape (v,); up to 40 classes are a group each
    sources : mean share of a class of the group in a source, above 0, shape (m, g)
    validation : share of the group in the validation set, shape (g,), sum 1
    """

    group: np.ndarray
    sources: np.ndarray
    validation: np.ndarray

    @property
    def v(self) -> int:
        """Return the number of classes."""
        return len(self.group)

    @property
    def differ(self) -> bool:
        """Return whether the sources differ in their classes, as far as pilots can tell."""
        return bool((self.sources != self.sources[0]).any())

    @property
    def width(self) -> int:
        """Return the number of groups."""
        return len(self.validation)


def class_shares(
    labels: np.ndarray, source: np.ndarray, y_labels: np.ndarray, n_classes: int
) -> ClassShares:
    """Estimate the classes' shares from pilots.

    Shares are drawn towards those of all pilots together, as far as chance explains how pilots
    differ: between the Dirichlet-multinomial's concentration by moments and, for clearly different
    sources, half an image of each class.

    Parameters
    ----------
    labels, source : of the pilots' images, int64, shapes (n,)
    y_labels : of the validation set, int64, shape (m_val,)
    n_classes : v

    Raises
    ------
    DataError : there are no images on a side
    """
    if not len(labels) or not len(y_labels):
        raise DataError("Class shares need pilots and a validation set with images.")
    m = int(source.max()) + 1
    counts = np.zeros((m, n_classes))
    np.add.at(counts, (source, labels), 1)
    validation = np.bincount(y_labels, minlength=n_classes) / len(y_labels)
    shares = _shrunk(counts)
    group = _groups(shares)
    members = np.eye(int(group.max()) + 1)[group]
    return ClassShares(
        group=group,
        sources=shares @ members / members.sum(axis=0),
        validation=validation @ members,
    )


def _shrunk(counts: np.ndarray) -> np.ndarray:
    """Return shares, shape (m, v), rows with sum 1, from counts of that shape."""
    n = counts.sum(axis=1, keepdims=True)
    m, v = counts.shape
    pooled = (counts.sum(axis=0) + 0.5) / (counts.sum() + 0.5 * v)
    concentration = max(_concentration(counts, pooled), 0.5 * v)
    if np.isinf(concentration):
        return np.tile(pooled, (m, 1))
    return np.asarray((counts + concentration * pooled) / (n + concentration))


def _concentration(counts: np.ndarray, pooled: np.ndarray) -> float:
    """Return the Dirichlet's concentration by moments; infinity where sources seem alike."""
    m, v = counts.shape
    if m < 2 or v < 2:
        return np.inf
    n = counts.sum(axis=1)
    spread = float((((counts / n[:, None]) - pooled) ** 2).sum(axis=1).mean()) * m / (m - 1)
    of_one = 1 - float((pooled**2).sum())
    size = float(1 / np.mean(1 / n))
    relative = spread / of_one
    freedom = (m - 1) * (v - 1)
    if size <= 1 or (relative * size - 1) * np.sqrt(freedom / 2) < _CLEARLY:
        return np.inf
    return float((1 - 1 / size) / (relative - 1 / size) - 1)


def _groups(shares: np.ndarray) -> np.ndarray:
    """Put classes whose shares are alike in every source together, int64, shape (v,)."""
    v = shares.shape[1]
    if v <= MOST_GROUPS:
        return np.arange(v)
    from scipy.cluster.vq import kmeans2  # takes a moment to import

    profiles = np.log(shares.T)
    _, found = kmeans2(profiles, MOST_GROUPS, minit="++", rng=np.random.default_rng(0))
    # Groups that stayed empty are left out.
    return np.asarray(np.unique(found, return_inverse=True)[1].reshape(-1), dtype=np.int64)
