"""A training set drawn from the pilots by a mixing ratio (Algorithm 1, line 5)."""

from __future__ import annotations

import numpy as np

from core.errors import ConfigError
from core.projection.pilots import Pilots
from core.projection.simplex import counts_of


def feasible(pilots: Pilots, p: np.ndarray, n: int) -> bool:
    """Return whether the pilots hold enough images for n of them at ratio p, shape (m,).

    Raises
    ------
    ConfigError : p is no ratio of the m sources, or n is negative
    """
    return bool((_counts(pilots, p, n) <= pilots.counts).all())


def draw(pilots: Pilots, p: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n images, the share p_s of them from source s, each at most once.

    Classes come in the pilot's shares only by chance, as they would from the seller.

    Returns
    -------
    rows of the pilots, int64, shape (n,), ascending

    Raises
    ------
    ConfigError : a source is to give more than its pilot holds; p is no ratio of the m sources
    """
    counts = _counts(pilots, p, n)
    short = np.flatnonzero(counts > pilots.counts)
    if len(short):
        source = int(short[0])
        raise ConfigError(
            f'A mix of {n:,} images takes {counts[source]:,} from "{pilots.names[source]}", whose '
            f"pilot holds {pilots.counts[source]:,}."
        )
    rows = [
        rng.choice(np.flatnonzero(pilots.source == source), size=count, replace=False)
        for source, count in enumerate(counts)
    ]
    return np.sort(np.concatenate(rows)).astype(np.int64)


def _counts(pilots: Pilots, p: np.ndarray, n: int) -> np.ndarray:
    if np.shape(p) != (pilots.m,):
        raise ConfigError(f"Expected a share for each of {pilots.m} sources, got {p}.")
    return counts_of(p, n)
