"""Whether accuracy grows with log N, as Theorem 1 of the paper has it, or bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.projection.measured import Measured

_SIZES = 3  # a bend needs
_MIXTURES = 3  # so that their spread says how sure it is
_LEVEL = 0.95  # of the interval that chance stays within


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """How the accuracies that were measured depart from straight lines in log N.

    Attributes
    ----------
    change : accuracy (0 to 1) that a doubling of N gains more than the doubling before it did, the
        mean over mixtures; below 0 where growth slows down
    error : its standard error, from how mixtures differ
    mixtures : how many they are
    largest : the largest size that was measured
    """

    change: float
    error: float
    mixtures: int
    largest: int

    @property
    def chance(self) -> float:
        """Return the largest change of either sign that chance explains (Student's t)."""
        from scipy.stats import t

        return float(t.ppf((1 + _LEVEL) / 2, self.mixtures - 1)) * self.error

    @property
    def slows(self) -> bool:
        """Return whether growth slows down by more than chance explains."""
        return self.change < -self.chance

    @property
    def sentence(self) -> str:
        """Return what that means, for people."""
        size = f"{100 * abs(self.change):.1f} ± {100 * self.error:.1f} points"
        if self.slows:
            return (
                f"Accuracy saturates: each doubling brings {size} less than the one before. Laws "
                "that grow with log N, all but the saturating and the rational law, promise too "
                f"much beyond {self.largest:,} images."
            )
        if self.change > self.chance:
            return (
                "At the sizes that were trained growth does not slow down yet (each doubling "
                f"brings {size} more than the one before): that it ends is assumed, not seen. "
                "Larger pilots would tell."
            )
        return (
            f"Accuracy grows about as log N so far (doublings differ by {size}): the data support "
            "laws with and without an end of growth, which part beyond "
            f"{self.largest:,} images."
        )


def bend(measured: Measured) -> Bend | None:
    """Return how accuracies bend; None where too few mixtures were trained at three sizes.

    A parabola in log2 N is fitted to each mixture, repeats averaged; twice its leading coefficient
    is what one doubling gains more than the one before.
    """
    means = measured.mean()
    _, mixture = means.mixtures()
    found = []
    for g in range(int(mixture.max()) + 1):
        rows = mixture == g
        if rows.sum() >= _SIZES:
            found.append(2 * np.polyfit(np.log2(means.n[rows]), means.accuracy[rows], 2)[0])
    if len(found) < _MIXTURES:
        return None
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    return Bend(
        change=float(np.mean(found)),
        error=float(error),
        mixtures=len(found),
        largest=int(means.n.max()),
    )
