"""The sets of a projection: pilots of all sources, what is trusted, and what accuracy is of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.acquisition.spec import Offer, ProjectionSpec, file_named, projection_id
from core.datasets import (
    LabelledImages,
    Unreadable,
    align_classes,
    decode_batches,
    drop_unreadable,
    join_sets,
    open_source,
    propose_shape,
)
from core.errors import DataError
from core.progress import Progress, silent
from core.projection import Pilots
from core.runs import SourceRecord

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair

# Pictures are trained on with at most this side, in pixels.
_LARGEST_SIDE = 64
_AT_ONCE = 500
_TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
}
# Before the ids of test images; those of a pilot have the source's name there, which is not empty.
_TEST = "//"
# Beside the names of the sources, which hold no "/".
_VALIDATION_KEY, _TEST_KEY, _TABLE_KEY = "/validation", "/test", "/table"
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
    test : what accuracy is measured on
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


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The sets as vectors, without the pictures that cannot be read.

    Attributes
    ----------
    pilots : embeddings of all pilots
    y, y_labels : of the validation set, shapes (k, d) and (k,)
    inputs, test_inputs : what the learner takes of the pilots, row by row, and of the test images:
        the embeddings, or pictures
    test_labels : int64, shape (t,)
    sources, validation, test : what to keep of each set
    class_counts : images of each class in the pilots, int64, shape (m, v)
    embedder : its name
    fingerprint : SHA-256 of all that the embeddings depend on
    """

    pilots: Pilots
    y: np.ndarray
    y_labels: np.ndarray
    inputs: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    sources: tuple[SourceRecord, ...]
    validation: SourceRecord
    test: SourceRecord
    class_counts: np.ndarray
    class_names: tuple[str, ...]
    embedder: str
    fingerprint: str


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
    fingerprints[_VALIDATION_KEY] = given.fingerprint
    if spec.test is None:
        validation, test = _halves(given, spec.seed)
        note = HALVED
    else:
        validation, note = given, ""
        test = _chosen(open_source(spec.test, progress=progress), spec.test_ids)
        fingerprints[_TEST_KEY] = test.fingerprint
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


def embed_sets(
    sets: Sets, cache_dir: Path, progress: Progress = silent, *, pictures: bool = False
) -> Embedded:
    """Embed all sets in one space, that of the validation set.

    Parameters
    ----------
    cache_dir : where embeddings are kept
    pictures : the learner takes pictures in place of embeddings

    Raises
    ------
    DataError : the embedder or the learner needs what a set does not have, or nothing of a source
        can be read
    """
    from core.embedding import embed_pair

    spec = sets.spec
    require_inputs(sets, pictures=pictures)
    everything, validation, part = joined(sets)
    if pictures:
        # What cannot be read must be missing from embeddings that were brought along as well.
        kept = drop_unreadable(everything, progress)
        part = part[np.isin(everything.ids, kept.ids)]
        everything = kept
    pair = embed_pair(
        everything,
        validation,
        spec.embedder,
        seed=spec.seed,
        cache_dir=cache_dir,
        device=spec.device,
        progress=progress,
    )
    part = part[np.isin(everything.ids, pair.train.ids)]
    return _embedded(sets, pair, part, progress, pictures=pictures)


def joined(sets: Sets) -> tuple[LabelledImages, LabelledImages, np.ndarray]:
    """Return all pilots and the test set as one set, and the validation set with its classes.

    Returns
    -------
    everything, validation, part : part says which set a row of everything is from, int64: the
        pilots in their order, the test set last
    """
    names = sets.spec.names
    named = [_renamed(data, f"{name}/") for data, name in zip(sets.pilots, names, strict=True)]
    everything = join_sets([*named, _renamed(sets.test, _TEST)])
    part = np.repeat(np.arange(len(named) + 1), [len(data) for data in (*named, sets.test)])
    return *align_classes(everything, sets.validation), part


def _embedded(
    sets: Sets, pair: EmbeddedPair, part: np.ndarray, progress: Progress, *, pictures: bool
) -> Embedded:
    """Take apart what was embedded; `part` says which set a row is from, the test set last."""
    spec, m = sets.spec, len(sets.pilots)
    for number, name in enumerate((*spec.names, "test set")):
        if not (part == number).any():
            raise DataError(f'No image of "{name}" can be read.')
    own, tested = np.flatnonzero(part < m), np.flatnonzero(part == m)
    labels, names = pair.train.labels.astype(np.int64), pair.train.class_names
    pilots = Pilots(
        x=pair.x[own],
        labels=labels[own],
        source=part[own].astype(np.int64),
        names=spec.names,
        n_classes=len(names),
        capacity=spec.capacity,
        price=spec.price,
    )
    inputs = _pictures(pair, progress) if pictures else pair.x
    counts = np.zeros((m, len(names)), dtype=np.int64)
    np.add.at(counts, (pilots.source, pilots.labels), 1)

    def described(number: int, prefix: str, source: str, given: LabelledImages) -> SourceRecord:
        used = replace(
            pair.train.take(np.flatnonzero(part == number)),
            unreadable=_unreadable(given, pair.train, prefix),
        )
        return SourceRecord.of(used, source=source, fingerprint=given.fingerprint)

    return Embedded(
        pilots=pilots,
        y=pair.y,
        y_labels=pair.validation.labels.astype(np.int64),
        inputs=inputs[own],
        test_inputs=inputs[tested],
        test_labels=labels[tested],
        sources=tuple(
            described(number, f"{offer.name}/", offer.pilot, data)
            for number, (offer, data) in enumerate(zip(spec.sources, sets.pilots, strict=True))
        ),
        validation=SourceRecord.of(
            pair.validation,
            source=spec.validation,
            fingerprint=sets.fingerprints[_VALIDATION_KEY],
        ),
        test=described(m, _TEST, spec.test or spec.validation, sets.test),
        class_counts=counts,
        class_names=names,
        embedder=pair.embedder,
        fingerprint=pair.fingerprint,
    )


def require_inputs(sets: Sets, *, pictures: bool) -> None:
    """Refuse sets that lack what the embedder or the learner takes.

    Raises
    ------
    DataError : a set has no pictures, or no embeddings, or they differ in width
    """
    from core.embedding import EMBEDDERS

    spec, all_sets = sets.spec, (*sets.pilots, sets.validation, sets.test)
    needs = {
        f"the learner '{spec.learner}'": pictures,
        f"the embedder '{spec.embedder}'": EMBEDDERS[spec.embedder].from_pictures,
    }
    for data in all_sets:
        for who, needed in needs.items():
            if needed and data.images is None:
                raise DataError(
                    f"{data.source}: it has no pictures, which {who} needs. For embeddings use "
                    "the learner 'linear' and the embedder 'precomputed'."
                )
    if spec.embedder == "precomputed":
        _require_one_width(all_sets)


def _require_one_width(all_sets: Sequence[LabelledImages]) -> None:
    widths = {}
    for data in all_sets:
        if data.embeddings is None:
            raise DataError(
                f"{data.source}: it has no embeddings, which the embedder 'precomputed' needs."
            )
        widths[data.embeddings.shape[1]] = data.source
    if len(widths) > 1:
        (one, source), (other, its_source) = list(widths.items())[:2]
        raise DataError(
            f"The embeddings of {source} have {one} numbers each, those of {its_source} have "
            f"{other}. Make all with the same model."
        )


def _renamed(data: LabelledImages, prefix: str) -> LabelledImages:
    """Return the set with `prefix` before each id; what was unreadable stays with the original."""
    ids = np.array([f"{prefix}{one}" for one in data.ids.tolist()])
    return replace(data, ids=ids, unreadable=())


def _unreadable(
    given: LabelledImages, joined: LabelledImages, prefix: str
) -> tuple[Unreadable, ...]:
    """Return what is left out of a set: on reading it, and after it was joined to others."""
    later = [one for one in joined.unreadable if one.image_id.startswith(prefix)]
    return (
        *given.unreadable,
        *(Unreadable(one.image_id.removeprefix(prefix), one.reason) for one in later),
    )


def _pictures(pair: EmbeddedPair, progress: Progress) -> np.ndarray:
    """Return the pictures as learners take them, uint8, shape (n, channels, side, side)."""
    shape = propose_shape(pair.validation, largest_side=_LARGEST_SIDE)
    batches = decode_batches(pair.train, shape.side, shape.channels, _AT_ONCE, progress)
    return np.concatenate(list(batches))


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
