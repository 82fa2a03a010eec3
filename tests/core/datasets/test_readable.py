from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages, drop_unreadable, open_source
from core.errors import Cancelled, DataError
from tests.core.datasets.files import png, write_hugging_face


def test_unreadable_pictures_are_left_out_and_listed(image_folder: Path) -> None:
    (image_folder / "ant" / "1.png").write_bytes(b"<html>not found</html>")
    (image_folder / "cat" / "0.png").write_bytes(b"")
    kept = drop_unreadable(open_source(str(image_folder)))
    assert kept.ids.tolist() == ["ant/0.png", "ant/2.png", "bee/0.png", "bee/1.png"]
    assert kept.class_counts.tolist() == [2, 2, 0]
    assert [(u.image_id, u.reason) for u in kept.unreadable] == [
        ("ant/1.png", "not a picture that can be read"),
        ("cat/0.png", "the file is empty"),
    ]
    assert (
        kept.images.decode(3).tobytes() == open_source(str(image_folder)).images.decode(4).tobytes()
    )


def test_a_healthy_set_stays_itself(image_folder: Path) -> None:
    data = open_source(str(image_folder))
    assert drop_unreadable(data) is data


def test_a_set_without_any_readable_picture_is_refused(tmp_path: Path) -> None:
    file = write_hugging_face(tmp_path / "a.parquet", [b"x", b"y"], [0, 1], paths=["p", "q"])
    with pytest.raises(DataError, match=r"none of its 2 pictures.*p: not a picture"):
        drop_unreadable(open_source(str(file)))


def test_embeddings_only_have_nothing_to_drop() -> None:
    data = LabelledImages(
        source="s",
        ids=np.array(["a"]),
        labels=np.array([0]),
        class_names=("x",),
        embeddings=np.ones((1, 2), dtype=np.float32),
    )
    assert drop_unreadable(data) is data


class CountingStore:
    """Counts what is decoded of another store."""

    def __init__(self, inner) -> None:
        self.inner, self.decoded = inner, []

    def __len__(self) -> int:
        return len(self.inner)

    def decode(self, index: int, *, min_side: int | None = None):
        self.decoded.append(index)
        return self.inner.decode(index, min_side=min_side)


def test_each_picture_is_decoded_once_and_cancel_stops_the_work(tmp_path: Path) -> None:
    n = 4000
    file = write_hugging_face(
        tmp_path / "a.parquet", [png(0)] * n, [0] * n, paths=[f"{i}" for i in range(n)]
    )
    data = open_source(str(file))
    counting = CountingStore(data.images)
    object.__setattr__(data, "images", counting)
    drop_unreadable(data)
    assert sorted(counting.decoded) == list(range(n))

    def cancel(stage: str, done: float, detail: str = "") -> None:
        raise Cancelled("stopped")

    counting.decoded.clear()
    with pytest.raises(Cancelled):
        drop_unreadable(data, cancel)
    assert len(counting.decoded) < n
