from __future__ import annotations

import numpy as np
import pytest

from core.corruption import PlantedFault, corrupt
from core.corruption.near_copies import CHANGES, NearCopy
from core.datasets import likeness
from core.errors import ConfigError
from tests.core.corruption.sets import pictures, vectors


def smooth(side: int = 32) -> np.ndarray:
    """Return a picture with large shapes, as photographs have."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(5 * x + 2 * y), np.cos(4 * y), np.sin(7 * x * y)]
    return np.rint(127 + 90 * np.stack(waves, axis=2)).astype(np.uint8)


def test_exact_copies_are_stored_alike_and_labelled_alike() -> None:
    data = pictures()
    result = corrupt(data, [PlantedFault("exact-duplicates", 0.1)], seed=0)
    assert len(result.data) == 220
    content = dict(zip(result.data.ids.tolist(), result.data.content.tolist(), strict=True))
    for row in result.truth.itertuples():
        assert content[row.id] == content[row.original]
        assert row.given_label == row.clean_label
    np.testing.assert_array_equal(result.data.ids[:200], data.ids)


def test_copies_can_be_many() -> None:
    result = corrupt(vectors(), [PlantedFault("exact-duplicates", 0.1, {"copies": 3})], seed=0)
    assert result.truth["original"].value_counts().tolist() == [3] * 20
    found = dict(zip(result.data.ids.tolist(), result.data.embeddings, strict=True))
    for row in result.truth.itertuples():
        np.testing.assert_array_equal(found[row.id], found[row.original])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("gray", [False, True])
def test_near_copies_show_the_same_and_are_not_the_same(change: str, gray: bool) -> None:
    given = smooth()[..., 0] if gray else smooth()
    copies = [NearCopy(change)(given, key) for key in range(20)]
    for copy in copies:
        assert copy.shape == given.shape and copy.dtype == np.uint8
        assert not np.array_equal(copy, given)
        one, other = (array.astype(float).ravel() for array in (given, copy))
        mirrored = copy[:, ::-1].astype(float).ravel()
        assert max(np.corrcoef(one, other)[0, 1], np.corrcoef(one, mirrored)[0, 1]) > 0.9


def test_near_copies_are_changed_in_all_ways_and_the_truth_says_how() -> None:
    data = pictures(side=16)
    result = corrupt(data, [PlantedFault("near-duplicates", 0.5)], seed=0)
    assert set(result.truth["change"]) == set(CHANGES)
    mirrored = result.truth[result.truth["change"] == "mirror"].iloc[0]
    row = int(np.flatnonzero(result.data.ids == mirrored["id"])[0])
    origin = np.flatnonzero(result.data.ids == mirrored["original"])
    alike = likeness(result.data.images, row, result.data.images, origin)
    assert alike.correlation[0] == pytest.approx(1)
    assert not alike.identical[0]


@pytest.mark.parametrize("change", CHANGES)
def test_the_smallest_picture_has_near_copies(change: str) -> None:
    assert NearCopy(change)(np.zeros((1, 1, 3), dtype=np.uint8), 0).shape == (1, 1, 3)


def test_near_copies_of_embeddings_lie_beside_their_originals() -> None:
    data = vectors(1000)
    result = corrupt(data, [PlantedFault("near-duplicates", 0.2, {"jitter": 0.1})], seed=0)
    copies = result.data.embeddings[1000:]
    rows = [int(np.flatnonzero(data.ids == i)[0]) for i in result.truth["original"]]
    apart = (copies - data.embeddings[rows]) / data.embeddings.std(axis=0)
    np.testing.assert_allclose(apart.std(), 0.1, rtol=0.1)


def test_one_class_in_excess_keeps_its_images_and_the_others_lose_a_share() -> None:
    result = corrupt(vectors(2000), [PlantedFault("imbalance", 0.5, {"excess": "frog"})], seed=0)
    counts = dict(zip(result.data.class_names, result.data.class_counts.tolist(), strict=True))
    assert counts == {"cat": 200, "deer": 200, "dog": 200, "frog": 400, "truck": 200}
    assert set(result.truth["clean_label"]) == {"frog"}
    assert len(result.truth) == 400
    assert result.facts["left_out"] == 800


def test_the_largest_class_is_in_excess_where_none_is_given_and_none_is_emptied() -> None:
    data = vectors(200).take(np.r_[0:3, 40:200])  # three cats
    result = corrupt(data, [PlantedFault("imbalance", 1.0)], seed=0)
    assert result.data.class_counts.tolist() == [1, 40, 1, 1, 1]
    with pytest.raises(ConfigError, match="no class 'whale'"):
        corrupt(data, [PlantedFault("imbalance", 0.5, {"excess": "whale"})], seed=0)
