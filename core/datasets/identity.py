"""Stable names for images: they must not change when rows are added or sorted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from core.datasets.labels import first_repeated
from core.errors import DataError

_ID_DIGITS = 16  # 64 bits: a clash within a million images has a chance of 3e-8


def require_unique(ids: Sequence[str], where: Callable[[int], str]) -> np.ndarray:
    """Return `ids` as a str array, shape (n,), after checking that none is empty or comes twice.

    Raises
    ------
    DataError
        naming both rows of the first id that comes twice; `where` says where row i is.
    """
    repeated = first_repeated(ids)
    if repeated is not None:
        raise DataError(
            f"{where(repeated[1])}: the id {ids[repeated[1]]!r} is already that of "
            f"{where(repeated[0])}. Ids must be unique: decisions are kept by them."
        )
    empty = next((row for row, image_id in enumerate(ids) if not image_id), None)
    if empty is not None:
        raise DataError(f"{where(empty)}: the id is empty. Fill it in or leave the column out.")
    return np.array(ids, dtype=np.str_)


def ids_from_content(contents: Sequence[bytes]) -> list[str]:
    """Return an id for each SHA-256 digest: its first 16 hexadecimal digits.

    Content that comes again gets "#2", "#3", ... in the order of the rows.
    """
    seen: Counter[str] = Counter()
    ids = []
    for digest in contents:
        name = digest.hex()[:_ID_DIGITS]
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return ids


def row_digests(array: np.ndarray) -> list[bytes]:
    """Return the SHA-256 digest of dtype, shape and numbers of each row of `array`."""
    head = hashlib.sha256(f"{array.dtype.str}{array.shape[1:]}".encode())
    digests = []
    for row in array:
        digest = head.copy()
        digest.update(np.ascontiguousarray(row).data)
        digests.append(digest.digest())
    return digests
