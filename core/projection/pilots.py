"""What the sellers show: a pilot of labelled images from each source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilots:
    """The pilots of m sources, one after another or in any order.

    Attributes
    ----------
    x : embeddings, float32, shape (n, d), finite
    labels : positions in the list of classes, int64, shape (n,)
    source : which source a row is from, int64 from 0 to m - 1, shape (n,)
    names : of the m sources
    n_classes : length of the list of classes
    capacity : images that can be bought of each source, shape (m,); infinite where unknown
    price : of one image of each source, in any currency, shape (m,); 0 where unknown

    Raises
    ------
    ConfigError : a capacity or price is negative or NaN, or the names are not one a source
    DataError : the arrays do not fit each other, or a source shows no image
    """

    x: np.ndarray
    labels: np.ndarray
    source: np.ndarray
    names: tuple[str, ...]
    n_classes: int
    capacity: np.ndarray
    price: np.ndarray

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        n = len(self.x)
        if self.x.ndim != 2 or len(self.labels) != n or len(self.source) != n:
            raise DataError(
                "Expected one embedding, one label and one source an image, got shapes "
                f"{self.x.shape}, {self.labels.shape} and {self.source.shape}."
            )
        _require_positions(self.labels, self.n_classes, "label")
        _require_positions(self.source, self.m, "source")
        if not np.isfinite(self.x).all():
            row = int(np.flatnonzero(~np.isfinite(self.x).all(axis=1))[0])
            raise DataError(f"The pilots' embedding in row {row} holds NaN or infinity.")
        if self.m == 0 or len(set(self.names)) < self.m:
            raise ConfigError(f"Each source needs a name of its own, got {list(self.names)}.")
        for name, given in (("capacity", self.capacity), ("price", self.price)):
            if given.shape != (self.m,) or not (given >= 0).all():
                raise ConfigError(
                    f"Expected one {name} of 0 or more a source ({self.m}), got {given}."
                )
        for name, count in zip(self.names, self.counts, strict=True):
            if count == 0:
                raise DataError(f'The pilot of "{name}" holds no image.')

    @property
    def m(self) -> int:
        """Return the number of sources."""
        return len(self.names)

    @property
    def counts(self) -> np.ndarray:
        """Return the images in each pilot, int64, shape (m,)."""
        return np.bincount(self.source, minlength=self.m).astype(np.int64)


def _require_positions(values: np.ndarray, count: int, name: str) -> None:
    """Refuse values, shape (n,), that are not int64 from 0 to count - 1."""
    if values.dtype != np.int64:
        raise DataError(f"The pilots' {name}s must be int64, got {values.dtype}.")
    bad = (values < 0) | (values >= count)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"The pilots' {name} in row {row} is {values[row]}; expected 0 to {count - 1}."
        )
