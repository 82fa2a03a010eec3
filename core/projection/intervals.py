"""How sure a prediction is: intervals for the accuracy of a mixture that is yet to be trained.

Two things make a prediction miss, and their variances are added:

- what was measured is a sample: the predictor is fitted again to resampled mixtures and repeats,
  and how these fits spread around the prediction is taken (bootstrap). Where the default mixes
  several laws, a resampled fit takes one of them by its weight, so that their disagreement counts;
- training on other images of the same mixture gives another accuracy: the spread of the repeats,
  which falls with the square root of the size.

The first is stretched if the predictor misses mixtures that were left out of its fit by more than
the two explain. What the largest sizes miss when they are predicted from the smaller ones was tried
for the stretch, and dropped: it did not tell what is missed beyond them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.projection.classes import ClassShares
from core.projection.fitted import Fitted, Law, MixtureDistance
from core.projection.measured import Measured
from core.projection.predictors import fit_predictor, law_from_dict
from core.projection.rational import RationalLaw, refit_rational
from core.projection.saturating import EnsembleLaw, refit, refit_all

DRAWS = 64
# Left-out mixtures at so many of the largest sizes count; smaller ones are not what is asked about.
_SIZES_COMPARED = 2
# Noise of training where there are no repeats: that of a linear head on 500 images, times root 500.
_NOISE = 0.01 * np.sqrt(500)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """Intervals around the predictions of a fit.

    Attributes
    ----------
    fitted : whose predictions they surround
    laws : of fits to resampled data
    stretch : of the spread of those, 1 or more
    noise : deviation of an accuracy by the draw of its training images, times the root of n
    """

    fitted: Fitted
    laws: tuple[Law, ...]
    stretch: float
    noise: float

    def interval(
        self, p: np.ndarray, n: np.ndarray, level: float = 0.9
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of intervals for the accuracies of models yet to be trained.

        Parameters
        ----------
        p, n : as for `Fitted.predict`
        level : share of the accuracies that should lie inside, above 0 and below 1

        Returns
        -------
        low, high : float64, shapes (k,), not clipped to 0 to 1

        Raises
        ------
        ConfigError : the level is no share
        """
        middle = self.fitted.predict(p, n)
        half = _half_width(level) * self.deviation(p, n)
        return middle - half, middle + half

    def per_class(
        self, p: np.ndarray, n: np.ndarray, level: float = 0.9
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the ends of intervals for the accuracies by class, shapes (k, v).

        The noise of training is taken to be independent between v equally common classes: a class
        is learnt from and measured on fewer images, so that it has v times the variance.
        Parameters and errors are those of `interval`; None for laws that know no classes.
        """
        middle = self.fitted.per_class(p, n)
        if middle is None:
            return None
        p, n, _ = self.fitted.inputs(p, n)
        known = [found for law in self.laws if (found := law.per_class(p, n)) is not None]
        spread = np.mean([(found - middle) ** 2 for found in known], axis=0) if known else 0.0
        noise = self.noise**2 * middle.shape[1] / n[:, None]
        half = _half_width(level) * np.sqrt(self.stretch**2 * spread + noise)
        return middle - half, middle + half

    def deviation(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return the standard deviation of accuracy minus prediction, shape (k,)."""
        p, n, distance = self.fitted.inputs(p, n)
        middle = self.fitted.law.accuracy(p, n, distance)
        refits = np.array([law.accuracy(p, n, distance) for law in self.laws])
        spread = ((refits - middle) ** 2).mean(axis=0)
        return np.asarray(np.sqrt(self.stretch**2 * spread + self.noise**2 / n))

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept beside `Fitted.to_json`, in terms of JSON."""
        return {
            "laws": [law.to_dict() for law in self.laws],
            "stretch": self.stretch,
            "noise": self.noise,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any], fitted: Fitted) -> Intervals:
        """Return the intervals that `to_dict` wrote."""
        return cls(
            fitted=fitted,
            laws=tuple(law_from_dict(fitted.predictor, law) for law in raw["laws"]),
            stretch=float(raw["stretch"]),
            noise=float(raw["noise"]),
        )


def _half_width(level: float) -> float:
    """Return how many deviations an interval reaches to either side."""
    if not 0 < level < 1:
        raise ConfigError(f"The level of an interval is above 0 and below 1, got {level}.")
    from scipy.special import ndtri  # takes a moment to import

    return float(ndtri((1 + level) / 2))


def fit_intervals(
    fitted: Fitted,
    measured: Measured,
    *,
    distance: MixtureDistance | None = None,
    classes: ClassShares | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Intervals:
    """Measure how sure the predictions of a fit are.

    Parameters
    ----------
    fitted : by `fit_predictor` from the same data
    measured, distance, classes : as for `fit_predictor`
    draws : resampled fits, 2 or more
    seed : of the resampling, 0 or more

    Notes
    -----
    A second for 60 mixtures and sizes of three sources.
    """
    if draws < 2:
        raise ConfigError(f"Intervals need two resampled fits or more, got {draws}.")
    rng = np.random.default_rng(seed)
    laws = tuple(
        _law_of(fitted, resampled(measured, rng), distance, classes, rng) for _ in range(draws)
    )
    plain = Intervals(fitted=fitted, laws=laws, stretch=1.0, noise=noise_of_training(measured))
    return replace(plain, stretch=stretch_of(plain, measured, distance, classes))


def resampled(measured: Measured, rng: np.random.Generator) -> Measured:
    """Draw as many mixtures as there are, with replacement, and repeats of each size likewise."""
    ratios, mixture = measured.mixtures()
    rows: list[np.ndarray] = []
    for g in rng.integers(0, len(ratios), len(ratios)):
        of_mixture = np.flatnonzero(mixture == g)
        for n in np.unique(measured.n[of_mixture]):
            cell = of_mixture[measured.n[of_mixture] == n]
            rows.append(rng.choice(cell, size=len(cell)))
    return measured.take(np.concatenate(rows))


def stretch_of(
    plain: Intervals,
    measured: Measured,
    distance: MixtureDistance | None,
    classes: ClassShares | None,
) -> float:
    """Return by how much more left-out mixtures are missed than is explained, 1 or more.

    Each mixture is left out in turn and predicted at the two largest sizes; corners are not, for
    what is beyond all that was measured is another question.
    """
    ratios, mixture = measured.mixtures()
    large = np.isin(measured.n, measured.scales[-_SIZES_COMPARED:])
    squares, explained = [], []
    for g in np.flatnonzero((ratios < 1).all(axis=1)):
        out = mixture == g
        if not (out & large).any() or out.all():
            continue
        fitted = plain.fitted
        law = _without(fitted, measured.take(~out), distance, classes)
        rest = measured.take(out & large).mean()
        p, n, distances = fitted.inputs(rest.p, rest.n)
        squares.append((law.accuracy(p, n, distances) - rest.accuracy) ** 2)
        explained.append(plain.deviation(rest.p, rest.n) ** 2)
    if not squares:
        return 1.0
    ratio = np.concatenate(squares).sum() / np.concatenate(explained).sum()
    return float(max(1.0, np.sqrt(ratio)))


def noise_of_training(measured: Measured) -> float:
    """Return the deviation between repeats times the root of n, pooled over mixtures and sizes."""
    _, mixture = measured.mixtures()
    _, cell = np.unique(np.column_stack([measured.n, mixture]), axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    scaled = measured.accuracy * np.sqrt(measured.n)
    counts = np.bincount(cell)
    means = np.bincount(cell, weights=scaled) / counts
    freedom = int((counts - 1).sum())
    if freedom == 0:
        return float(_NOISE)
    return float(np.sqrt(((scaled - means[cell]) ** 2).sum() / freedom))


def _law_of(
    fitted: Fitted,
    sample: Measured,
    distance: MixtureDistance | None,
    classes: ClassShares | None,
    rng: np.random.Generator,
) -> Law:
    """Return the law fitted to a resampled table."""
    if isinstance(fitted.law, EnsembleLaw):
        which = int(rng.choice(len(fitted.law.laws), p=fitted.law.weights))
        return refit(fitted.law.laws[which], sample, classes)
    return _again(fitted, sample, distance, classes)


def _without(
    fitted: Fitted,
    rest: Measured,
    distance: MixtureDistance | None,
    classes: ClassShares | None,
) -> Law:
    """Return the law fitted to what is left; mixed laws keep their weights."""
    if isinstance(fitted.law, EnsembleLaw):
        return refit_all(fitted.law, rest, classes)
    return _again(fitted, rest, distance, classes)


def _again(
    fitted: Fitted,
    data: Measured,
    distance: MixtureDistance | None,
    classes: ClassShares | None,
) -> Law:
    """Return the law fitted to other data, from where it is if it is found step by step."""
    if isinstance(fitted.law, RationalLaw):
        return refit_rational(fitted.law, data)
    return fit_predictor(fitted.predictor, data, distance=distance, classes=classes).law
