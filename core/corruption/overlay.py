"""A set's pictures with some of them changed, of which nothing is held but how."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from core.corruption.change import PictureChange
from core.datasets import ArrayStore, ImageStore, encode_png

UNCHANGED = -1


@dataclass(eq=False)
class OverlayStore:
    """Pictures of `base`, each as it is or changed at the moment it is asked for.

    An unchanged picture keeps its stored bytes and digest; a changed one is a PNG, which loses
    nothing. Memory does not grow with the number or size of what is changed. Digests are those that
    the set has once `write_corrupted` has written it: of pixels, where the base is an array.

    Attributes
    ----------
    base : where the pictures come from
    origin : int64, shape (n,): the row of `base` that each is, or was made from
    change : int64, shape (n,): a position in `changes`, or `UNCHANGED`
    keys : uint64, shape (n,): what the change is called with
    changes : what is done to pictures
    """

    base: ImageStore
    origin: np.ndarray
    change: np.ndarray
    keys: np.ndarray
    changes: Sequence[PictureChange]
    _digests: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.origin)

    def encoded(self, index: int) -> bytes:
        """Return picture `index` as it is stored; raises `OSError` where it cannot be read."""
        if self.change[index] == UNCHANGED:
            return self.base.encoded(int(self.origin[index]))
        return encode_png(np.asarray(self.decode(index)))

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        """Return picture `index`, loaded, mode "L" or "RGB"; a changed one at its full size."""
        origin, number = int(self.origin[index]), int(self.change[index])
        if number == UNCHANGED:
            return self.base.decode(origin, min_side=min_side)
        pixels = np.asarray(self.base.decode(origin))
        return Image.fromarray(self.changes[number](pixels, int(self.keys[index])))

    def digests(self) -> np.ndarray:
        """Return the SHA-256 digests of all pictures as stored, uint8, shape (n, 32)."""
        if self._digests is None:
            # Indexing has copied: the base keeps its own.
            found = self.base.digests()[self.origin]
            for index in np.flatnonzero(self.change != UNCHANGED).tolist():
                found[index] = np.frombuffer(self._digest(index), dtype=np.uint8)
            self._digests = found
        return self._digests

    def _digest(self, index: int) -> bytes:
        try:
            if is_array(self.base):
                return ArrayStore(np.asarray(self.decode(index))[None]).digest(0)
            return hashlib.sha256(self.encoded(index)).digest()
        except OSError:
            return hashlib.sha256(b"").digest()

    def fingerprint(self) -> str:
        """SHA-256 over the digests of all pictures, in order."""
        return hashlib.sha256(self.digests().data).hexdigest()

    def take(self, indices: np.ndarray) -> OverlayStore:
        """Return a view of the pictures at `indices`, with the digests that are known already."""
        return OverlayStore(
            base=self.base,
            origin=self.origin[indices],
            change=self.change[indices],
            keys=self.keys[indices],
            changes=self.changes,
            _digests=None if self._digests is None else self._digests[indices],
        )


def is_array(store: ImageStore | None) -> bool:
    """Return whether pictures lie in an array, or are such pictures changed."""
    return (
        is_array(store.base) if isinstance(store, OverlayStore) else isinstance(store, ArrayStore)
    )
