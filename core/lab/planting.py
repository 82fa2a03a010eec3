"""The sets of a repetition: opened, with faults planted in them, or with truth brought along."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.corruption import Corrupted, Network, corrupt, without_classes, write_corrupted
from core.datasets import LabelledImages, open_source, propose_shape, sample_truth_path
from core.errors import ConfigError, DataError, RunError
from core.lab.folder import DATA_FOLDER
from core.lab.spec import SAMPLE_TRUTH, ExperimentSpec, experiment_id
from core.progress import Progress, silent

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair

# Poison is made in pictures of at most this side, in pixels.
_LARGEST_SIDE = 64
_SAMPLE = "sample:train"


@dataclass(frozen=True, kw_only=True)
class Sets:
    """What an experiment is about, opened.

    Attributes
    ----------
    spec : what was asked for, "auto" resolved
    train, validation : as given; the training set cut down to `spec.images`, and where faults are
        planted in the bundled sample, without those that it brings
    test : images to measure accuracy on, None for the validation set
    truth : columns id and fault, where truth was brought along
    train_fingerprint : of the whole training set
    id : of the experiment
    """

    spec: ExperimentSpec
    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages | None
    truth: pd.DataFrame | None
    train_fingerprint: str
    id: str

    @property
    def cut(self) -> bool:
        """Return whether only a part of the training set takes part."""
        return self.spec.images is not None and len(self.train) == self.spec.images


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The sets of one repetition.

    Attributes
    ----------
    train, validation : what the methods are given; their classes are not matched yet
    train_source, validation_source : the texts that open them again
    truth : columns id and fault, and more where it was planted
    removed_classes, facts : see `core.corruption.Corrupted`
    """

    train: LabelledImages
    validation: LabelledImages
    train_source: str
    validation_source: str
    truth: pd.DataFrame
    removed_classes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_sets(spec: ExperimentSpec, progress: Progress = silent) -> Sets:
    """Open what `spec` names.

    Raises
    ------
    DataError : a set or the truth file cannot be used
    ConfigError : there is no such embedder, or none that would see the faults; or what is retrained
        learns from pictures, and there are none
    """
    from core.embedding import chosen_embedder
    from core.evaluation import learner_named, read_truth

    progress("Reading", 0.0, spec.train)
    train = open_source(spec.train, progress=progress)
    progress("Reading", 0.4, spec.validation)
    validation = open_source(spec.validation, progress=progress)
    test = None if spec.test is None else open_source(spec.test, progress=progress)
    truth = None
    if spec.truth is not None:
        path = sample_truth_path() if spec.truth == SAMPLE_TRUTH else Path(spec.truth)
        truth = read_truth(path)
    progress("Reading", 0.6, "Fingerprints")
    given = train.fingerprint
    if spec.faults:
        train = _without_known_faults(train)
    fingerprints = [data.fingerprint for data in (train, validation, test) if data is not None]
    # Embeddings that are brought along do not show what is planted in pictures.
    repainted = train.images is not None and any(one.fault.changes_pictures for one in spec.faults)
    shown = replace(train, embeddings=None) if repainted else train
    spec = replace(spec, embedder=chosen_embedder(spec.embedder, shown, validation))
    if repainted and spec.embedder == "precomputed":
        raise ConfigError(
            "Faults are planted in pictures, which the embeddings that these sets bring do not "
            "show. Choose an embedder that works from pictures."
        )
    if spec.removal and learner_named(spec.learner).takes == "pictures" and train.images is None:
        raise ConfigError(
            f"{learner_named(spec.learner).title} learns from pictures, and {spec.train} has none: "
            "choose the linear head on the embedding."
        )
    return Sets(
        spec=spec,
        train=_part(train, spec.images),
        validation=validation,
        test=test,
        truth=truth,
        train_fingerprint=given,
        id=experiment_id(spec, *fingerprints, "" if truth is None else _digest(truth)),
    )


def _digest(truth: pd.DataFrame) -> str:
    return hashlib.sha256(truth[["id", "fault"]].to_csv(index=False).encode()).hexdigest()


def _without_known_faults(data: LabelledImages) -> LabelledImages:
    """Return the set without the faults that the bundled sample brings: they would count as sound.

    A method that sees them would look worse than one that does not.
    """
    from core.evaluation import read_truth

    if data.source != _SAMPLE:
        return data
    known = read_truth(sample_truth_path())["id"]
    return data.take(np.flatnonzero(~np.isin(data.ids, known.to_numpy(dtype=str))))


def _part(data: LabelledImages, images: int | None) -> LabelledImages:
    """Return `images` of the set, of each class its share, picked by their ids alone."""
    if images is None or images >= len(data):
        return data
    dice = np.array([hashlib.sha256(name.encode()).digest()[:8] for name in data.ids.tolist()])
    rank = np.empty(len(data))
    for label in np.unique(data.labels):
        rows = np.flatnonzero(data.labels == label)
        # Evenly spread ranks within each class: any prefix has the classes' shares.
        rank[rows[np.argsort(dice[rows], kind="stable")]] = (np.arange(len(rows)) + 0.5) / len(rows)
    return data.take(np.sort(np.lexsort((dice, rank))[:images]))


def plant(
    sets: Sets,
    seed: int,
    *,
    folder: Path | None = None,
    network: Network | None = None,
    progress: Progress = silent,
) -> Planted:
    """Return the sets of the repetition `seed`.

    Parameters
    ----------
    folder : of the experiment, where they are written (to `data`), so that they can be opened again
    network : what poison is made against

    Raises
    ------
    ConfigError, DataError : the faults cannot be planted in this set, or the truth is not about it
    RunError : `folder` holds other data, or cannot be written
    """
    spec = sets.spec
    planted = Planted(
        train=sets.train,
        validation=sets.validation,
        train_source=spec.train,
        validation_source=spec.validation,
        truth=pd.DataFrame() if sets.truth is None else sets.truth,
    )
    corrupted = None
    if sets.truth is None:
        corrupted = corrupt(sets.train, spec.faults, seed=seed, network=network, progress=progress)
        planted = replace(
            planted,
            train=corrupted.data,
            validation=without_classes(sets.validation, corrupted.removed_classes),
            truth=corrupted.truth,
            removed_classes=corrupted.removed_classes,
            facts=corrupted.facts,
        )
    elif sets.cut:
        corrupted = _as_it_is(sets, seed)
    if corrupted is None or folder is None:
        return planted
    return _written(planted, corrupted, folder / DATA_FOLDER, progress)


def _as_it_is(sets: Sets, seed: int) -> Corrupted:
    """Return the part of the training set that takes part, to be written as it is."""
    return Corrupted(
        data=sets.train,
        truth=pd.DataFrame() if sets.truth is None else sets.truth,
        removed_classes=(),
        facts={},
        faults=(),
        seed=seed,
    )


def _written(planted: Planted, corrupted: Corrupted, out: Path, progress: Progress) -> Planted:
    """Write the sets, or find what an attempt that was stopped has written, and open them."""
    lacks = bool(planted.removed_classes)
    if not out.exists():
        beside = planted.validation if lacks else None
        try:
            write_corrupted(corrupted, out, validation=beside, progress=progress)
        except RunError:
            # The same experiment may have been started twice: the other one was quicker.
            if not out.is_dir():
                raise
    source = _only_file(out, "train")
    train = open_source(str(source), progress=progress)
    if train.fingerprint != planted.train.fingerprint:
        raise RunError(
            f"{out} holds other data than this experiment's; rename or remove that folder."
        )
    if not lacks:
        return replace(planted, train=train, train_source=str(source))
    validation_source = str(_only_file(out, "validation"))
    return replace(
        planted,
        train=train,
        train_source=str(source),
        validation=open_source(validation_source, progress=progress),
        validation_source=validation_source,
    )


def _only_file(folder: Path, stem: str) -> Path:
    found = sorted(folder.glob(f"{stem}.*"))
    if not found:
        raise RunError(f"{folder} is not whole: it has no {stem} set. Rename or remove it.")
    return found[0]


def network_of(pair: EmbeddedPair, device: str) -> Network:
    """Return the network behind an embedding, for faults that are made against one.

    Raises
    ------
    ConfigError : the embedder has none that leads back to pictures
    """
    from core.embedding import feature_network

    shape = propose_shape(pair.validation, largest_side=_LARGEST_SIDE)
    return Network(
        module=feature_network(pair.embedder, pair.fitted, device=device),
        side=shape.side,
        channels=shape.channels,
        validation=pair.validation,
    )


def fault_of(data: LabelledImages, truth: pd.DataFrame) -> np.ndarray:
    """Return the kind of fault of each image, object array of str, shape (n,); "" where sound.

    Raises
    ------
    DataError : the truth names none of the images, or all
    """
    kinds = dict(zip(truth["id"].tolist(), truth["fault"].tolist(), strict=True))
    fault = np.array([kinds.get(name, "") for name in data.ids.tolist()], dtype=object)
    if not (fault != "").any():
        raise DataError(f"{data.source}: the truth names none of these images.")
    if (fault != "").all():
        raise DataError(
            f"{data.source}: all of these images are faulty, so there is nothing to find. Plant "
            "faults in fewer, or name only those that are faulty."
        )
    return fault
