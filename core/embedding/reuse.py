"""Features of pictures that were embedded before, in other training sets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import LabelledImages, drop_unreadable
from core.embedding import cache
from core.embedding.embedder import Embedder
from core.progress import Progress

# Each costs the time to read its features; those of one space hold much the same pictures.
_MOST_ENTRIES = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Completed:
    """An entry made with the help of earlier ones.

    Attributes
    ----------
    entry : like one computed from nothing, up to rounding
    reused : how many of its features of training pictures were there before
    """

    entry: cache.Entry
    reused: int


def complete(
    train: LabelledImages,
    validation: LabelledImages,
    embedder: Embedder,
    config: Any,
    space: str,
    folder: Path,
    *,
    device: str,
    progress: Progress,
) -> Completed | None:
    """Embed only those training pictures that no kept entry of `space` has features of.

    A picture is recognized by the digest of its bytes: its id, label and place in the set play no
    part. The embedder is not fitted again, for `space` says that it would come out the same.

    Returns
    -------
    None where nothing is kept of that space, what is kept is damaged, or `train` has no pictures
    """
    if train.images is None:
        return None
    earlier = [
        entry
        for path in islice(cache.entries_of(folder, space), _MOST_ENTRIES)
        if (entry := cache.load(path, None, len(validation))) is not None
        and len(entry.digests) == len(entry.x)
    ]
    if not earlier:
        return None
    fitted, width = earlier[0].fitted, earlier[0].x.shape[1]
    digests = train.images.digests()
    x = np.zeros((len(train), width), dtype=np.float32)
    known = _fill(x, digests, [entry for entry in earlier if _alike(entry.fitted, fitted)])
    missing = np.flatnonzero(~known)
    readable = np.ones(len(train), dtype=np.bool_)
    left_out = cache.LeftOut(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.str_))
    if len(missing):
        try:
            x, left_out = _embed_missing(
                x, train, known, embedder, fitted, config, device=device, progress=progress
            )
        except (KeyError, ValueError, RuntimeError) as error:
            _log.warning("A kept embedder cannot be put together again (%s).", error)
            return None
        readable[left_out.rows] = False
    entry = replace(earlier[0], x=x[readable], train_left_out=left_out, digests=digests[readable])
    return Completed(entry, int(known.sum()))


def _embed_missing(
    x: np.ndarray,
    train: LabelledImages,
    known: np.ndarray,
    embedder: Embedder,
    fitted: Mapping[str, np.ndarray],
    config: Any,
    *,
    device: str,
    progress: Progress,
) -> tuple[np.ndarray, cache.LeftOut]:
    """Return `x` with the features of the pictures that are not `known`, and those left out."""
    # One that is known comes along: where all others cannot be read, a set remains.
    rows = np.union1d(np.flatnonzero(~known), np.flatnonzero(known)[:1])
    part = train.take(rows)
    kept = drop_unreadable(part, progress)
    without = cache.LeftOut.between(part, kept)
    found = np.setdiff1d(np.arange(len(rows)), without.rows)
    x[rows[found]] = embedder.embed_more(kept, fitted, config, device=device, progress=progress)
    return x, cache.LeftOut(rows[without.rows], without.reasons)


def _fill(x: np.ndarray, digests: np.ndarray, earlier: list[cache.Entry]) -> np.ndarray:
    """Write the features that are there into `x`; return which rows have them, bool, shape (n,)."""
    known = np.zeros(len(x), dtype=np.bool_)
    names = [digest.tobytes() for digest in digests]
    for entry in earlier:
        row_of = {digest.tobytes(): row for row, digest in enumerate(entry.digests)}
        pairs = [
            (row, row_of[names[row]])
            for row in np.flatnonzero(~known).tolist()
            if names[row] in row_of
        ]
        if pairs:
            here, there = np.array(pairs).T
            x[here] = entry.x[there]
            known[here] = True
        if known.all():
            break
    return known


def _alike(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    """Return whether two embedders are the same; made on another device they may differ."""
    return left.keys() == right.keys() and all(
        np.array_equal(left[name], right[name]) for name in left
    )
