"""Every predictor fitted to what was measured, and how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from core.acquisition.record import PredictorRecord
from core.errors import Cancelled, ConfigError, DataError
from core.progress import Progress, silent
from core.projection import (
    DEFAULT_PREDICTOR,
    PREDICTORS,
    ClassShares,
    Fitted,
    Intervals,
    Measured,
    MixtureDistance,
    fit_intervals,
    fit_predictor,
)
from core.threads import one_thread


@dataclass(frozen=True, kw_only=True)
class Fits:
    """What was fitted.

    Attributes
    ----------
    fits, intervals : of the predictors that could be fitted, by name
    records : of all predictors, by name
    """

    fits: Mapping[str, Fitted]
    intervals: Mapping[str, Intervals]
    records: Mapping[str, PredictorRecord]

    def shown(self, wanted: str) -> str:
        """Return the predictor that is shown first: the one wanted, or the best that there is.

        Raises
        ------
        DataError : none could be fitted
        """
        for name in (wanted, DEFAULT_PREDICTOR, *self.fits):
            if name in self.fits:
                return name
        reasons = "; ".join(f"{name}: {one.missing}" for name, one in self.records.items())
        raise DataError(f"No predictor could be fitted ({reasons}).")


def fit_all(
    measured: Measured,
    distance: MixtureDistance,
    classes: ClassShares,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Fits:
    """Fit every predictor that the data allow, with its error on held-out sizes and intervals.

    Parameters
    ----------
    measured : what was trained
    distance : OT distance of mixtures
    classes : of sources and validation set
    """
    fits: dict[str, Fitted] = {}
    intervals: dict[str, Intervals] = {}
    records: dict[str, PredictorRecord] = {}
    for number, (name, predictor) in enumerate(PREDICTORS.items()):
        progress("Fitting", number / len(PREDICTORS), predictor.title)
        try:
            # Thousands of steps on matrices of some hundred numbers.
            with one_thread():
                fitted = fit_predictor(name, measured, distance=distance, classes=classes)
                around = fit_intervals(
                    fitted, measured, distance=distance, classes=classes, seed=seed
                )
        except Cancelled:
            raise
        except (ConfigError, DataError) as error:
            # One law that these data cannot determine takes nothing from the others.
            records[name] = PredictorRecord(missing=str(error))
            continue
        fits[name], intervals[name] = fitted, around
        facts = fitted.facts
        records[name] = PredictorRecord(
            held_out_error=held_out_error(name, measured, distance, classes),
            points=facts.points,
            parameters=facts.parameters,
            regularized=facts.regularized,
            residual=facts.residual if isfinite(facts.residual) else None,
            notes=facts.notes,
        )
    return Fits(fits=fits, intervals=intervals, records=records)


def held_out_error(
    name: str, measured: Measured, distance: MixtureDistance, classes: ClassShares | None
) -> float | None:
    """Return how far a predictor misses the largest trained size, predicted from the smaller ones.

    Returns
    -------
    mean of |measured - predicted| over the mixtures of that size, repeats averaged, 0 to 1; None
    where the smaller sizes are too few to fit
    """
    largest = measured.scales[-1]
    if len(measured.scales) < 2:
        return None
    try:
        seen = measured.take(measured.n < largest)
        fitted = fit_predictor(name, seen, distance=distance, classes=classes)
    except (ConfigError, DataError):
        return None
    rest = measured.at(int(largest)).mean()
    return float(np.abs(fitted.predict(rest.p, rest.n) - rest.accuracy).mean())
