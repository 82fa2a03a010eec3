"""What planting a fault yields, and the random numbers that it is planted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

from core.datasets import LabelledImages
from core.errors import ConfigError
from core.progress import Progress, silent


class PictureChange(Protocol):
    """Changes one picture."""

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return a changed copy of `pixels`, of the same type and kind, from the picture's `key`.

        `pixels` is uint8, shape (height, width) or (height, width, 3).
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A fault, planted in some images; nothing but the description of it.

    Attributes
    ----------
    rows : int64, shape (k,): the images that become faulty; with `copies`, copies of these
    copies : the images stay as they are, and faulty copies of them join the set
    labels : int64, shape (k,): the labels that they get, None where they keep theirs
    picture : what is done to their pictures, None where they stay
    keys : uint64, shape (k,): what `picture` is called with
    embeddings : float32, shape (k, d): the vectors that they get, in a set of embeddings only
    left_out : int64: images that leave the set
    removed_classes : positions of classes that are no longer among the classes
    columns : further columns of the truth, k values each
    facts : what is worth knowing about all of them, as JSON values
    """

    rows: np.ndarray
    copies: bool = False
    labels: np.ndarray | None = None
    picture: PictureChange | None = None
    keys: np.ndarray | None = None
    embeddings: np.ndarray | None = None
    left_out: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    removed_classes: tuple[int, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a fault is planted.

    Attributes
    ----------
    name : of the fault, for messages
    data : the set as it was given
    free : bool, shape (n,): no fault was planted in them, and they are still in the set
    classes : int64: positions of the classes that there still are
    network : what feature collision is made against (`core.corruption.Network`)
    """

    name: str
    data: LabelledImages
    free: np.ndarray
    classes: np.ndarray
    draws: Draws
    network: Any = None
    progress: Progress = silent

    def count(self, fraction: float) -> int:
        """Return how many images a fraction of the whole set is, at least one."""
        count = round(fraction * len(self.data))
        if count < 1:
            raise ConfigError(
                f"{self.name}: a fraction of {fraction:g} of {len(self.data):,} images is not one "
                "image. Take a larger one."
            )
        return count

    def pick(self, fraction: float, fit: np.ndarray, which: str = "images") -> np.ndarray:
        """Return the rows of a fraction of the whole set, at random among the free that are `fit`.

        Which images are picked depends on the seed and their ids, not on their order; a smaller
        fraction's are among a larger one's.

        Parameters
        ----------
        fit : bool, shape (n,)
        which : what those are called in the message that there are too few

        Raises
        ------
        ConfigError : there are too few, or the fraction is not one image
        """
        count, found = self.count(fraction), np.flatnonzero(self.free & fit)
        if count > len(found):
            raise ConfigError(
                f"{self.name}: a fraction of {fraction:g} of {len(self.data):,} images is "
                f"{count:,}; there are {len(found):,} {which} free of other faults. "
                f"Take at most {np.floor(1e4 * len(found) / len(self.data)) / 1e4:g}."
            )
        return self.draws.first(self.data.ids, found, count)

    def class_position(self, name: str, option: str) -> int:
        """Return the position of a class by its name; raises `ConfigError`."""
        names = self.data.class_names
        if name not in names or names.index(name) not in self.classes:
            known = ", ".join(names[u] for u in self.classes[:8])
            more = f" and {len(self.classes) - 8} more" if len(self.classes) > 8 else ""
            raise ConfigError(
                f"{self.name}: there is no class {name!r} for {option}. There are: {known}{more}."
            )
        return names.index(name)


@dataclass(frozen=True, slots=True)
class Draws:
    """Random numbers that belong to an image, whatever row it stands in.

    Attributes
    ----------
    seed : of all faults that are planted together
    name : what tells this fault from the others
    """

    seed: int
    name: str

    def keys(self, ids: np.ndarray, purpose: str) -> np.ndarray:
        """Return 64 random bits for each id, uint64, shape (k,)."""
        head = blake2b(f"{self.seed}\0{self.name}\0{purpose}\0".encode(), digest_size=8)
        drawn = bytearray()
        for image_id in ids.tolist():
            one = head.copy()
            one.update(image_id.encode("utf-8", "surrogatepass"))
            drawn += one.digest()
        return np.frombuffer(bytes(drawn), dtype=np.uint64)

    def uniform(self, ids: np.ndarray, purpose: str) -> np.ndarray:
        """Return a number in [0, 1) for each id, float64, shape (k,)."""
        # 53 bits are what a double holds: rounding up to 1 cannot happen.
        return (self.keys(ids, purpose) >> np.uint64(11)) * 2.0**-53

    def first(self, ids: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        """Return `count` of `rows` at random, in rising order."""
        order = np.lexsort((ids[rows], self.keys(ids[rows], "picked")))
        return np.sort(rows[order[:count]])


class PlantFunction(Protocol):
    """Plants a fault: what the registry's functions are."""

    def __call__(self, scene: Scene, fraction: float, config: Any) -> Change:
        """Return the change; the set itself stays as it is. Raises `ConfigError`, `DataError`."""
