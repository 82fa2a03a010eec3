"""A picture that was embedded into a space keeps its features there, whatever set it comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages
from core.embedding import EMBEDDERS, ConvnetConfig, EmbeddedPair, PixelsConfig, embed_pair

Draw = Callable[..., LabelledImages]
NAMES = ("pixels", "convnet")


@pytest.fixture(autouse=True)
def quick(tiny: ConvnetConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMBEDDERS, "convnet", replace(EMBEDDERS["convnet"], config=tiny))


@pytest.fixture
def validation(draw: Draw) -> LabelledImages:
    return draw([0, 1, 2] * 4, seed=2, name="val")


@pytest.fixture
def train(draw: Draw) -> LabelledImages:
    return draw([0, 1, 2] * 6, seed=1, name="train")


def repainted(data: LabelledImages, rows: list[int]) -> LabelledImages:
    """Return a copy of the set in which these pictures are other ones."""
    images = data.images.take(np.arange(len(data)))  # type: ignore[union-attr]
    images.pixels = images.pixels.copy()  # type: ignore[attr-defined]
    images.pixels[rows] = 255 - images.pixels[rows]  # type: ignore[attr-defined]
    images.decoded = []  # type: ignore[attr-defined]
    return replace(data, images=images)


def must_not_fit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("nothing may be fitted again")

    monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], embed=fail))


def close(found: EmbeddedPair, fresh: EmbeddedPair) -> None:
    # Kernels may sum in another order for another place in the batch: rounding, no more.
    np.testing.assert_allclose(found.x, fresh.x, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.y, fresh.y)
    np.testing.assert_array_equal(found.train.ids, fresh.train.ids)
    assert found.fingerprint == fresh.fingerprint


@pytest.mark.parametrize("name", NAMES)
def test_only_changed_pictures_are_decoded_and_embedded(
    train: LabelledImages,
    validation: LabelledImages,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = repainted(train, [3, 11])
    fresh = embed_pair(repainted(train, [3, 11]), validation, name, cache_dir=None)
    embed_pair(train, validation, name, cache_dir=tmp_path)
    must_not_fit(monkeypatch, name)
    found = embed_pair(changed, validation, name, cache_dir=tmp_path)
    close(found, fresh)
    assert found.reused == 16
    assert not found.from_cache
    # Places among the two that changed and one that is known, which comes along.
    assert set(changed.images.decoded) == {0, 1, 2}  # type: ignore[union-attr]
    again = embed_pair(changed, validation, name, cache_dir=tmp_path)
    assert again.from_cache
    np.testing.assert_array_equal(again.x, found.x)


@pytest.mark.parametrize("name", NAMES)
def test_known_pictures_in_another_order_or_number_cost_nothing(
    train: LabelledImages,
    validation: LabelledImages,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = embed_pair(train, validation, name, cache_dir=tmp_path)
    must_not_fit(monkeypatch, name)
    rows = np.array([5, 2, 2, 17, 0])
    some = train.take(rows)
    some = replace(some, ids=np.array(list("abcde")), labels=np.zeros(5, dtype=np.int64))
    monkeypatch.setattr(type(some.images), "decode", None)
    found = embed_pair(some, validation, name, cache_dir=tmp_path)
    assert found.from_cache
    assert found.reused == 5
    np.testing.assert_array_equal(found.x, first.x[rows])


def test_what_several_sets_have_had_is_put_together(
    train: LabelledImages, validation: LabelledImages, tmp_path: Path
) -> None:
    left = embed_pair(train.take(np.arange(10)), validation, "pixels", cache_dir=tmp_path)
    right = embed_pair(train.take(np.arange(10, 18)), validation, "pixels", cache_dir=tmp_path)
    assert right.reused == 0
    whole = embed_pair(train, validation, "pixels", cache_dir=tmp_path)
    assert whole.reused == 18
    np.testing.assert_array_equal(whole.x, np.concatenate([left.x, right.x]))


def test_another_space_is_fitted_anew(
    train: LabelledImages, validation: LabelledImages, draw: Draw, tmp_path: Path
) -> None:
    changed = repainted(train, [0])
    relabelled = replace(validation, labels=validation.labels[::-1].copy())
    embed_pair(train, validation, "convnet", cache_dir=tmp_path)
    others = [
        embed_pair(changed, validation, "convnet", seed=1, cache_dir=tmp_path),
        embed_pair(changed, relabelled, "convnet", cache_dir=tmp_path),
        embed_pair(changed, draw([0, 1, 2] * 4, seed=9), "convnet", cache_dir=tmp_path),
        embed_pair(changed, validation, "pixels", cache_dir=tmp_path),
        embed_pair(changed, validation, "pixels", cache_dir=tmp_path, config=PixelsConfig(width=5)),
    ]
    assert [pair.reused for pair in others] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("broken", [{2}, {2, 7}, set(range(1, 18))], ids=["one", "two", "most"])
def test_pictures_that_cannot_be_read_are_left_out_here_too(
    draw: Draw, validation: LabelledImages, tmp_path: Path, broken: set[int]
) -> None:
    labels = [0, 1, 2] * 6
    embed_pair(draw(labels, seed=1, name="train"), validation, "pixels", cache_dir=tmp_path)
    damaged = draw(labels, seed=1, name="train", broken=frozenset(broken))
    fresh = embed_pair(damaged, validation, "pixels", cache_dir=None)
    for again in (False, True):
        found = embed_pair(damaged, validation, "pixels", cache_dir=tmp_path)
        close(found, fresh)
        assert found.train.unreadable == fresh.train.unreadable
        assert found.from_cache or not again


def test_a_mended_picture_gets_its_features(
    draw: Draw, validation: LabelledImages, tmp_path: Path
) -> None:
    labels = [0, 1, 2] * 6
    broken = draw(labels, seed=1, name="train", broken=frozenset({4}))
    embed_pair(broken, validation, "pixels", cache_dir=tmp_path)
    whole = draw(labels, seed=1, name="train")
    found = embed_pair(whole, validation, "pixels", cache_dir=tmp_path)
    assert found.reused == 17
    close(found, embed_pair(whole, validation, "pixels", cache_dir=None))


@pytest.mark.parametrize("damage", ["cut", "embedder", "older"])
def test_damaged_and_older_entries_are_passed_over(
    train: LabelledImages, validation: LabelledImages, tmp_path: Path, damage: str
) -> None:
    first = embed_pair(train, validation, "pixels", cache_dir=tmp_path)
    path = tmp_path / f"{first.fingerprint}.npz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    else:
        with np.load(path) as stored:
            drop = {"embedder": {"fitted.components"}, "older": {"space", "digests"}}[damage]
            parts = {name: stored[name] for name in stored.files if name not in drop}
        np.savez(path, **parts)
    changed = repainted(train, [0])
    found = embed_pair(changed, validation, "pixels", cache_dir=tmp_path)
    assert found.reused == 0
    close(found, embed_pair(changed, validation, "pixels", cache_dir=None))
    if damage == "older":
        assert embed_pair(train, validation, "pixels", cache_dir=tmp_path).from_cache
