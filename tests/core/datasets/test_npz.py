from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.datasets import open_source
from core.errors import DataError

LABELS = np.array([0, 1, 1])
EMBEDDINGS = np.arange(6, dtype=np.float64).reshape(3, 2)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)


def write(folder: Path, *, compressed: bool = False, **arrays: object) -> str:
    save = np.savez_compressed if compressed else np.savez
    save(folder / "set.npz", **arrays)
    return str(folder / "set.npz")


@pytest.mark.parametrize("compressed", [False, True])
def test_embeddings_images_names_and_ids_are_read(tmp_path: Path, compressed: bool) -> None:
    source = write(
        tmp_path,
        compressed=compressed,
        images=IMAGES,
        embeddings=EMBEDDINGS,
        labels=LABELS,
        ids=np.array(["a", "b", "c"]),
        class_names=np.array(["ant", "bee"]),
    )
    data = open_source(source)
    assert data.class_names == ("ant", "bee")
    assert data.ids.tolist() == ["a", "b", "c"]
    assert data.embeddings.dtype == np.float32
    np.testing.assert_array_equal(data.embeddings, EMBEDDINGS)
    np.testing.assert_array_equal(np.asarray(data.images.decode(2)), IMAGES[2])


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (IMAGES[..., 0], IMAGES[..., 0]),
        (IMAGES[..., :1], IMAGES[..., 0]),
        (np.moveaxis(IMAGES, 3, 1), IMAGES),
        (np.moveaxis(IMAGES[..., :1], 3, 1), IMAGES[..., 0]),
        (np.asfortranarray(IMAGES), IMAGES),
    ],
    ids=["gray", "one channel last", "channels first", "one channel first", "column order"],
)
def test_every_layout_of_images_gives_the_same_pictures(
    tmp_path: Path, images: np.ndarray, expected: np.ndarray
) -> None:
    data = open_source(write(tmp_path, images=images, labels=LABELS))
    for row in range(3):
        np.testing.assert_array_equal(np.asarray(data.images.decode(row)), expected[row])


def test_encoded_pictures_are_png_files_with_the_same_pixels(tmp_path: Path) -> None:
    data = open_source(write(tmp_path, images=IMAGES, labels=LABELS))
    assert data.images.encoded(0).startswith(b"\x89PNG")


def test_rows_without_ids_are_named_by_content_wherever_they_stand(tmp_path: Path) -> None:
    embeddings = np.array([[1, 2], [3, 4], [1, 2]])
    ids = open_source(write(tmp_path, embeddings=embeddings, labels=LABELS)).ids.tolist()
    assert ids[2] == f"{ids[0]}#2"
    again = open_source(write(tmp_path, embeddings=embeddings[[1, 0, 2]], labels=LABELS))
    assert again.ids.tolist() == [ids[1], ids[0], ids[2]]


@given(
    labels=hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(-5, 5)),
)
def test_integer_labels_become_their_decimal_text(tmp_path_factory, labels: np.ndarray) -> None:
    folder = tmp_path_factory.mktemp("npz")
    for given_labels in (labels, labels.astype(str), labels.astype(float)):
        data = open_source(write(folder, embeddings=np.ones((len(labels), 1)), labels=given_labels))
        assert [data.class_names[u] for u in data.labels] == [str(u) for u in labels]
        assert list(data.class_names) == sorted(data.class_names, key=int)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"embeddings": EMBEDDINGS}, "no labels: expected an array 'labels', got embeddings"),
        ({"labels": LABELS}, "expected an array 'images' or 'embeddings' or both, got labels"),
        (
            {"labels": LABELS, "label": LABELS, "embeddings": EMBEDDINGS},
            "more than one array could be the labels: labels, label",
        ),
        (
            {"labels": LABELS[:2], "embeddings": EMBEDDINGS},
            "lengths differ: 2 labels, but embeddings has 3 rows",
        ),
        (
            {"labels": LABELS, "embeddings": EMBEDDINGS, "ids": np.array(["a", "b"])},
            "lengths differ: 3 labels, but ids has 2 rows",
        ),
        (
            {"labels": LABELS, "embeddings": EMBEDDINGS, "ids": np.array(["a", "b", "a"])},
            "row 3: the id 'a' is already that of .*row 1",
        ),
        (
            {"labels": LABELS, "embeddings": np.array([[0, 1], [2, np.nan], [4, 5]])},
            r"row 2: the embedding holds nan \(column 2\)",
        ),
        (
            {"labels": LABELS, "embeddings": np.array([[0, 1], [2, 3], [-1e300, 5]])},
            "row 3: the embedding holds -inf",
        ),
        ({"labels": LABELS, "embeddings": EMBEDDINGS[:, 0]}, r"shape \(n, d\), got \(3,\)"),
        ({"labels": LABELS, "embeddings": EMBEDDINGS.astype(str)}, "real numbers"),
        ({"labels": LABELS, "embeddings": EMBEDDINGS + 1j}, "real numbers"),
        ({"labels": LABELS, "images": IMAGES / 255}, "type uint8.*got float64"),
        ({"labels": LABELS, "images": IMAGES[:, 0, 0]}, r"expected images of shape"),
        ({"labels": LABELS, "images": IMAGES[:0]}, "no images"),
        ({"labels": LABELS[:0], "embeddings": EMBEDDINGS[:0]}, "empty"),
        ({"labels": LABELS[:, None], "embeddings": EMBEDDINGS}, r"labels of shape \(n,\)"),
        ({"labels": np.array([0, None, "x"]), "embeddings": EMBEDDINGS}, "Python objects"),
        (
            {"labels": LABELS, "embeddings": EMBEDDINGS, "class_names": np.array(["ant"])},
            "row 2: expected a label from 0 to 0",
        ),
        (
            {
                "labels": np.array(["ant", "bee", "fly"]),
                "embeddings": EMBEDDINGS,
                "class_names": np.array(["ant", "bee"]),
            },
            "row 3: the label 'fly' is not among the class names",
        ),
    ],
)
def test_bad_arrays_are_refused_with_file_array_and_row(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        open_source(write(tmp_path, **arrays))
    assert "set.npz" in str(caught.value)


def test_a_pickle_in_an_npz_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "was-run"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (marker,)

    ids = np.empty(3, dtype=object)
    ids[0] = Bomb()
    source = write(tmp_path, labels=LABELS, embeddings=EMBEDDINGS, ids=ids)
    with pytest.raises(DataError, match="Python objects"):
        open_source(source)
    assert not marker.exists()


@pytest.mark.parametrize("keep", [0, 10, 200, 400])
def test_a_broken_file_is_refused(tmp_path: Path, keep: int) -> None:
    source = write(tmp_path, labels=LABELS, embeddings=EMBEDDINGS)
    Path(source).write_bytes(Path(source).read_bytes()[:keep])
    with pytest.raises(DataError, match=r"set\.npz: it cannot be read"):
        open_source(source)


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_damaged_byte_is_read_or_explained(tmp_path_factory, place: float, byte: int) -> None:
    source = write(tmp_path_factory.mktemp("npz"), labels=LABELS, images=IMAGES, compressed=True)
    content = bytearray(Path(source).read_bytes())
    content[int(place * len(content))] = byte
    Path(source).write_bytes(content)
    try:
        data = open_source(source)
    except DataError as error:
        assert "set.npz" in str(error)
    else:
        assert len(data) == 3
