"""What the statistics of a review need of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.curation.audit import AUDIT_SIZE, audit_sample
from core.runs import Run

UNREVIEWED, UNSURE, SOUND, FAULTY = range(4)
"""What the review says of an image, so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewable:
    """What the statistics need of a run; it never changes, so it is made once.

    Attributes
    ----------
    rank : int64, shape (n,); 1 is worst
    flagged : images that look harmful: those of rank 1 to `flagged`
    audit : rows of the audit sample, in its order
    fault_probability : float64, shape (n,), where the run is calibrated, else None
    """

    rank: np.ndarray
    flagged: int
    audit: np.ndarray
    fault_probability: np.ndarray | None = None


def reviewable(run: Run, *, audit_size: int = AUDIT_SIZE) -> Reviewable:
    """Return what the statistics need of `run`."""
    values = run.values
    audit = audit_sample(
        values["id"],
        values["label"].to_numpy(),
        run.cut.harmful,
        seed=run.record.training_parts[0].fingerprint,
        size=audit_size,
    )
    odds = None
    if "fault_probability" in values.columns:
        odds = values["fault_probability"].to_numpy(dtype=np.float64)
    return Reviewable(rank=run.ranks, flagged=run.cut.count, audit=audit, fault_probability=odds)
