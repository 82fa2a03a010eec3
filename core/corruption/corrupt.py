"""`corrupt`: a labelled image set with faults in it, and the truth about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from core.corruption.change import Change, Draws, Scene
from core.corruption.network import Network
from core.corruption.overlay import UNCHANGED, OverlayStore
from core.corruption.planted import PlantedFault
from core.datasets import LabelledImages
from core.errors import ConfigError, DataError
from core.progress import Progress, silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupted:
    """A set with planted faults.

    Attributes
    ----------
    data : the set; images without a fault are as they were, copies stand at the end
    truth : a row a faulty image, in the set's order. id; fault, the kind of it; planted, its name
        in `FAULTS`; clean_label, the class that the image is of; given_label, the one it now has;
        and where a fault has more to say, columns of its own, such as original, the image that a
        copy is of
    removed_classes : classes that are none any more: the validation set must lack them
        (`without_classes`)
    facts : how many images each fault is in, what it reports of itself, and how many images left
        the set; values that JSON can hold
    faults, seed : what was asked for
    """

    data: LabelledImages
    truth: pd.DataFrame
    removed_classes: tuple[str, ...]
    facts: Mapping[str, Any]
    faults: tuple[PlantedFault, ...]
    seed: int


def corrupt(
    data: LabelledImages,
    faults: Sequence[PlantedFault],
    *,
    seed: int,
    network: Network | None = None,
    progress: Progress = silent,
) -> Corrupted:
    """Plant faults in a set, each in images of their own.

    The set itself and its files stay as they are. Changed pictures are made when they are asked
    for; a set that has embeddings beside its pictures loses them where pictures change, as they
    would describe what is no longer there.

    Parameters
    ----------
    faults : fractions are of the set as it is given, whatever the others take out of it
    seed : the same seed plants the same faults in the same images, whatever their order
    network : what poison is made against; only for faults that need it

    Raises
    ------
    ConfigError : nothing to plant, an option does not fit the set, or too few images are left
    DataError : the set lacks what a fault needs
    """
    if not faults:
        raise ConfigError("There is no fault to plant.")
    for planted in faults:
        _require(planted, data, network)
    free = np.ones(len(data), dtype=bool)
    classes = np.arange(len(data.class_names))
    changes: list[tuple[PlantedFault, Change]] = []
    # What takes images out comes first: others must not be planted in them, nor use their class.
    for planted, name in sorted(
        _named(faults), key=lambda pair: not pair[0].fault.takes_images_out
    ):
        progress("Planting faults", len(changes) / len(faults), planted.fault.title)
        scene = Scene(
            name=planted.name,
            data=data,
            free=free.copy(),
            classes=classes,
            draws=Draws(seed, name),
            network=network,
            progress=progress,
        )
        plant: Callable[..., Change] = planted.fault.load_function()
        change = plant(scene, planted.fraction, planted.fault.configured(planted.options))
        free[change.rows] = False
        free[change.left_out] = False
        classes = np.setdiff1d(classes, change.removed_classes)
        changes.append((planted, change))
    return _assembled(data, changes, tuple(faults), seed)


def _require(planted: PlantedFault, data: LabelledImages, network: Network | None) -> None:
    if planted.fault.needs_pictures and data.images is None:
        raise DataError(
            f"{data.source}: {planted.name} is planted in pictures, and this set has embeddings "
            "only. Choose another fault, or give the pictures."
        )
    if planted.fault.needs_network and network is None:
        raise ConfigError(
            f"{planted.name} is made against a network: give the validation set and choose an "
            "embedder that has one."
        )


def _named(faults: Sequence[PlantedFault]) -> list[tuple[PlantedFault, str]]:
    """Return each fault with a name for its random numbers: one planted twice has two."""
    seen: Counter[str] = Counter()
    named = []
    for planted in faults:
        seen[planted.name] += 1
        named.append((planted, f"{planted.name} {seen[planted.name]}"))
    return named


def _assembled(
    data: LabelledImages,
    changes: Sequence[tuple[PlantedFault, Change]],
    faults: tuple[PlantedFault, ...],
    seed: int,
) -> Corrupted:
    """Carry the changes out: one table of rows, from which set and truth are read."""
    left_out = np.concatenate([change.left_out for _, change in changes])
    rows = _Rows.of(data, np.setdiff1d(np.arange(len(data)), left_out))
    truths = [rows.apply(number, *pair, data) for number, pair in enumerate(changes)]
    removed = sorted({u for _, change in changes for u in change.removed_classes})
    if np.isin(rows.labels, removed).any():
        raise ConfigError(
            "Two of the faults are in each other's way: one gives images to a class that another "
            "takes away. Plant them one after the other."
        )
    truth = pd.concat(truths, ignore_index=True).sort_values("row", kind="stable")
    facts = {
        "images_before": len(data),
        "images": len(rows.origin),
        "left_out": len(left_out),
        "faults": [
            {**planted.configuration(), "images": len(change.rows), **change.facts}
            for planted, change in changes
        ],
        "embeddings_left_out": data.embeddings is not None
        and bool((rows.change != UNCHANGED).any()),
    }
    return Corrupted(
        data=rows.as_set(data, [change for _, change in changes], removed),
        truth=truth.drop(columns="row").reset_index(drop=True),
        removed_classes=tuple(data.class_names[u] for u in removed),
        facts=facts,
        faults=faults,
        seed=seed,
    )


@dataclass(slots=True)
class _Rows:
    """The rows of the set that is being made.

    Attributes
    ----------
    ids, labels : as in `LabelledImages`
    origin : the row of the given set that each is, or is made from
    change, keys : as in `OverlayStore`
    embeddings : the vectors given, None where there are none
    kept : how many of the given images these are, in rising order of `origin`; copies follow
    """

    ids: np.ndarray
    labels: np.ndarray
    origin: np.ndarray
    change: np.ndarray
    keys: np.ndarray
    embeddings: np.ndarray | None
    kept: int

    @classmethod
    def of(cls, data: LabelledImages, kept: np.ndarray) -> _Rows:
        return cls(
            ids=data.ids[kept].astype(object),
            labels=data.labels[kept].copy(),
            origin=kept,
            change=np.full(len(kept), UNCHANGED),
            keys=np.zeros(len(kept), dtype=np.uint64),
            embeddings=None if data.embeddings is None else data.embeddings[kept],
            kept=len(kept),
        )

    def apply(
        self, number: int, planted: PlantedFault, change: Change, data: LabelledImages
    ) -> pd.DataFrame:
        """Carry out one change; return its part of the truth, with the row of each image."""
        columns = dict(change.columns)
        if change.copies:
            columns["original"] = data.ids[change.rows]
            places = self._append(change.rows, data)
        else:
            places = np.searchsorted(self.origin[: self.kept], change.rows)
        if change.labels is not None:
            self.labels[places] = change.labels
        if change.picture is not None and data.images is not None:
            self.change[places] = number
            self.keys[places] = 0 if change.keys is None else change.keys
        if change.embeddings is not None and self.embeddings is not None:
            self.embeddings[places] = change.embeddings
        names = np.array(data.class_names, dtype=object)
        return pd.DataFrame(
            {
                "row": places,
                "id": self.ids[places],
                "fault": planted.fault.kind,
                "planted": planted.name,
                "clean_label": names[data.labels[change.rows]],
                "given_label": names[self.labels[places]],
                **columns,
            }
        )

    def _append(self, rows: np.ndarray, data: LabelledImages) -> np.ndarray:
        places = len(self.ids) + np.arange(len(rows))
        taken = set(self.ids.tolist())
        named = [_copy_name(image_id, taken) for image_id in data.ids[rows].tolist()]
        self.ids = np.concatenate([self.ids, np.array(named, dtype=object)])
        self.labels = np.concatenate([self.labels, data.labels[rows]])
        self.origin = np.concatenate([self.origin, rows])
        self.change = np.concatenate([self.change, np.full(len(rows), UNCHANGED)])
        self.keys = np.concatenate([self.keys, np.zeros(len(rows), dtype=np.uint64)])
        if self.embeddings is not None and data.embeddings is not None:
            self.embeddings = np.concatenate([self.embeddings, data.embeddings[rows]])
        return places

    def as_set(
        self, data: LabelledImages, changes: Sequence[Change], removed: Sequence[int]
    ) -> LabelledImages:
        """Return the set."""
        repainted = self.change != UNCHANGED
        images = data.images
        if images is not None:
            pictures = [change.picture or _as_is for change in changes]
            images = OverlayStore(images, self.origin, self.change, self.keys, pictures)
        paths = None
        if data.paths is not None:
            # A changed picture is in no file; a copy is not the file of another image.
            fresh = repainted | (np.arange(len(self.ids)) >= self.kept)
            paths = data.paths[self.origin]
            paths[fresh] = None
        whole = LabelledImages(
            source=data.source,
            ids=self.ids.astype(np.str_),
            labels=self.labels,
            class_names=data.class_names,
            images=images,
            embeddings=None if repainted.any() else self.embeddings,
            paths=paths,
            unreadable=data.unreadable,
        )
        return _renumbered(whole, removed)


def _as_is(pixels: np.ndarray, key: int) -> np.ndarray:
    return pixels


def _copy_name(image_id: str, taken: set[str]) -> str:
    """Return a new id for a copy, before the suffix of a file's name, and note it as taken."""
    path = PurePosixPath(image_id)
    # What is longer is no file's suffix but a dot in a name.
    suffix = path.suffix if 1 < len(path.suffix) <= 5 else ""
    stem = image_id.removesuffix(suffix)
    number = 1
    while (name := f"{stem}-copy-{number}{suffix}") in taken:
        number += 1
    taken.add(name)
    return name


def without_classes(data: LabelledImages, names: Sequence[str]) -> LabelledImages:
    """Return a set without the images of some classes, and without these classes.

    Names that it does not have are passed over: this is how a validation set is made to lack the
    classes that were removed from its training set.

    Raises
    ------
    DataError : nothing is left
    """
    removed = [u for u, name in enumerate(data.class_names) if name in names]
    if not removed:
        return data
    kept = np.flatnonzero(~np.isin(data.labels, removed))
    if not len(kept):
        raise DataError(f"{data.source}: without the class {', '.join(names)} nothing is left.")
    return _renumbered(data.take(kept), removed)


def _renumbered(data: LabelledImages, removed: Sequence[int]) -> LabelledImages:
    """Return `data`, which has no image of the classes `removed`, without their names."""
    if not removed:
        return data
    kept = np.setdiff1d(np.arange(len(data.class_names)), removed)
    position = np.full(len(data.class_names), -1, dtype=np.int64)
    position[kept] = np.arange(len(kept))
    names = tuple(data.class_names[u] for u in kept)
    return replace(data, labels=position[data.labels], class_names=names)
