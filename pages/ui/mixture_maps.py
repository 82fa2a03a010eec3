"""Many mixes of a projection at once, and the best of them, ready for JSON; as `mixture_data`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from core.acquisition import Projection
from core.errors import ConfigError
from core.projection import lattice, space_filling
from pages.ui.mixture_data import described, ready

_TRIANGLE_STEPS, _LINE_STEPS = 40, 100
_SPREAD = 240
_STOPS = 60
# Searches that are kept: somebody who drags a budget back finds the answer there.
_KEPT = 64
Locked = tuple[float | None, ...]
"""The shares of sources that are fixed, None for those that are free. Equal ones are equal keys."""


def field(
    projection: Projection,
    n: int,
    by: str,
    *,
    p: np.ndarray | None = None,
    corners: Sequence[int] = (),
) -> dict[str, Any]:
    """Return the accuracies of n images all over a triangle of mixes, or a line of two sources.

    Parameters
    ----------
    p : with more than three sources, what the third corner is made of: the sources that are not
        in `corners`, in these proportions; shape (m,)
    corners : two sources; none for all three of three

    Raises
    ------
    ConfigError : there is one source, the corners are no two sources, or as `mix`
    """
    m = len(projection.record.offers)
    if m == 1:
        raise ConfigError("There is one source and nothing to mix.")
    steps = _LINE_STEPS if m == 2 else _TRIANGLE_STEPS
    ends = np.eye(m) if m <= 3 and not corners else _corners(m, p, corners)
    ratios = lattice(len(ends), steps) @ ends
    accuracy = projection.fitted(by).predict(ratios, np.array([n]))
    found: dict[str, Any] = ready({"steps": steps, "corners": ends, "accuracy": accuracy})
    return found


def _corners(m: int, p: np.ndarray | None, chosen: Sequence[int]) -> np.ndarray:
    """Return the ratios of the corners, shape (3, m)."""
    if m < 3:
        raise ConfigError("Corners are chosen among three sources or more.")
    if len(set(chosen)) != 2 or not all(0 <= source < m for source in chosen):
        raise ConfigError(f"Two of the {m} sources are corners of the map: a and b, from 0.")
    others = np.zeros(m) if p is None else p.copy()
    others[list(chosen)] = 0.0
    if others.sum() <= 0:
        others = np.ones(m)
        others[list(chosen)] = 0.0
    return np.vstack([np.eye(m)[list(chosen)], others / others.sum()])


def spread(projection: Projection, n: int, by: str) -> dict[str, Any]:
    """Return mixes all over the simplex with their accuracies; raises as `mix`."""
    ratios = space_filling(len(projection.record.offers), _SPREAD, seed=0)
    accuracy = projection.fitted(by).predict(ratios, np.array([n]))
    found: dict[str, Any] = ready({"p": ratios, "accuracy": accuracy})
    return found


@lru_cache(_KEPT)
def best_mix(
    projection: Projection, n: int | None, by: str, budget: float | None, locked: Locked | None
) -> dict[str, Any]:
    """Return the best mix of n images, or with None of any size that the budget pays for.

    Raises
    ------
    ConfigError : it cannot be bought, there is neither a size nor a budget, what is locked is no
        part of a mix, or as `mix`
    """
    if n is None and budget is None:
        raise ConfigError("The best mix needs a number of images, or a budget.")
    fixed = _fixed(locked)
    if n is not None:
        found = projection.best(n, budget, predictor=by, fixed=fixed)
    elif budget is not None:
        found = projection.best_for(budget, predictor=by, fixed=fixed)
    stops = np.unique(np.rint(np.linspace(0, len(found.path) - 1, _STOPS)).astype(int))
    return {
        **described(projection.record, projection.described(found, predictor=by)),
        **ready({"path": found.path[stops], "agreement": found.agreement}),
    }


@lru_cache(_KEPT)
def best_by_size(
    projection: Projection, by: str, budget: float | None, locked: Locked | None
) -> dict[str, Any]:
    """Return the best mixes at the sizes of the record; raises as `best_mix`."""
    record = projection.record
    if budget is None and locked is None and by == record.predictor:
        return {"best": [described(record, one) for one in record.best]}
    sizes = (one.n for one in record.best)
    mixes = projection.best_path(sizes, budget, predictor=by, fixed=_fixed(locked))
    return {"best": [described(record, projection.described(one, predictor=by)) for one in mixes]}


def _fixed(locked: Locked | None) -> np.ndarray | None:
    """Return the shares that are locked, shape (m,), NaN for the others."""
    return None if locked is None else np.array(locked, dtype=np.float64)
