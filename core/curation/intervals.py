"""Numbers with their intervals; all intervals hold 95 %."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its interval; `low` and `high` are None where only the number is known."""

    value: float
    low: float | None = None
    high: float | None = None


def wilson(
    confirmed: np.ndarray, judged: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Wilson score interval of a share, low and high; 0 and 1 where nothing is judged.

    ``(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)``

    Parameters
    ----------
    confirmed, judged : counts, of one shape, confirmed <= judged

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    confirmed, judged = np.asarray(confirmed, np.float64), np.asarray(judged, np.float64)
    z = float(norm.ppf((1 + confidence) / 2))
    n = np.maximum(judged, 1.0)
    share = confirmed / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    empty = judged == 0
    low = np.where(empty | (confirmed == 0), 0.0, center - half)
    high = np.where(empty | (confirmed == judged), 1.0, center + half)
    return low, high


def share_of(confirmed: int, judged: int) -> Estimate:
    """Return a share with its Wilson interval; `judged` is above 0."""
    low, high = wilson(np.array(confirmed), np.array(judged))
    return Estimate(value=confirmed / judged, low=float(low), high=float(high))
