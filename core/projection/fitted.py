"""A predictor that was fitted: accuracy of any mixing ratio at any size, and its slope in p.

A family (one file each) fits a *law* to what was measured. The law is a handful of numbers, so a
run keeps it as JSON and the pilots are not needed again; only the two laws of the paper also ask
for the OT distance of a mixture, which `MixtureDistance` gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from core.errors import ConfigError, DataError


class MixtureDistance(Protocol):
    """The OT distance between a mixture of the pilots and the validation set."""

    def distance(self, p: np.ndarray) -> np.ndarray:
        """Return the distances of mixing ratios, shape (k, m): shape (k,), units of cost."""

    def gradient(self, p: np.ndarray) -> np.ndarray:
        """Return their derivatives by p, shape (k, m), up to a constant in each row."""


class Law(Protocol):
    """What a family of predictors implements; k questions, m sources.

    `distance`, shape (k,), and `slope`, its derivative by p, shape (k, m), are zeros for laws that
    do not use them.
    """

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,), not clipped to 0 to 1."""

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return the derivative of `accuracy` by p at fixed n, shape (k, m)."""

    def per_class(self, p: np.ndarray, n: np.ndarray) -> np.ndarray | None:
        """Return accuracies by class, shape (k, v); None for laws that know no classes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""


class Classless:
    """What laws share that know no classes."""

    def per_class(self, p: np.ndarray, n: np.ndarray) -> np.ndarray | None:
        """Return nothing."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a person should know of a fit.

    Attributes
    ----------
    points : mixtures and sizes that were fitted to, repeats of one counted once
    parameters : numbers that were fitted
    regularized : the fit was drawn towards simpler laws, as it must be where `points` is less than
        `parameters`
    residual : root mean square of measured minus fitted accuracy, 0 to 1
    values : parameters and choices by name, in terms of JSON
    notes : sentences for people: what was chosen and why, what to beware of
    """

    points: int
    parameters: int
    regularized: bool
    residual: float
    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A fitted predictor.

    Attributes
    ----------
    predictor : name in `PREDICTORS`
    m : number of sources
    law : what was fitted
    facts : what to know of the fit
    measure : gives the OT distance of a mixture; None for laws that do not ask for it
    """

    predictor: str
    m: int
    law: Law
    facts: Facts
    measure: MixtureDistance | None = None

    def predict(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return predicted accuracies, float64, shape (k,), not clipped to 0 to 1.

        Parameters
        ----------
        p : mixing ratios, shape (k, m), or (m,) for one ratio at every size
        n : numbers of training images, shape (k,) or one number

        Raises
        ------
        DataError : the ratios are of another number of sources, or a size is below 1
        """
        return np.asarray(self.law.accuracy(*self.inputs(p, n)), dtype=np.float64)

    def gradient(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return the derivative of `predict` by p at fixed n, float64, shape (k, m).

        On the simplex only differences within a row mean something: a constant may be added.
        """
        p, n = self._questions(p, n)
        slope = np.zeros_like(p)
        if self.measure is not None:
            slope = np.asarray(self.measure.gradient(p), dtype=np.float64)
        return np.asarray(self.law.gradient(p, n, self._distances(p), slope), dtype=np.float64)

    def per_class(self, p: np.ndarray, n: np.ndarray) -> np.ndarray | None:
        """Return predicted accuracies by class, shape (k, v); None if the law knows no classes."""
        p, n = self._questions(p, n)
        return self.law.per_class(p, n)

    def to_json(self) -> str:
        """Return the fit as JSON, the distance of mixtures left out."""
        return json.dumps(
            {
                "predictor": self.predictor,
                "m": self.m,
                "law": self.law.to_dict(),
                "facts": asdict(self.facts),
            }
        )

    def inputs(self, p: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what laws take: ratios, shape (k, m), sizes and OT distances, shapes (k,).

        Raises as `predict` does.
        """
        p, n = self._questions(p, n)
        return p, n, self._distances(p)

    def _distances(self, p: np.ndarray) -> np.ndarray:
        """Return the OT distances of mixtures, shape (k,); zeros where the law does not ask."""
        if self.measure is None:
            return np.zeros(len(p))
        return np.asarray(self.measure.distance(p), dtype=np.float64)

    def _questions(self, p: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ratios, shape (k, m), and sizes, shape (k,), that were checked."""
        p = np.atleast_2d(np.asarray(p, dtype=np.float64))
        n = np.atleast_1d(np.asarray(n, dtype=np.float64))
        k = max(len(p), len(n))
        if p.shape[1] != self.m:
            raise DataError(f"Expected ratios of {self.m} sources, got shape {p.shape}.")
        if {len(p), len(n)} - {1, k}:
            raise DataError(f"Expected one size a ratio, got {len(p)} ratios and {len(n)} sizes.")
        if not (n >= 1).all():
            raise DataError("Accuracy is predicted for one training image or more.")
        return np.broadcast_to(p, (k, self.m)).copy(), np.broadcast_to(n, (k,)).copy()


def few_points(points: int, parameters: int) -> tuple[str, ...]:
    """Return a sentence where there are fewer points than parameters; nothing elsewhere."""
    if points >= parameters:
        return ()
    return (
        f"{points:,} mixtures and sizes do not determine {parameters:,} parameters: the fit was "
        "regularized, and what they leave open is assumed. Train at more of them.",
    )


def facts_from(raw: Mapping[str, Any]) -> Facts:
    """Return facts that were kept as JSON.

    Raises
    ------
    ConfigError : something is missing
    """
    try:
        return Facts(**{**raw, "notes": tuple(raw["notes"])})
    except (KeyError, TypeError) as error:
        raise ConfigError(f"The fit that was kept is not complete: {error}.") from error
