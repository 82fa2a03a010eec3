"""How fast a review goes: decisions a minute, with pauses cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

PAUSE_S = 60.0
_STROKE_S = 0.02  # nobody presses two keys within it: decisions this close were made in one stroke


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast decisions were made.

    Attributes
    ----------
    strokes : decisions, those made in one stroke counted once
    active_minutes : time between decisions, without pauses of more than a minute
    per_minute : strokes in a minute of active time; None before the second
    """

    strokes: int
    active_minutes: float
    per_minute: float | None


def pace(at: pd.Series[pd.Timestamp], reviewer: pd.Series[str]) -> Pace:
    """Return the pace of decisions made at the times `at`, each reviewer's time counted apart.

    Parameters
    ----------
    at : UTC, shape (k,), in any order
    reviewer : who decided, shape (k,)
    """
    moments = pd.to_datetime(at, utc=True).dt.as_unit("us").astype("int64").to_numpy() / 1e6
    who = pd.factorize(reviewer)[0]
    order = np.lexsort((moments, who))
    moments, who = moments[order], who[order]
    gap = np.diff(moments, prepend=-np.inf)
    gap[np.diff(who, prepend=-1) != 0] = np.inf
    stroke = gap > _STROKE_S
    active = gap[stroke & (gap <= PAUSE_S)]
    minutes = float(active.sum()) / 60
    # Only decisions whose time is known count: the first after a pause has none.
    return Pace(
        strokes=int(stroke.sum()),
        active_minutes=minutes,
        per_minute=len(active) / minutes if minutes > 0 else None,
    )
