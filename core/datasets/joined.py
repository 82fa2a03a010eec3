"""Several sets as one, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.datasets.images import ImageStore, LabelledImages
from core.errors import DataError


class JoinedStore:
    """The pictures of several sets, one set after the other.

    Parameters
    ----------
    stores : the pictures of each set; None for a set that is embeddings only
    counts : how many images each set has
    places : the position of each picture in the whole, int64; all by default
    """

    def __init__(
        self,
        stores: Sequence[ImageStore | None],
        counts: Sequence[int],
        places: np.ndarray | None = None,
    ) -> None:
        self._stores, self._counts = tuple(stores), tuple(counts)
        self._ends = np.cumsum(self._counts)
        self._places = np.arange(self._ends[-1]) if places is None else places

    def __len__(self) -> int:
        return len(self._places)

    def encoded(self, index: int) -> bytes:
        """Return picture `index` as it is stored; raises `OSError` where it cannot be read."""
        store, inner = self._find(index)
        return store.encoded(inner)

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        """Return picture `index`, loaded; raises `OSError` where it cannot be read."""
        store, inner = self._find(index)
        return store.decode(inner, min_side=min_side)

    def digests(self) -> np.ndarray:
        """Return the SHA-256 digests of all pictures, uint8, shape (n, 32); 0 where there is none.

        An image without a picture has no digest.
        """
        parts = [
            np.zeros((count, 32), dtype=np.uint8) if store is None else store.digests()
            for store, count in zip(self._stores, self._counts, strict=True)
        ]
        return np.concatenate(parts)[self._places]

    def fingerprint(self) -> str:
        """SHA-256 over the content of all pictures, in order."""
        parts = [
            "" if store is None else store.fingerprint() for store in self._stores
        ] + self._places.tolist()
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def take(self, indices: np.ndarray) -> JoinedStore:
        """Return a view of the pictures at `indices`."""
        return JoinedStore(self._stores, self._counts, self._places[indices])

    def _find(self, index: int) -> tuple[ImageStore, int]:
        place = int(self._places[index])
        part = int(np.searchsorted(self._ends, place, side="right"))
        store = self._stores[part]
        if store is None:
            raise OSError("this image was added as an embedding, without a picture")
        return store, place - int(self._ends[part]) + self._counts[part]


def join_sets(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Return the images of all `parts`, in order, with one list of classes matched by name.

    Embeddings are kept where all parts have them, pictures where any part has.

    Raises
    ------
    DataError : an id comes twice
    """
    names = tuple(dict.fromkeys(name for part in parts for name in part.class_names))
    position = {name: index for index, name in enumerate(names)}
    labels = [
        np.array([position[name] for name in part.class_names], dtype=np.int64)[part.labels]
        for part in parts
    ]
    ids = np.concatenate([part.ids for part in parts])
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DataError(
            f"{parts[-1].source}: the image {values[counts > 1][0]} is there already. "
            "Ids must be unique: decisions are kept by them."
        )
    stores = [part.images for part in parts]
    embeddings = [part.embeddings for part in parts if part.embeddings is not None]
    widths = {array.shape[1] for array in embeddings}
    has_paths = any(part.paths is not None for part in parts)
    return LabelledImages(
        source=parts[0].source,
        ids=ids,
        labels=np.concatenate(labels),
        class_names=names,
        images=None
        if all(store is None for store in stores)
        else JoinedStore(stores, [len(part) for part in parts]),
        embeddings=np.concatenate(embeddings)
        if len(embeddings) == len(parts) and len(widths) == 1
        else None,
        paths=np.concatenate([_paths(part) for part in parts]) if has_paths else None,
        unreadable=tuple(left_out for part in parts for left_out in part.unreadable),
    )


def _paths(part: LabelledImages) -> np.ndarray:
    if part.paths is not None:
        return part.paths
    return np.full(len(part), None, dtype=object)
