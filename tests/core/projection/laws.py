"""Accuracies of mixtures whose best mix is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Hill:
    """Accuracy 0.9 - n^-0.5 - weight |p - top|^2: the best mix is the ratio nearest to the top."""

    top: np.ndarray
    weight: float = 0.5

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.9 - n**-0.5 - self.weight * ((p - self.top) ** 2).sum(axis=1)

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        # A constant may be added, and is.
        return 7.0 - 2 * self.weight * (p - self.top)


@dataclass(frozen=True)
class TwoPeaks:
    """A wide low peak in the middle and a narrow high one near the last corner."""

    low: np.ndarray = field(default_factory=lambda: np.array([0.4, 0.4, 0.2]))
    high: np.ndarray = field(default_factory=lambda: np.array([0.05, 0.05, 0.9]))

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.5 * self._peak(p, self.low, 0.3) + 0.8 * self._peak(p, self.high, 0.05)

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        wide, narrow = self._peak(p, self.low, 0.3), self._peak(p, self.high, 0.05)
        return (
            -0.5 * wide[:, None] * (p - self.low) / 0.3**2
            - 0.8 * narrow[:, None] * (p - self.high) / 0.05**2
        )

    def _peak(self, p: np.ndarray, center: np.ndarray, width: float) -> np.ndarray:
        return np.exp(-((p - center) ** 2).sum(axis=1) / (2 * width**2))


@dataclass(frozen=True)
class Turning:
    """The best mix moves from the first source to the second as n grows."""

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return 0.9 - ((p[:, 1] - self._best(n)) ** 2)

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        slope = np.zeros_like(p)
        slope[:, 1] = -2 * (p[:, 1] - self._best(n))
        return slope

    def _best(self, n: np.ndarray) -> np.ndarray:
        return np.clip(np.log10(n) / 5, 0, 1)


@dataclass(frozen=True)
class Pinch:
    """The best mix has 2.5e-7 of the last source, and none of it is clearly worse."""

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        return p[:, 0] + 1e-3 * np.sqrt(p[:, -1] + 1e-12)

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        slope = np.zeros_like(p)
        slope[:, 0], slope[:, -1] = 1.0, 5e-4 / np.sqrt(p[:, -1] + 1e-12)
        return slope
