"""Faults of number: copies of images, and classes of unequal size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.corruption.change import Change, Scene
from core.corruption.features import jittered
from core.corruption.near_copies import CHANGES, NearCopy
from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImbalanceConfig:
    """Which class stays whole.

    Attributes
    ----------
    excess : its name; the largest class where none is given
    """

    excess: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDuplicatesConfig:
    """How often an image is there again.

    Attributes
    ----------
    copies : of each, 1 to 100
    """

    copies: int = 1

    def __post_init__(self) -> None:
        """Refuse none, and what is a slip of the finger."""
        if not 1 <= self.copies <= 100:
            raise ConfigError(f"copies must be 1 to 100, got {self.copies}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicatesConfig:
    """What is done to a copy.

    Attributes
    ----------
    change : one of `core.corruption.near_copies.CHANGES`, or "any": one of them at random; in
        a set of embeddings only every copy is jittered
    jitter : that noise in units of each coordinate's deviation, more than 0
    """

    change: str = "any"
    jitter: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        if self.change not in {"any", *CHANGES}:
            raise ConfigError(f"change is any, {', '.join(CHANGES)}; got {self.change!r}.")
        if not 0 < self.jitter < np.inf:
            raise ConfigError(f"jitter must be more than 0, got {self.jitter}.")


def plant_imbalance(scene: Scene, fraction: float, config: ImbalanceConfig) -> Change:
    """Take a share of every class but one out of the set.

    The truth names all images of the class that stays whole: which of them are too many, nothing
    says; a method that mends the imbalance takes from these.
    """
    labels = scene.data.labels
    counts = np.bincount(labels[scene.free], minlength=len(scene.data.class_names))
    largest = scene.classes[int(counts[scene.classes].argmax())]
    name = config.excess or scene.data.class_names[int(largest)]
    position = scene.class_position(name, "excess")
    if not counts[position] or len(scene.classes) < 2:
        raise ConfigError(f"{scene.name}: class {name!r} has no images, or is the only one.")
    gone = [np.zeros(0, dtype=np.int64)]
    for other in scene.classes[scene.classes != position].tolist():
        here = np.flatnonzero(scene.free & (labels == other))
        # A class keeps at least one image.
        count = min(round(fraction * len(here)), len(here) - 1)
        if count > 0:
            gone.append(scene.draws.first(scene.data.ids, here, count))
    return Change(
        rows=np.flatnonzero(scene.free & (labels == position)),
        left_out=np.sort(np.concatenate(gone)),
        facts={"excess": name},
    )


def plant_exact_duplicates(scene: Scene, fraction: float, config: ExactDuplicatesConfig) -> Change:
    """Put images into the set again as they are; the copies are the faulty ones."""
    rows = scene.pick(fraction, np.ones(len(scene.data), dtype=bool))
    return Change(rows=np.repeat(rows, config.copies), copies=True)


def plant_near_duplicates(scene: Scene, fraction: float, config: NearDuplicatesConfig) -> Change:
    """Put images into the set again, each changed a little; the copies are the faulty ones."""
    rows = scene.pick(fraction, np.ones(len(scene.data), dtype=bool))
    keys = scene.draws.keys(scene.data.ids[rows], "change")
    if scene.data.images is None:
        vectors = jittered(scene.data.embeddings, rows, keys, config.jitter)
        return Change(rows=rows, copies=True, embeddings=vectors)
    copy = NearCopy(config.change)
    return Change(
        rows=rows,
        copies=True,
        picture=copy,
        keys=keys,
        columns={"change": [copy.chosen(key) for key in keys.tolist()]},
    )
