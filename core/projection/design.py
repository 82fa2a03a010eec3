"""Which mixtures are trained, at which sizes and how often, before a predictor is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.projection.drawing import feasible
from core.projection.pilots import Pilots
from core.projection.simplex import lattice, space_filling

# Of the smallest pilot. The last is more than one pilot holds: mixtures of several fill it.
SCALE_SHARES = (0.2, 0.4, 0.8, 1.5)
_SCALE_SHARES_OF_ONE = (0.125, 0.25, 0.5, 1.0)
# Steps of the lattice by number of sources: 1, 9, 15 and 20 mixtures.
_STEPS = {1: 1, 2: 8, 3: 4, 4: 3}
_POINTS_A_SOURCE = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """What is to be trained; k models.

    Attributes
    ----------
    p : mixing ratios, shape (k, m)
    n : images, int64, shape (k,)
    repeat : number of the draw, int64, shape (k,)
    skipped : mixtures and sizes that the pilots cannot fill
    seed : decides the draws
    """

    p: np.ndarray
    n: np.ndarray
    repeat: np.ndarray
    skipped: int
    seed: int

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.n)

    def rng(self, row: int) -> np.random.Generator:
        """Return the generator that draws a row's images: the same whenever it is trained."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, row]))


def default_scales(pilots: Pilots) -> tuple[int, ...]:
    """Return the sizes to train at: 0.2, 0.4, 0.8 and 1.5 times the smallest pilot.

    Of a single source: up to all of its pilot.
    """
    shares = SCALE_SHARES if pilots.m > 1 else _SCALE_SHARES_OF_ONE
    smallest = int(pilots.counts.min())
    return tuple(sorted({max(1, round(share * smallest)) for share in shares}))


def default_points(m: int) -> np.ndarray:
    """Return the mixtures to train, shape (k, m): a lattice up to four sources, else spread."""
    if m in _STEPS:
        return lattice(m, _STEPS[m])
    return space_filling(m, 1 + _POINTS_A_SOURCE * m, seed=0)


def design(
    pilots: Pilots,
    *,
    scales: Sequence[int] | None = None,
    points: int | None = None,
    repeats: int = 3,
    seed: int = 0,
) -> Design:
    """Return what is to be trained, smallest sizes first.

    Parameters
    ----------
    scales : sizes; None for `default_scales`
    points : mixtures, spread over the simplex with its corners and center first; None for a
        lattice (up to four sources) or five a source
    repeats : draws of each mixture and size, 1 or more
    seed : 0 or more

    Raises
    ------
    ConfigError : a size or number is below 1, or the pilots can fill none of the mixtures
    """
    sizes = sorted(set(scales if scales is not None else default_scales(pilots)))
    if not sizes or sizes[0] < 1 or repeats < 1 or (points is not None and points < 1):
        raise ConfigError("A design needs sizes, mixtures and repeats of 1 or more.")
    ratios = default_points(pilots.m) if points is None else space_filling(pilots.m, points, seed)
    cells = [(n, p) for n in sizes for p in ratios]
    filled = [(n, p) for n, p in cells if feasible(pilots, p, n)]
    if not filled:
        raise ConfigError(
            f"The pilots are too small for {sizes[0]:,} images of any of the mixtures; the "
            f"smallest pilot holds {int(pilots.counts.min()):,}."
        )
    return Design(
        p=np.repeat(np.array([p for _, p in filled]), repeats, axis=0),
        n=np.repeat(np.array([n for n, _ in filled], dtype=np.int64), repeats),
        repeat=np.tile(np.arange(repeats, dtype=np.int64), len(filled)),
        skipped=len(cells) - len(filled),
        seed=seed,
    )
