"""Embeddings on disk, by fingerprint: one `.npz` a pair of sets and settings."""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.atomic import replacing
from core.datasets import LabelledImages, Unreadable
from core.embedding.embedder import Embedder

_SCHEMA_VERSION = 2
# Before the names of what the embedder fitted.
_FITTED = "fitted."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The pictures of one set that cannot be read.

    Attributes
    ----------
    rows : int64 array, positions in the set as it was given, ascending
    reasons : str array of the same length
    """

    rows: np.ndarray
    reasons: np.ndarray

    @classmethod
    def between(cls, given: LabelledImages, kept: LabelledImages) -> LeftOut:
        """Return what `kept`, made by `drop_unreadable(given)`, has left out."""
        reason = {left_out.image_id: left_out.reason for left_out in kept.unreadable}
        rows = np.flatnonzero(~np.isin(given.ids, kept.ids))
        reasons = [reason.get(image_id, "") for image_id in given.ids[rows].tolist()]
        return cls(rows, np.array(reasons, dtype=np.str_))

    def without(self, given: LabelledImages) -> LabelledImages:
        """Return `given` without these pictures, noting each as unreadable."""
        if len(self.rows) == 0:
            return given
        kept = np.setdiff1d(np.arange(len(given)), self.rows)
        ids = given.ids[self.rows].tolist()
        noted = [Unreadable(*pair) for pair in zip(ids, self.reasons.tolist(), strict=True)]
        return given.take(kept, noted)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept: features of the readable pictures, what was fitted, and which were left out.

    Attributes
    ----------
    x, y, fitted : as `core.embedding.embedder.Features`
    train_left_out, validation_left_out : the pictures without features
    space : of `space`, or "" in entries of older versions: which features may be mixed with these
    digests : of the pictures that x belongs to, as they are stored, uint8, shape (len(x), 32); of
        no length in entries of older versions
    """

    x: np.ndarray
    y: np.ndarray
    fitted: Mapping[str, np.ndarray]
    train_left_out: LeftOut
    validation_left_out: LeftOut
    space: str
    digests: np.ndarray


NO_DIGESTS = np.zeros((0, 32), dtype=np.uint8)


def fingerprint(
    train: LabelledImages,
    validation: LabelledImages,
    name: str,
    embedder: Embedder,
    config: object,
    seed: int,
) -> str:
    """Return the SHA-256 of all that the features depend on.

    Training labels, ids and class names play no part. Neither does the device: a network trained
    on another one is another draw of the same thing, and looking one up must not load torch.
    """
    parts = _space_parts(validation, name, embedder, config, seed)
    return _hashed(parts | {"train": train.content_fingerprint})


def space(
    validation: LabelledImages, name: str, embedder: Embedder, config: object, seed: int
) -> str:
    """Return the SHA-256 of all that the space of the features depends on.

    What `fingerprint` takes in but the training pictures: these are only put into it, so that a
    picture has the same features there in whatever training set it comes.
    """
    return _hashed(_space_parts(validation, name, embedder, config, seed))


def _space_parts(
    validation: LabelledImages, name: str, embedder: Embedder, config: object, seed: int
) -> dict[str, object]:
    parts = {
        "schema_version": _SCHEMA_VERSION,
        "embedder": name,
        "version": embedder.version,
        "config": asdict(config),  # type: ignore[call-overload]
        "validation": validation.content_fingerprint,
    }
    if embedder.learned:
        labels = np.ascontiguousarray(validation.labels, dtype=np.int64)
        parts |= {"seed": seed, "validation_labels": sha256(labels.data).hexdigest()}
    if embedder.identify is not None:
        parts |= {"identity": embedder.identify(config)}
    return parts


def _hashed(parts: Mapping[str, object]) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def load(path: Path, n: int | None, m: int) -> Entry | None:
    """Read the entry for `n` training images, or any number where None, and `m` validation images.

    None where there is none, or none that is whole: the caller then computes it again.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            entry = Entry(
                stored["x"],
                stored["y"],
                {
                    name.removeprefix(_FITTED): stored[name]
                    for name in stored.files
                    if name.startswith(_FITTED)
                },
                LeftOut(stored["train_rows"], stored["train_reasons"]),
                LeftOut(stored["validation_rows"], stored["validation_reasons"]),
                str(stored["space"]) if "space" in stored.files else "",
                stored["digests"] if "digests" in stored.files else NO_DIGESTS,
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        _log.warning("The cached embeddings %s cannot be read (%s).", path, error)
        return None
    n = len(entry.x) + len(entry.train_left_out.rows) if n is None else n
    if _fits(entry.x, entry.train_left_out, n) and _fits(entry.y, entry.validation_left_out, m):
        return entry if entry.x.shape[1] == entry.y.shape[1] else None
    _log.warning("The cached embeddings %s do not fit their images.", path)
    return None


def _fits(vectors: np.ndarray, left_out: LeftOut, count: int) -> bool:
    rows = left_out.rows
    return (
        vectors.dtype == np.float32
        and vectors.ndim == 2
        and len(vectors) + len(rows) == count
        and len(left_out.reasons) == len(rows)
        and bool(np.all((rows >= 0) & (rows < count)) and np.all(np.diff(rows) > 0))
        and bool(np.isfinite(vectors).all())
    )


def entries_of(folder: Path, space: str) -> Iterator[Path]:
    """Yield the entries in `folder` whose features are of `space`, the newest first.

    Of each entry only this much is read; what is damaged is passed over.
    """
    try:
        paths = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as stored:
                same = "space" in stored.files and str(stored["space"]) == space
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            continue
        if same:
            yield path


def store(path: Path, entry: Entry) -> None:
    """Write the entry, whole or not at all.

    A full or read-only disk costs the next run its time, not this run its result.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, allow_pickle=False, **_arrays(entry))
    except OSError as error:
        _log.warning("The embeddings could not be kept in %s (%s).", path, error)


def _arrays(entry: Entry) -> dict[str, np.ndarray]:
    return {
        "x": entry.x,
        "y": entry.y,
        **{f"{_FITTED}{name}": part for name, part in entry.fitted.items()},
        "train_rows": entry.train_left_out.rows,
        "train_reasons": entry.train_left_out.reasons,
        "validation_rows": entry.validation_left_out.rows,
        "validation_reasons": entry.validation_left_out.reasons,
        "space": np.array(entry.space),
        "digests": entry.digests,
    }
