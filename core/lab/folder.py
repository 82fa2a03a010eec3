"""One experiment is one folder of the home, `experiments/<id>`, read lazily.

experiment.json is written last: where it is, the experiment is whole.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from core.atomic import replacing
from core.errors import RunError
from core.lab.record import ExperimentRecord, read_experiment_record
from core.runs import RUN_ID

ALL_FAULTS = "all faults"
SUGGESTED = "suggested"
DATA_FOLDER = "data"
_TABLES = ("detection.parquet", "values.parquet", "effects.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Detection curves of all contenders, sampled at shares of the images inspected, worst first.

    Attributes
    ----------
    share : float64, shape (p,), 0 to 1, increasing
    methods, kinds, seeds : what the axes of `found` stand for; the first kind is `ALL_FAULTS`
    found : float64, shape (methods, kinds, seeds, p), share of the faults of this kind among the
        images inspected, 0 to 1. All faults: of all images; one kind: of its faults and the sound
        images, as in `core.evaluation.Evaluation`. NaN where a kind is absent
    optimal : float64, shape (kinds, p), what a perfect order finds; a random one finds `share`
    """

    share: np.ndarray
    methods: tuple[str, ...]
    kinds: tuple[str, ...]
    seeds: tuple[int, ...]
    found: np.ndarray
    optimal: np.ndarray

    def of(self, method: str, kind: str = ALL_FAULTS) -> np.ndarray:
        """Return the curves of one contender and kind, shape (seeds, p)."""
        curves: np.ndarray = self.found[self.methods.index(method), self.kinds.index(kind)]
        return curves

    def band(self, method: str, kind: str = ALL_FAULTS) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation over the seeds, both of shape (p,).

        The deviation is 0 where there is one seed.
        """
        curves = self.of(method, kind)
        deviation = curves.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(self.share))
        return curves.mean(axis=0), deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedRemoval:
    """What becomes of a learner without all that a plan proposes to remove: means over the seeds.

    Attributes
    ----------
    share : of the images that are removed
    accuracy, attack_success : before and after, 0 to 1; NaN where there is no attack
    """

    share: float
    accuracy: tuple[float, float]
    attack_success: tuple[float, float]


class Experiment:
    """A finished experiment, opened. Its tables are read once, when they are first asked for.

    Attributes
    ----------
    path : the folder
    record : experiment.json
    """

    def __init__(self, path: Path, record: ExperimentRecord) -> None:
        self.path = path
        self.record = record

    def __repr__(self) -> str:
        return f"Experiment({self.id}, {self.path})"

    @property
    def id(self) -> str:
        """Return the experiment's id, 16 hexadecimal digits."""
        return self.record.id

    @cached_property
    def detection(self) -> pd.DataFrame:
        """One row a contender, seed and kind of fault (`ALL_FAULTS` and each of the kinds).

        Columns method, seed, fault, faults, images (ranked), auroc, average_precision,
        recall_at_S (share of the faults within the first share S of the images) for each S of
        `SHARES`, and seconds (of the valuation with its calibration; the embedding is shared).
        """
        return self._table("detection.parquet")

    @cached_property
    def values(self) -> pd.DataFrame:
        """The training images of the first repetition in the input's order.

        Columns id, row (in the run `record.run`), label, class_name, fault ("" for a sound image),
        clean_label (the class that a faulty image is of; "" where that is not known), and one for
        each contender, by its name: its values, higher is better.
        """
        return self._table("values.parquet")

    @cached_property
    def effects(self) -> pd.DataFrame:
        """What becomes of a learner trained without some of the images.

        Columns order (a contender's name, "random", or "truth": the faults first), seed, end
        ("worst" or "best": which images go first; "suggested": all go that a
        prune plan proposes to remove), share (of the images that are gone), removed (how many),
        accuracy, and where there are backdoors attack_success and target_confidence,
        else NaN; empty where nothing was retrained.
        """
        return self._table("effects.parquet")

    @cached_property
    def curves(self) -> Curves:
        """The detection curves of all contenders."""
        path = self.path / "curves.npz"
        try:
            with np.load(path, allow_pickle=False) as kept:
                return Curves(
                    share=kept["share"],
                    methods=tuple(kept["methods"].tolist()),
                    kinds=tuple(kept["kinds"].tolist()),
                    seeds=tuple(kept["seeds"].tolist()),
                    found=kept["found"],
                    optimal=kept["optimal"],
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(f"{path} cannot be read ({error}).") from error

    def suggested(self, method: str) -> SuggestedRemoval | None:
        """Return what the removal does that a plan by `method` proposes, if it was tried."""
        rows = self.effects[self.effects["order"] == method]
        before, after = (
            rows[chosen].mean(numeric_only=True)
            for chosen in (rows["share"] == 0.0, rows["end"] == SUGGESTED)
        )
        if np.isnan(after["share"]):
            return None
        return SuggestedRemoval(
            share=float(after["share"]),
            accuracy=(float(before["accuracy"]), float(after["accuracy"])),
            attack_success=(float(before["attack_success"]), float(after["attack_success"])),
        )

    def ranked(self, method: str) -> pd.DataFrame:
        """Return `values` in the order in which `method` would have them inspected, worst first.

        Images of equal value keep the order of the input.
        """
        return self.values.sort_values(method, kind="stable", ignore_index=True)

    def _table(self, name: str) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.path / name)
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path}: {name} cannot be read ({error}).") from error


def open_experiment(home: Path, experiment_id: str) -> Experiment:
    """Open the experiment `experiment_id` of `home`.

    Raises
    ------
    RunError : `experiment_id` is no id, or there is no whole experiment of that id
    """
    if not RUN_ID.fullmatch(experiment_id):
        raise RunError("The id of an experiment is 16 hexadecimal digits; this one is not.")
    path = home / "experiments" / experiment_id
    if not (path / "experiment.json").is_file():
        raise RunError(f"There is no experiment {experiment_id} here; it may have been removed.")
    return Experiment(path, read_experiment_record(path / "experiment.json"))


def list_experiments(home: Path, dataset: str | None = None) -> list[Experiment]:
    """Return the whole experiments of `home`, newest first; broken ones are left out.

    Parameters
    ----------
    dataset : fingerprint of a training set: only those about it, clean or as it was corrupted
    """
    folder = home / "experiments"
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            experiment = open_experiment(home, path.name)
        except RunError:
            continue
        if dataset is None or dataset in experiment.record.data_sets:
            found.append(experiment)
    return sorted(found, key=lambda one: (one.record.created, one.id), reverse=True)


def write_experiment(
    path: Path,
    record: ExperimentRecord,
    *,
    detection: pd.DataFrame,
    curves: Curves,
    values: pd.DataFrame,
    effects: pd.DataFrame,
) -> Experiment:
    """Write an experiment to the folder `path`, which may hold its data already, and open it.

    Parameters
    ----------
    detection, curves, values, effects : as `Experiment` describes them

    Raises
    ------
    RunError : it cannot be written
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name, table in zip(_TABLES, (detection, values, effects), strict=True):
            with replacing(path / name) as file:
                table.to_parquet(file, index=False)
        with replacing(path / "curves.npz") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                share=curves.share,
                methods=np.array(curves.methods),
                kinds=np.array(curves.kinds),
                seeds=np.array(curves.seeds),
                found=curves.found,
                optimal=curves.optimal,
            )
        with replacing(path / "experiment.json") as file:
            file.write(record.to_json().encode())
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error
    return Experiment(path, record)
