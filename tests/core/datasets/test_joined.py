from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages, join_sets
from core.datasets.stores import ArrayStore
from core.errors import DataError


def numbered(name: str, count: int, first: int, classes: tuple[str, ...]) -> LabelledImages:
    """A set whose picture i is filled with the gray `first` + i."""
    gray = (first + np.arange(count)).astype(np.uint8)
    return LabelledImages(
        source=name,
        ids=np.array([f"{name}-{i}" for i in range(count)]),
        labels=np.arange(count) % len(classes),
        class_names=classes,
        images=ArrayStore(np.broadcast_to(gray[:, None, None], (count, 4, 4)).copy()),
        paths=np.array([f"/{name}/{i}" for i in range(count)], dtype=object),
    )


def gray_of(data: LabelledImages, row: int) -> int:
    assert data.images is not None
    return int(np.asarray(data.images.decode(row))[0, 0])


def test_rows_follow_each_other_and_classes_are_matched_by_name() -> None:
    whole = join_sets([numbered("a", 3, 10, ("x", "y")), numbered("b", 2, 50, ("y", "z"))])
    assert whole.ids.tolist() == ["a-0", "a-1", "a-2", "b-0", "b-1"]
    assert [whole.class_names[u] for u in whole.labels] == ["x", "y", "x", "y", "z"]
    assert [gray_of(whole, row) for row in range(5)] == [10, 11, 12, 50, 51]
    assert whole.paths.tolist()[3] == "/b/0"
    part = whole.take(np.array([4, 0]))
    assert [gray_of(part, row) for row in range(2)] == [51, 10]
    assert part.images.encoded(0) == whole.images.encoded(4)


def test_the_fingerprint_follows_content_and_order() -> None:
    a, b = numbered("a", 3, 10, ("x",)), numbered("b", 2, 50, ("x",))
    whole = join_sets([a, b]).images
    assert whole.fingerprint() == join_sets([a, b]).images.fingerprint()
    others = [join_sets([b, a]).images, whole.take(np.array([1, 0, 2, 3, 4]))]
    assert whole.fingerprint() not in [store.fingerprint() for store in others]


def test_a_set_without_pictures_can_follow_one_with_pictures(tmp_path: Path) -> None:
    embedded = LabelledImages(
        source="b",
        ids=np.array(["b-0"]),
        labels=np.zeros(1, np.int64),
        class_names=("x",),
        embeddings=np.ones((1, 3), np.float32),
    )
    whole = join_sets([numbered("a", 2, 10, ("x",)), embedded])
    assert gray_of(whole, 1) == 11
    assert whole.embeddings is None
    assert whole.paths.tolist() == ["/a/0", "/a/1", None]
    with pytest.raises(OSError, match="without a picture"):
        whole.images.decode(2)


def test_an_id_that_comes_twice_is_named() -> None:
    with pytest.raises(DataError, match="a-0"):
        join_sets([numbered("a", 2, 0, ("x",)), numbered("a", 1, 0, ("x",))])
