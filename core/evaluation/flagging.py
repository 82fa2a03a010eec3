"""Which images look harmful: a cut through the values that needs no truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.valuation import BACKDOOR

# A normal distribution's standard deviation is 1.4826 median absolute deviations.
_MAD_TO_SD = 1.4826
# A backdoor works with a few images in a thousand, so that one which stays costs more than this
# many sound ones that go (docs/evidence.md: attacks after the removal that is suggested).
_SOUND_FOR_A_BACKDOOR = 19


@dataclass(frozen=True, slots=True)
class HarmfulCut:
    """A cut through the values, and what lies below it.

    Attributes
    ----------
    threshold : in the unit of the values; an image looks harmful where its value is below
    median : of all values, same unit
    spread : robust standard deviation of all values (1.4826 median absolute deviations), same unit
    factor : how many spreads the threshold lies below the median; None where it was given
    harmful : bool, shape (n,), read-only
    """

    threshold: float
    median: float
    spread: float
    factor: float | None
    harmful: np.ndarray

    @property
    def count(self) -> int:
        """Return how many images look harmful."""
        return int(self.harmful.sum())

    @property
    def share(self) -> float:
        """Return which share of all images looks harmful, 0 to 1."""
        return float(self.harmful.mean())


def harmful_cut(
    value: np.ndarray, factor: float = 2.0, *, even_odds: float | None = None
) -> HarmfulCut:
    """Cut where odds are even, or else where an ordinary image of the set would hardly ever lie.

    ``threshold = median - factor * 1.4826 * median(|value - median|)``

    Median and median absolute deviation describe the ordinary images as long as these are the
    majority, however far out the others are. With normally distributed values, a factor of 2
    flags one in 44 images of a set without faults. It is a place to start looking, not a verdict:
    values are relative, and in a clean set the images below it are merely unusual.

    Parameters
    ----------
    value : shape (n,), finite, higher is better
    factor : > 0
    even_odds : the value of an image that is as likely faulty as sound, where values say so: then
        the threshold; None where values are relative

    Raises
    ------
    ConfigError : `factor` is not above 0, or there are no values

    Notes
    -----
    The flagged set does not change when all values are shifted or scaled by a positive number. If
    more than half of the values are equal, the spread is 0 and every value below them is flagged.
    """
    if not factor > 0:
        raise ConfigError(f"The factor of the cut must be above 0, got {factor}.")
    value = np.asarray(value, dtype=np.float64)
    if value.size == 0:
        raise ConfigError("There are no values to cut.")
    median = float(np.median(value))
    spread = _MAD_TO_SD * float(np.median(np.abs(value - median)))
    threshold = median - factor * spread if even_odds is None else even_odds
    harmful = value < threshold
    harmful.setflags(write=False)
    return HarmfulCut(threshold, median, spread, None if even_odds is not None else factor, harmful)


def suggested_removal(
    harmful: np.ndarray, probability: np.ndarray | None = None, kind: np.ndarray | None = None
) -> np.ndarray:
    """Return the images that a prune plan proposes to remove: bool, shape (n,), read-only.

    All that look harmful; and of those that are most likely a backdoor, if anything, each that is
    one with a probability of 1 in 20, for a few that stay are enough for it to work.

    Parameters
    ----------
    harmful : bool, shape (n,), as `harmful_cut` gives it
    probability : of any fault, shape (n,), 0 to 1; None where the values do not say
    kind : the likeliest kind of fault, shape (n,), as `Fused.kind` names it; None as above
    """
    suggested = harmful.copy()
    if probability is not None and kind is not None:
        suggested |= (kind == BACKDOOR) & (probability * _SOUND_FOR_A_BACKDOOR >= 1 - probability)
    suggested.setflags(write=False)
    return suggested
