"""The sets of a projection embedded into one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.acquisition.intake import VALIDATION_KEY, Sets
from core.datasets import (
    LabelledImages,
    Unreadable,
    align_classes,
    decode_batches,
    drop_unreadable,
    join_sets,
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
# Before the ids of test images; those of a pilot have the source's name there, which is not empty.
_TEST = "//"


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
            fingerprint=sets.fingerprints[VALIDATION_KEY],
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
