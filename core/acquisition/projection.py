"""A finished projection, opened: what it keeps, read lazily, and what can be asked of it."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.acquisition.record import MixRecord, ProjectionRecord
from core.errors import ConfigError, RunError
from core.projection import (
    Bend,
    Fitted,
    Intervals,
    Marginal,
    Measured,
    Mix,
    Tangents,
    bend,
    best_mix,
    best_path,
    fitted_from_json,
    marginal,
    measured_from_table,
    most_images,
)

PREDICTORS_VERSION = 1
MOST_IMAGES = 1_000_000_000
"""Mixes of more are not asked about."""
# Of a table of accuracies: before the name of a class. No source has this mark in its name.
_OF_CLASS = "accuracy:"
_BUDGET_STEPS = 8


class Projection:
    """A finished projection, opened. What it keeps is read once, when it is first asked for.

    Attributes
    ----------
    path : the folder
    record : projection.json
    """

    def __init__(self, path: Path, record: ProjectionRecord) -> None:
        self.path = path
        self.record = record
        self._fits: dict[str, Fitted] = {}
        self._intervals: dict[str, Intervals] = {}

    def __repr__(self) -> str:
        return f"Projection({self.id}, {self.path})"

    @property
    def id(self) -> str:
        """Return the projection's id, 16 hexadecimal digits."""
        return self.record.id

    @cached_property
    def table(self) -> pd.DataFrame:
        """measured.parquet: one row a trained model.

        A column for each source with its share, n, repeat, accuracy, distance (OT, units of cost),
        and where it is known accuracy:CLASS for each class.
        """
        path = self.path / "measured.parquet"
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({error}).") from error

    @cached_property
    def measured(self) -> Measured:
        """What was trained, in the order of `table`."""
        table = self.table
        read = measured_from_table(table, self.record.names)
        columns = [f"{_OF_CLASS}{name}" for name in self.record.class_names]
        known = all(name in table.columns for name in columns)
        return Measured(
            p=read.p,
            n=read.n,
            repeat=table["repeat"].to_numpy(dtype=np.int64),
            accuracy=read.accuracy,
            per_class=table[columns].to_numpy(dtype=np.float64) if known else None,
            distance=table["distance"].to_numpy(dtype=np.float64),
        )

    @cached_property
    def tangents(self) -> Tangents:
        """The OT distance of any mixing ratio, and its slope."""
        path = self.path / "tangents.npz"
        try:
            with np.load(path, allow_pickle=False) as kept:
                return Tangents(kept["ratios"], kept["slopes"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(f"{path} cannot be read ({error}).") from error

    @cached_property
    def bend(self) -> Bend | None:
        """Return whether accuracy saturates; None where too little was trained to tell."""
        return bend(self.measured)

    @property
    def predictors(self) -> tuple[str, ...]:
        """Return the names of the predictors that are fitted, the most exact first."""
        return tuple(
            name for name in self.record.titles if not self.record.predictors[name].missing
        )

    def fitted(self, name: str | None = None) -> Fitted:
        """Return a fitted predictor; by default the one that is shown first.

        Raises
        ------
        ConfigError : it is not fitted; the message says why
        RunError : what is kept of it cannot be read
        """
        name = self.record.predictor if name is None else name
        if name not in self._fits:
            fit = self._kept("fits", name)
            self._fits[name] = fitted_from_json(json.dumps(fit), distance=self.tangents)
        return self._fits[name]

    def interval(self, name: str | None = None) -> Intervals:
        """Return what says how sure a predictor is; parameters and errors as `fitted`."""
        name = self.record.predictor if name is None else name
        if name not in self._intervals:
            kept = self._kept("intervals", name)
            try:
                self._intervals[name] = Intervals.from_dict(kept, self.fitted(name))
            except (KeyError, TypeError, ValueError) as error:
                raise RunError(f"{self.path}: predictors.json is damaged: {error}.") from error
        return self._intervals[name]

    def best(
        self,
        n: int,
        budget: float | None = None,
        *,
        predictor: str | None = None,
        fixed: np.ndarray | None = None,
    ) -> Mix:
        """Return the best mix of n images within the capacities and a budget in money.

        Parameters
        ----------
        fixed : shares that are not to be chosen, shape (m,), NaN for sources that are free

        Raises
        ------
        ConfigError : it cannot be bought, the predictor is not fitted, there is a budget and a
            price is not known, or what is fixed is no part of a mix
        """
        record = self._priced(budget)
        return best_mix(
            self.fitted(predictor),
            n,
            capacity=record.capacity,
            price=record.price,
            budget=budget,
            fixed=fixed,
        )

    def best_for(
        self, budget: float, *, predictor: str | None = None, fixed: np.ndarray | None = None
    ) -> Mix:
        """Return the best mix of any size that a budget pays for.

        Sizes are tried from the smallest that was trained up to all that can be bought, or
        `MOST_IMAGES`, and once more around the best of them; of equal accuracy the smaller one is
        taken. `fixed` is that of `best`.

        Raises
        ------
        ConfigError : no price is known, the budget pays for less than the smallest size, or what is
            fixed is no part of a mix of that size
        """
        least = min(self.record.scales)
        # Where too little can be bought with what is fixed, the search itself says why.
        most = self._most(budget) if fixed is None else max(self._most_with(budget, fixed), least)
        if most < least:
            raise ConfigError(
                f"{budget:,.2f} {self.record.currency} pays for {most:,} images; nothing can be "
                f"said of fewer than {least:,}, the smallest size that was trained."
            )
        most = min(most, MOST_IMAGES)
        found: dict[int, Mix] = {}
        for _ in range(2):
            sizes = np.rint(np.geomspace(least, most, _BUDGET_STEPS)).astype(np.int64)
            if fresh := set(sizes.tolist()) - found.keys():
                mixes = self.best_path(fresh, budget, predictor=predictor, fixed=fixed)
                found |= {mix.n: mix for mix in mixes}
            tried = sorted(found)
            best = tried.index(max(tried, key=lambda n: found[n].accuracy))
            least, most = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]
        return found[tried[best]]

    def best_path(
        self,
        sizes: Iterable[int],
        budget: float | None = None,
        *,
        predictor: str | None = None,
        fixed: np.ndarray | None = None,
    ) -> tuple[Mix, ...]:
        """Return the best mixes of some sizes; what cannot be bought is left out.

        `fixed` is that of `best`.

        Raises
        ------
        ConfigError : nothing can be bought, or as `best`
        """
        record = self._priced(budget)
        return best_path(
            self.fitted(predictor),
            sizes,
            capacity=record.capacity,
            price=record.price,
            budget=budget,
            fixed=fixed,
        )

    def marginal(self, p: np.ndarray, n: int, *, predictor: str | None = None) -> Marginal:
        """Return what one more image of each source would bring; p has shape (m,)."""
        return marginal(self.fitted(predictor), p, n, self.record.price)

    def described(self, mix: Mix, *, predictor: str | None = None) -> MixRecord:
        """Return a mix with its interval and what more images would bring."""
        return MixRecord.of(mix, self.interval(predictor), self.record.price)

    def _most(self, budget: float) -> int:
        """Return how many images a budget pays for, the cheapest first."""
        record = self._priced(budget)
        price, capacity = record.price, record.capacity
        left, most = budget, 0.0
        for source in np.argsort(price, kind="stable"):
            affordable = np.inf if price[source] == 0 else left / price[source]
            taken = min(float(capacity[source]), affordable)
            if not np.isfinite(taken):
                raise ConfigError(
                    f'"{record.names[source]}" costs nothing and has no end: a budget says '
                    "nothing about the size. Give a number of images, or its capacity."
                )
            most += np.floor(taken + 1e-9)
            left -= np.floor(taken + 1e-9) * price[source]
        return int(most)

    def _most_with(self, budget: float, fixed: np.ndarray) -> int:
        """Return how many images a budget pays for where some shares are fixed, shape (m,)."""
        record = self._priced(budget)
        most = most_images(capacity=record.capacity, price=record.price, budget=budget, fixed=fixed)
        if most is None:
            raise ConfigError(
                "With the shares that are fixed, images cost nothing and have no end: a budget "
                "says nothing about the size. Give a number of images."
            )
        return most

    def _priced(self, budget: float | None) -> ProjectionRecord:
        """Return the record, if its prices allow for the budget."""
        unknown = [offer.name for offer in self.record.offers if offer.price is None]
        if budget is not None and unknown:
            raise ConfigError(
                f'A budget needs the price of every source; that of "{unknown[0]}" is not known.'
            )
        return self.record

    @cached_property
    def _predictors(self) -> Mapping[str, Any]:
        path = self.path / "predictors.json"
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({error}).") from error
        if not isinstance(raw, dict) or raw.get("schema_version") != PREDICTORS_VERSION:
            raise RunError(f"{path} is damaged, or of another version of Assay.")
        return raw

    def _kept(self, part: str, name: str) -> Any:
        found = self._predictors.get(part, {}).get(name)
        if found is not None:
            return found
        record = self.record.predictors.get(name)
        if record is None or not record.missing:
            raise ConfigError(
                f"There is no predictor '{name}' in this projection. Choose one of: "
                f"{', '.join(self.predictors)}."
            )
        raise ConfigError(f"The predictor '{name}' could not be fitted: {record.missing}")


def measured_table(
    names: tuple[str, ...], class_names: tuple[str, ...], measured: Measured
) -> pd.DataFrame:
    """Return what `Projection.table` describes."""
    columns: dict[str, np.ndarray] = {
        **{name: measured.p[:, source] for source, name in enumerate(names)},
        "n": measured.n,
        "repeat": measured.repeat,
        "accuracy": measured.accuracy,
    }
    if measured.distance is not None:
        columns["distance"] = measured.distance
    if measured.per_class is not None:
        columns |= {
            f"{_OF_CLASS}{name}": measured.per_class[:, u] for u, name in enumerate(class_names)
        }
    return pd.DataFrame(columns)
