from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import LabelledImages, Unreadable, align_classes
from core.errors import DataError


def make(labels: list[int], names: tuple[str, ...], **other: object) -> LabelledImages:
    n = len(labels)
    parts: dict[str, object] = {
        "source": "set",
        "ids": np.array([f"i{row}" for row in range(n)]),
        "labels": np.array(labels, dtype=np.int64),
        "class_names": names,
        "embeddings": np.arange(2 * n, dtype=np.float32).reshape(n, 2),
    }
    return LabelledImages(**{**parts, **other})


CLASSES = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1).map(tuple)


@given(CLASSES, CLASSES)
def test_aligning_keeps_the_class_of_every_image(left: tuple[str, ...], right: tuple[str, ...]):
    pair = make(list(range(len(left))), left), make(list(range(len(right))), right)
    train, validation = align_classes(*pair)
    assert train.class_names == validation.class_names
    assert set(train.class_names) == {*left, *right}
    assert train.class_names[: len(right)] == right
    assert [train.class_names[u] for u in train.labels] == list(left)
    assert [validation.class_names[u] for u in validation.labels] == list(right)


@pytest.mark.parametrize(
    ("labels", "names", "other", "message"),
    [
        ([], ("a",), {}, "no images"),
        ([0, 1], ("a",), {}, "labels must be 0 to 0"),
        ([-1], ("a",), {}, "labels must be"),
        ([0], ("a",), {"embeddings": None}, "neither images nor embeddings"),
        ([0], ("a",), {"embeddings": np.ones((2, 2))}, "expected 1 embeddings"),
        ([0], ("a",), {"ids": np.array(["x", "y"])}, "expected 2 labels"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(labels, names, other, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make(labels, names, **other)


def test_fingerprints_tell_labels_names_ids_and_content_apart() -> None:
    base = make([0, 1], ("a", "b"))
    others = [
        make([1, 0], ("a", "b")),
        make([0, 1], ("a", "c")),
        make([0, 1], ("a", "b"), ids=np.array(["i0", "other"])),
        make([0, 1], ("a", "b"), embeddings=np.zeros((2, 2), dtype=np.float32)),
    ]
    assert make([0, 1], ("a", "b"), source="elsewhere").fingerprint == base.fingerprint
    assert len({base.fingerprint, *(data.fingerprint for data in others)}) == 5
    assert [data.content_fingerprint == base.content_fingerprint for data in others] == [
        True, True, True, False,
    ]  # fmt: skip


def test_taking_a_part_takes_all_of_it_and_remembers_what_was_left_out() -> None:
    base = make([0, 1, 1], ("a", "b"), unreadable=(Unreadable("x", "gone"),))
    part = base.take(np.array([2, 0]), [Unreadable("i1", "broken")])
    assert part.ids.tolist() == ["i2", "i0"]
    assert part.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(part.embeddings, [[4, 5], [0, 1]])
    assert [picture.image_id for picture in part.unreadable] == ["x", "i1"]
