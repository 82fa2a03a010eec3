"""What stands now: each reviewer's opinion of each image, and the image's state.

A reviewer's opinion is the latest active decision; "clear" withdraws it. The latest opinion of any
reviewer is the image's state. Where the opinions differ in verdict or label, it is disputed. A note
stays until its reviewer writes another one, erases it, or takes back the stroke that it came with;
to write one is not to have an opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.curation.log import ERASED, NO_NOTE, LogView


@dataclass(frozen=True)
class Opinions:
    """One entry an image and reviewer with an opinion or a note, by place, then reviewer.

    Attributes
    ----------
    place : which image, int64
    reviewer : number of the name
    decided : index in the log of the standing decision, -1 where there is none
    noted : index in the log of the standing note, -1 where there is none
    """

    place: np.ndarray
    reviewer: np.ndarray
    decided: np.ndarray
    noted: np.ndarray


@dataclass(frozen=True)
class States:
    """One entry a decided or noted image, by place.

    Attributes
    ----------
    place : which image, int64, rising
    decided : index in the log of the decision that is the state, -1 where the image is only noted
    noted : index in the log of the latest standing note, -1 where there is none
    disputed : whether standing opinions differ, bool
    first, count : which of `Opinions.decided`, those of -1 left out, are about the image
    """

    place: np.ndarray
    decided: np.ndarray
    noted: np.ndarray
    disputed: np.ndarray
    first: np.ndarray
    count: np.ndarray


def opinions(view: LogView, places: np.ndarray, active: np.ndarray | None = None) -> Opinions:
    """Return what each reviewer holds of each image now.

    Parameters
    ----------
    places : which image each row of the log is about, int64, shape (k,); -1 for none that matters
    active : which rows count, bool, shape (k,); `LogView.active` by default

    Notes
    -----
    O(k log k) time, O(k) memory.
    """
    active = view.active if active is None else active
    index = np.flatnonzero((places >= 0) & (view.undoes < 0) & active)
    names = len(view.words)
    key = places[index] * names + view.reviewer[index]
    decides = view.verdict[index] != view.words.code("note")
    decided_key, decided = _latest(key[decides], index[decides])
    stands = view.verdict[decided] != view.words.code("clear")
    says = view.says[index] != NO_NOTE
    noted_key, noted = _latest(key[says], index[says])
    written = view.says[noted] != ERASED
    decided_key, decided = decided_key[stands], decided[stands]
    noted_key, noted = noted_key[written], noted[written]
    keys = np.union1d(decided_key, noted_key)
    return Opinions(
        place=keys // max(names, 1),
        reviewer=keys % max(names, 1),
        decided=_placed(keys, decided_key, decided),
        noted=_placed(keys, noted_key, noted),
    )


def states(view: LogView, held: Opinions) -> States:
    """Return the state of each image that somebody holds an opinion of, or has noted."""
    place, start = np.unique(held.place, return_index=True)
    if not len(place):
        none = np.zeros(0, dtype=np.int64)
        return States(none, none, none, none.astype(bool), none, none)
    stands = held.decided >= 0
    # Verdict and label as one number; of what does not stand, the largest or smallest there is.
    verdict = view.verdict[held.decided].astype(np.int64)
    said = verdict * (len(view.words) + 1) + view.label[held.decided]
    limits = np.iinfo(np.int64)
    least = np.minimum.reduceat(np.where(stands, said, limits.max), start)
    most = np.maximum.reduceat(np.where(stands, said, limits.min), start)
    count = np.add.reduceat(stands.astype(np.int64), start)
    return States(
        place=place,
        decided=np.maximum.reduceat(held.decided, start),
        noted=np.maximum.reduceat(held.noted, start),
        disputed=least < most,
        first=np.cumsum(count) - count,
        count=count,
    )


def _latest(key: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each key once, rising, and the last `index` that it comes with."""
    distinct, last = np.unique(key[::-1], return_index=True)
    return distinct, index[::-1][last]


def _placed(keys: np.ndarray, some: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return `index` where `keys` has `some` of its keys, -1 elsewhere."""
    found = np.full(len(keys), -1, dtype=np.int64)
    found[np.searchsorted(keys, some)] = index
    return found
