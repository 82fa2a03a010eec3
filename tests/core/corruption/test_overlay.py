from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from core.corruption.overlay import UNCHANGED, OverlayStore
from tests.core.corruption.sets import written


def inverted(pixels: np.ndarray, key: int) -> np.ndarray:
    return np.bitwise_xor(pixels, np.uint8(key))


def overlay(folder: Path) -> tuple[OverlayStore, OverlayStore]:
    base = written("folder", folder).images
    change = np.array([UNCHANGED, 0, UNCHANGED, 0])
    keys = np.array([0, 255, 0, 1], dtype=np.uint64)
    whole = OverlayStore(base, np.array([0, 1, 1, 5]), change, keys, [inverted])
    return base, whole


def test_what_is_unchanged_keeps_its_bytes_and_what_is_changed_is_stored_without_loss(
    tmp_path: Path,
) -> None:
    base, store = overlay(tmp_path)
    assert len(store) == 4
    assert store.encoded(0) == base.encoded(0)
    assert store.encoded(2) == base.encoded(1)
    np.testing.assert_array_equal(store.decode(1), 255 - np.asarray(base.decode(1)))
    np.testing.assert_array_equal(store.decode(3), np.asarray(base.decode(5)) ^ 1)


def test_digests_are_those_of_what_is_encoded(tmp_path: Path) -> None:
    _, store = overlay(tmp_path)
    expected = [hashlib.sha256(store.encoded(row)).digest() for row in range(4)]
    assert [bytes(row) for row in store.digests()] == expected
    for known in (store, overlay(tmp_path)[1]):
        part = known.take(np.array([3, 0]))
        assert [bytes(row) for row in part.digests()] == [expected[3], expected[0]]
        np.testing.assert_array_equal(part.decode(0), store.decode(3))
    assert store.fingerprint() == hashlib.sha256(b"".join(expected)).hexdigest()


def test_a_changed_picture_that_cannot_be_read_is_unreadable_as_before(tmp_path: Path) -> None:
    _, store = overlay(tmp_path)
    next(tmp_path.rglob("001.png")).write_bytes(b"no picture")
    with pytest.raises(OSError, match="not a picture"):
        store.decode(1)
    assert bytes(store.digests()[1]) == hashlib.sha256(b"").digest()
