"""How unlike the validation images an embedding is, whatever its label. NumPy alone.

Distances in units of cost treat all directions alike. Within a class the embeddings of sound images
vary a lot in a few directions and hardly in others, and most damage shows in the latter: so the
distance is measured in deviations of the classes themselves (Mahalanobis; Lee et al., "A simple
unified framework for detecting out-of-distribution samples", NeurIPS 2018). And where pictures can
be damaged on purpose, the direction that the damage moves them in is known (Fisher's discriminant).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Where images are few beside the width of the embedding, the estimate by Chen et al. is above this.
_LEAST_SHRINKAGE = 0.01
_ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What strangeness is measured against.

    Attributes
    ----------
    means : of the validation classes, times `whitening`, float64, shape (classes there, d)
    whitening : float64, shape (d, d); x @ whitening has unit variance within a class
    """

    means: np.ndarray
    whitening: np.ndarray

    def strangeness(self, x: np.ndarray) -> np.ndarray:
        """Return the distance to the nearest class mean, in deviations a direction.

        float64, shape (n,), about 1 for images of the validation set, whatever d. Time O(n d^2).
        """
        squares = np.square(self.means).sum(axis=1)
        found = np.empty(len(x))
        for start in range(0, len(x), _ROWS_AT_ONCE):
            white = np.asarray(x[start : start + _ROWS_AT_ONCE], np.float64) @ self.whitening
            apart = squares - 2 * white @ self.means.T
            apart += np.square(white).sum(axis=1, keepdims=True)
            found[start : start + _ROWS_AT_ONCE] = apart.min(axis=1)
        return np.sqrt(np.maximum(found, 0.0) / max(x.shape[1], 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The direction in which embeddings of damaged pictures lie.

    Attributes
    ----------
    direction : shape (d,); `x @ direction - origin` has unit variance over sound images
    origin : their mean along it
    """

    direction: tuple[float, ...]
    origin: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return how far each image lies in that direction, in deviations, float64, shape (n,)."""
        return np.asarray(np.asarray(x) @ np.array(self.direction), np.float64) - self.origin


def yardstick(y: np.ndarray, y_labels: np.ndarray) -> Yardstick:
    """Return the means of the classes and their common covariance, shrunk towards a sphere.

    By how much follows from the number of images and from the covariance itself: the oracle
    approximating shrinkage of Chen, Wiesel, Eldar and Hero (IEEE Trans. Signal Processing 2010,
    Eq. 23).

    Parameters
    ----------
    y, y_labels : validation embeddings, shape (m, d), and their labels
    """
    classes, position = np.unique(y_labels, return_inverse=True)
    points = np.asarray(y, dtype=np.float64)
    means = np.stack([points[position == k].mean(axis=0) for k in range(len(classes))])
    free = max(len(points) - len(classes), 1)
    rest = points - means[position]
    covariance = _shrunk(rest.T @ rest / free, free)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(values)
    return Yardstick(means=means @ whitening, whitening=whitening)


def damage_direction(y: np.ndarray, damaged: np.ndarray) -> Damage | None:
    """Return the direction that tells damaged pictures from sound ones best (Fisher).

    Parameters
    ----------
    y, damaged : embeddings of sound pictures and of damaged copies of such, shapes (m, d), (k, d)

    Returns
    -------
    Damage, or None where the damage does not show at all
    """
    sound, other = (np.asarray(z, dtype=np.float64) for z in (y, damaged))
    center = sound.mean(axis=0)
    moved = other.mean(axis=0) - center
    within = [z - z.mean(axis=0) for z in (sound, other)]
    free = max(len(sound) + len(other) - 2, 1)
    covariance = _shrunk(sum(z.T @ z for z in within) / free, free)
    direction = np.linalg.solve(covariance, moved)
    deviation = float((within[0] @ direction).std())
    if not deviation > 0:
        return None
    direction /= deviation
    return Damage(direction=tuple(direction.tolist()), origin=float(center @ direction))


def _shrunk(covariance: np.ndarray, count: int) -> np.ndarray:
    """Return a covariance of `count` samples moved towards the sphere of the same trace."""
    d = len(covariance)
    trace, squares = float(np.trace(covariance)), float(np.square(covariance).sum())
    if not trace > 0:
        return np.eye(d)
    above = (1 - 2 / d) * squares + trace**2
    below = (count + 1 - 2 / d) * (squares - trace**2 / d)
    share = min(max(above / below if below > 0 else 1.0, _LEAST_SHRINKAGE), 1.0)
    return (1 - share) * covariance + share * trace / d * np.eye(d)
