"""The sets of a projection: pilots of all sources, what is trusted, and what accuracy is of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.acquisition.spec import Offer, ProjectionSpec, file_named, projection_id
from core.datasets import LabelledImages, open_source
from core.errors import DataError
from core.progress import Progress, silent

_TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
}
# Of fingerprints, beside the names of the sources, which hold no "/".
VALIDATION_KEY, _TEST_KEY, _TABLE_KEY = "/validation", "/test", "/table"
HALVED = (
    "Accuracy is measured on half of the validation set, drawn class by class; the other half is "
    "what mixtures are compared with and what the embedder is trained on. Give a test set to use "
    "all of it."
)


@dataclass(frozen=True, kw_only=True)
class Sets:
    """What a projection is about, opened; one list of classes for all.

    Attributes
    ----------
    spec : what was asked for, "auto" resolved
    pilots : of each source, with the ids that they have there
    validation : what mixtures are compared with
    test : what accuracy is measured on; where a table has the accuracies, it is not looked at
    fingerprints : of pilots, validation set, test set and table as they were given
    note : what to know of the accuracies, a sentence; empty where nothing
    table : accuracies that were measured elsewhere
    """

    spec: ProjectionSpec
    pilots: tuple[LabelledImages, ...]
    validation: LabelledImages
    test: LabelledImages
    fingerprints: Mapping[str, str]
    note: str
    table: pd.DataFrame | None

    @property
    def id(self) -> str:
        """Return the id of the projection."""
        return projection_id(self.spec, *self.fingerprints.values())


def open_sets(spec: ProjectionSpec, progress: Progress = silent) -> Sets:
    """Open what `spec` names.

    Raises
    ------
    DataError : a set or table cannot be used
    ConfigError : there is no such embedder
    """
    from core.embedding import chosen_embedder

    pilots = []
    for number, offer in enumerate(spec.sources):
        progress("Reading", number / (len(spec.sources) + 2), offer.name)
        pilots.append(open_pilot(offer, progress))
    progress("Reading", 0.8, spec.validation)
    given = open_source(spec.validation, progress=progress)
    fingerprints = {name: data.fingerprint for name, data in zip(spec.names, pilots, strict=True)}
    fingerprints[VALIDATION_KEY] = given.fingerprint
    validation, test, note = given, given, ""
    if spec.test is not None:
        test = _chosen(open_source(spec.test, progress=progress), spec.test_ids)
        fingerprints[_TEST_KEY] = test.fingerprint
    elif spec.table is None:
        validation, test = _halves(given, spec.seed)
        note = HALVED
    table = None
    if spec.table is not None:
        table = read_table(file_named(spec.table))
        text = table.to_csv(index=False, lineterminator="\n")
        fingerprints[_TABLE_KEY] = hashlib.sha256(text.encode()).hexdigest()
    # "auto" takes the embeddings that all sets bring along, as it does for two.
    without = [data for data in (*pilots, test) if data.embeddings is None]
    embedder = chosen_embedder(spec.embedder, (without or pilots)[0], validation)
    return Sets(
        spec=replace(spec, embedder=embedder),
        pilots=tuple(pilots),
        validation=validation,
        test=test,
        fingerprints=fingerprints,
        note=note,
        table=table,
    )


def open_pilot(offer: Offer, progress: Progress = silent) -> LabelledImages:
    """Open the pilot of a source.

    Raises
    ------
    DataError : it cannot be used, or its file of ids does not fit it
    """
    try:
        return _chosen(open_source(offer.pilot, progress=progress), offer.ids)
    except DataError as error:
        raise DataError(f'Source "{offer.name}": {error}') from error


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of accuracies, .csv or .parquet.

    Raises
    ------
    DataError : there is none, or it cannot be read
    """
    reader = _TABLES.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: a table of accuracies must end in {' or '.join(_TABLES)}.")
    try:
        table = reader(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the table of accuracies cannot be read ({error}).") from error
    if not len(table):
        raise DataError(f"{path}: the table of accuracies has no rows.")
    return table


def _halves(data: LabelledImages, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Split a set in two, class by class; of an odd number the first gets one more."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(data), dtype=bool)
    for u in range(len(data.class_names)):
        rows = rng.permutation(np.flatnonzero(data.labels == u))
        held_out[rows[(len(rows) + 1) // 2 :]] = True
    if not held_out.any():
        raise DataError(
            f"{data.source}: half of the validation set is held out to measure accuracy, class by "
            "class, and no class has two images. Give a test set."
        )
    return data.take(np.flatnonzero(~held_out)), data.take(np.flatnonzero(held_out))


def _chosen(data: LabelledImages, ids: str | None) -> LabelledImages:
    """Return the images that a file of ids names, with the labels that it gives."""
    if ids is None:
        return data
    path = file_named(ids)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the file of ids cannot be read ({error}).") from error
    if "id" not in table.columns or not len(table):
        raise DataError(f"{path}: expected a CSV file with the column id and a row an image.")
    rows = pd.Index(data.ids.astype(str)).get_indexer(pd.Index(table["id"]))
    absent = table["id"][rows < 0]
    if len(absent):
        raise DataError(
            f"{path}: {len(absent):,} of its ids are not in {data.source}, such as "
            f"{absent.iloc[0]!r}."
        )
    repeated = table["id"][table["id"].duplicated()]
    if len(repeated):
        raise DataError(f"{path}: it names the image {repeated.iloc[0]!r} twice.")
    chosen = data.take(rows.astype(np.int64))
    if "label" not in table.columns:
        return chosen
    labels = pd.Index(data.class_names).get_indexer(pd.Index(table["label"]))
    if (labels < 0).any():
        raise DataError(
            f"{path}: the label {table['label'][labels < 0].iloc[0]!r} is no class of "
            f"{data.source}. Its classes are {', '.join(data.class_names[:8])}."
        )
    return replace(chosen, labels=labels.astype(np.int64))
