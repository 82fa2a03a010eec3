"""What a labelled image set is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from PIL import Image

from core.datasets.identity import row_digests
from core.errors import DataError


class ImageStore(Protocol):
    """Pictures by position, decoded one at a time and never kept."""

    def __len__(self) -> int: ...

    def encoded(self, index: int) -> bytes:
        """Return picture `index` as it is stored: an encoded file (PNG, JPEG, ...).

        Raises `OSError` where it cannot be read.
        """

    def decode(self, index: int, *, min_side: int | None = None) -> Image.Image:
        """Return picture `index` as a loaded PIL image of mode "L" or "RGB".

        With `min_side` a large picture may come smaller than it is, where that is quicker, with
        both sides at least that long.
        Raises `OSError` (PIL's `UnidentifiedImageError` is one) where it cannot be read.
        """

    def digests(self) -> np.ndarray:
        """Return the SHA-256 digests of all pictures as stored, uint8, shape (n, 32)."""

    def fingerprint(self) -> str:
        """SHA-256 over the content of all pictures, in order."""

    def take(self, indices: np.ndarray) -> ImageStore:
        """Return a view of the pictures at `indices`."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture that was left out, and why."""

    image_id: str
    reason: str


@dataclass(frozen=True)
class LabelledImages:
    """A labelled image set: identities, labels, and pictures or embeddings or both.

    Attributes
    ----------
    source : the text that it was opened from (`core.datasets.open_source` reads it again)
    ids : str array, shape (n,); unique; a relative path, or a content hash where there is none
    labels : int64 array, shape (n,); positions in `class_names`
    class_names : names of the classes; a class may be empty
    images : the pictures, or None for a set that is embeddings only
    embeddings : float32 array, shape (n, d), finite, or None
    paths : object array of str, shape (n,), absolute file paths, or None where pictures are
        not files of their own
    unreadable : pictures already known to be left out of this set
    """

    source: str
    ids: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    images: ImageStore | None = None
    embeddings: np.ndarray | None = None
    paths: np.ndarray | None = None
    unreadable: tuple[Unreadable, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that the parts fit together; readers check content and name file and row."""
        n = len(self.ids)
        if n == 0:
            raise DataError(f"{self.source}: there are no images in it.")
        if len(self.labels) != n:
            raise DataError(
                f"{self.source}: expected {n} labels, one an image, got {len(self.labels)}."
            )
        if self.images is None and self.embeddings is None:
            raise DataError(f"{self.source}: it has neither images nor embeddings.")
        for part, name in ((self.images, "images"), (self.embeddings, "embeddings")):
            if part is not None and len(part) != n:
                raise DataError(f"{self.source}: expected {n} {name}, one an id, got {len(part)}.")
        if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
            raise DataError(
                f"{self.source}: labels must be 0 to {len(self.class_names) - 1}, "
                f"one for each class name; they reach from {self.labels.min()} "
                f"to {self.labels.max()}."
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.ids)

    @cached_property
    def content_fingerprint(self) -> str:
        """SHA-256 over pictures and given embeddings, in order; labels and ids play no part."""
        digest = hashlib.sha256()
        if self.images is not None:
            digest.update(self.images.fingerprint().encode())
        if self.embeddings is not None:
            digest.update(str(self.embeddings.shape).encode())
            digest.update(np.ascontiguousarray(self.embeddings).data)
        return digest.hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over ids, labels, class names and content: the key of runs and decisions."""
        digest = hashlib.sha256(self.content_fingerprint.encode())
        digest.update(json.dumps([self.class_names, self.ids.tolist()]).encode())
        digest.update(np.ascontiguousarray(self.labels, dtype=np.int64).data)
        return digest.hexdigest()

    @cached_property
    def content(self) -> np.ndarray:
        """What each image shows, uint64, shape (n,): the first 64 bits of a SHA-256 digest.

        Of the picture as it is stored, or of the embedding where there are no pictures. Copies have
        the same; 0 stands for an image of which it is not known.
        """
        if self.images is not None:
            digests = self.images.digests()
        else:
            joined = b"".join(row_digests(np.asarray(self.embeddings, dtype=np.float32)))
            digests = np.frombuffer(joined, dtype=np.uint8).reshape(-1, 32)
        first: np.ndarray = np.ascontiguousarray(digests[:, :8]).view(">u8")[:, 0]
        return first.astype(np.uint64)

    @property
    def class_counts(self) -> np.ndarray:
        """Return the number of images a class, int64, shape (len(class_names),)."""
        return np.bincount(self.labels, minlength=len(self.class_names))

    def take(self, indices: np.ndarray, unreadable: Sequence[Unreadable] = ()) -> LabelledImages:
        """Return the subset at `indices`, in that order, noting what was left out on the way."""
        return replace(
            self,
            ids=self.ids[indices],
            labels=self.labels[indices],
            images=None if self.images is None else self.images.take(indices),
            embeddings=None if self.embeddings is None else self.embeddings[indices],
            paths=None if self.paths is None else self.paths[indices],
            unreadable=(*self.unreadable, *unreadable),
        )


def align_classes(
    train: LabelledImages, validation: LabelledImages
) -> tuple[LabelledImages, LabelledImages]:
    """Give both sets one list of class names, matched by name.

    The validation set's order comes first, classes seen only in training follow. Classes that one
    side lacks are allowed; `core.datasets.health` reports them.
    """
    names = tuple(dict.fromkeys((*validation.class_names, *train.class_names)))
    position = {name: index for index, name in enumerate(names)}

    def relabelled(data: LabelledImages) -> LabelledImages:
        new = np.array([position[name] for name in data.class_names], dtype=np.int64)
        return replace(data, labels=new[data.labels], class_names=names)

    return relabelled(train), relabelled(validation)
