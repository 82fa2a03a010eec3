from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets import LabelledImages
from core.embedding import EMBEDDERS, ConvnetConfig, PixelsConfig, embed_more, embed_pair
from core.errors import Cancelled, ConfigError, DataError

Draw = Callable[..., LabelledImages]


@pytest.fixture
def sets(draw: Draw) -> tuple[LabelledImages, LabelledImages]:
    return draw([0, 1, 2] * 6, seed=1, name="train"), draw([0, 1, 2] * 4, seed=2, name="val")


def vectors_only(data: LabelledImages, vectors: np.ndarray) -> LabelledImages:
    return replace(data, images=None, embeddings=vectors)


def fail(*args: object, **kwargs: object) -> None:
    raise AssertionError("nothing may be computed")


def forbid_computing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], embed=fail))
    monkeypatch.setattr("core.embedding.pair.drop_unreadable", fail)


@pytest.mark.parametrize("name", ["pixels", "convnet"])
@pytest.mark.parametrize("color", [False, True], ids=["gray", "rgb"])
def test_features_are_finite_float32_of_one_width(
    draw: Draw, tiny: ConvnetConfig, name: str, color: bool
) -> None:
    train, validation = draw([0, 1, 2] * 5, color=color), draw([0, 1, 2] * 3, seed=1, color=color)
    config = tiny if name == "convnet" else None
    pair = embed_pair(train, validation, name, cache_dir=None, config=config)
    assert pair.x.dtype == pair.y.dtype == np.float32
    assert len(pair.x) == 15
    assert len(pair.y) == 9
    assert pair.x.shape[1] == pair.y.shape[1] == (8 if name == "convnet" else 9)
    assert np.isfinite(pair.x).all()
    assert np.isfinite(pair.y).all()
    assert pair.embedder == name
    assert not pair.from_cache


def test_a_second_run_computes_nothing_and_decodes_nothing(
    sets: tuple[LabelledImages, LabelledImages],
    tiny: ConvnetConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = embed_pair(*sets, cache_dir=tmp_path, config=tiny)
    forbid_computing(monkeypatch, "convnet")
    for data in sets:
        monkeypatch.setattr(type(data.images), "decode", fail)
    second = embed_pair(*sets, cache_dir=tmp_path, config=tiny)
    assert second.from_cache
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.x, first.x)
    np.testing.assert_array_equal(second.y, first.y)


@pytest.mark.parametrize("again", [False, True], ids=["computed", "from-cache"])
def test_unreadable_pictures_are_left_out_and_rows_stay_aligned(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    train = draw([0, 1, 2] * 4, name="train", broken=frozenset({0, 7}))
    validation = draw([0, 1, 2] * 3, seed=5, name="val", broken=frozenset({4}))
    pair = embed_pair(train, validation, "pixels", cache_dir=tmp_path)
    if again:
        forbid_computing(monkeypatch, "pixels")
        pair = embed_pair(train, validation, "pixels", cache_dir=tmp_path)
    assert pair.from_cache is again
    assert [left_out.image_id for left_out in pair.train.unreadable] == [
        "train/0.png",
        "train/7.png",
    ]
    assert all("cut short" in left_out.reason for left_out in pair.train.unreadable)
    assert pair.validation.ids.tolist() == [f"val/{row}.png" for row in range(9) if row != 4]
    assert len(pair.x) == len(pair.train) == 10
    assert len(pair.y) == len(pair.validation) == 8
    # The bar's place dominates these pictures: the nearest other image has the same label.
    distance = ((pair.x[:, None] - pair.y[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(
        pair.validation.labels[distance.argmin(axis=1)], pair.train.labels
    )


def test_the_fingerprint_follows_content_labels_seed_and_settings(
    sets: tuple[LabelledImages, LabelledImages], draw: Draw, tiny: ConvnetConfig, tmp_path: Path
) -> None:
    train, validation = sets
    relabelled = replace(validation, labels=validation.labels[::-1].copy())

    def key(*pair: LabelledImages, seed: int = 0, config: ConvnetConfig = tiny) -> str:
        return embed_pair(*pair, seed=seed, cache_dir=tmp_path, config=config).fingerprint

    keys = [
        key(train, validation),
        key(train, validation, seed=1),
        key(train, validation, config=replace(tiny, epochs=3)),
        key(train, relabelled),
        key(train, draw([0, 1, 2] * 4, seed=3)),
        key(draw([0, 1, 2] * 6, seed=4), validation),
    ]
    assert len(set(keys)) == len(keys)
    assert {path.stem for path in tmp_path.iterdir()} == set(keys)


def test_training_labels_and_ids_do_not_change_the_fingerprint(
    sets: tuple[LabelledImages, LabelledImages], tiny: ConvnetConfig, tmp_path: Path
) -> None:
    train, validation = sets
    other = replace(train, labels=np.zeros_like(train.labels), ids=np.char.add(train.ids, "x"))
    first = embed_pair(train, validation, cache_dir=tmp_path, config=tiny)
    second = embed_pair(other, validation, cache_dir=tmp_path, config=tiny)
    assert second.from_cache
    assert second.fingerprint == first.fingerprint


def test_pixels_do_not_depend_on_labels_or_seed(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path
) -> None:
    train, validation = sets
    relabelled = replace(validation, labels=validation.labels[::-1].copy())
    embed_pair(train, validation, "pixels", cache_dir=tmp_path)
    assert embed_pair(train, relabelled, "pixels", seed=3, cache_dir=tmp_path).from_cache


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other rows", "pickle"])
def test_a_damaged_cache_file_is_computed_again(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path, damage: str
) -> None:
    first = embed_pair(*sets, "pixels", cache_dir=tmp_path)
    path = tmp_path / f"{first.fingerprint}.npz"
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "other rows":
        with np.load(path) as stored:
            np.savez(path, **{**stored, "x": stored["x"][1:]})
    elif damage == "pickle":
        np.savez(path, x=np.array([{"not": "numbers"}], dtype=object))
    else:
        path.write_bytes(b"not an archive" if damage == "text" else b"")
    second = embed_pair(*sets, "pixels", cache_dir=tmp_path)
    assert not second.from_cache
    np.testing.assert_array_equal(second.x, first.x)
    assert embed_pair(*sets, "pixels", cache_dir=tmp_path).from_cache


def test_a_cache_that_cannot_be_written_costs_no_result(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    pair = embed_pair(*sets, "pixels", cache_dir=in_the_way)
    assert len(pair.x) == len(sets[0])


@pytest.mark.parametrize("name", ["pixels", "convnet"])
def test_cancelling_stops_at_the_next_report_and_leaves_nothing(
    sets: tuple[LabelledImages, LabelledImages], tmp_path: Path, name: str
) -> None:
    stages: list[str] = []

    def cancel(stage: str, done: float, detail: str = "") -> None:
        stages.append(stage)
        if stage in {"Training the embedder", "Principal components"} and done > 0:
            raise Cancelled("stopped")

    long = ConvnetConfig(epochs=100_000) if name == "convnet" else PixelsConfig(batch=1)
    with pytest.raises(Cancelled):
        embed_pair(*sets, name, cache_dir=tmp_path, config=long, progress=cancel)
    assert sum(stage == stages[-1] for stage in stages) <= 2
    assert list(tmp_path.iterdir()) == []


def test_auto_takes_embeddings_where_both_sets_have_them(
    sets: tuple[LabelledImages, LabelledImages],
) -> None:
    train, validation = sets
    x = np.random.default_rng(0).normal(size=(len(train), 5)).astype(np.float32)
    y = x[: len(validation)]
    pair = embed_pair(vectors_only(train, x), vectors_only(validation, y), "auto", cache_dir=None)
    assert pair.embedder == "precomputed"
    np.testing.assert_array_equal(pair.x, x)
    small = ConvnetConfig(widths=(4,), epochs=1)
    half = replace(train, embeddings=x)
    pair = embed_pair(half, validation, "auto", cache_dir=None, config=small)
    assert pair.embedder == "convnet"


def test_embeddings_of_different_width_or_not_finite_are_named(
    sets: tuple[LabelledImages, LabelledImages],
) -> None:
    train, validation = sets
    x = np.ones((len(train), 5), dtype=np.float32)
    y = np.ones((len(validation), 4), dtype=np.float32)
    with pytest.raises(DataError, match="train have 5 numbers each, those of val have 4"):
        embed_pair(vectors_only(train, x), vectors_only(validation, y), "auto", cache_dir=None)
    x[3, 1] = np.nan
    with pytest.raises(DataError, match=r"train/3\.png \(row 3\)"):
        embed_pair(vectors_only(train, x), vectors_only(validation, y), "auto", cache_dir=None)


def test_an_embedder_that_does_not_fit_the_data_is_refused(
    sets: tuple[LabelledImages, LabelledImages],
) -> None:
    train, validation = sets
    x = np.ones((len(train), 5), dtype=np.float32)
    with pytest.raises(DataError, match="no pictures"):
        embed_pair(vectors_only(train, x), validation, "convnet", cache_dir=None)
    with pytest.raises(DataError, match="no embeddings"):
        embed_pair(train, validation, "precomputed", cache_dir=None)
    with pytest.raises(ConfigError, match="'clip'"):
        embed_pair(train, validation, "clip", cache_dir=None)


@pytest.mark.parametrize("name", ["pixels", "convnet"])
@pytest.mark.parametrize("again", [False, True], ids=["computed", "from-cache"])
def test_further_images_get_the_features_that_they_would_have_had(
    sets: tuple[LabelledImages, LabelledImages],
    tiny: ConvnetConfig,
    tmp_path: Path,
    name: str,
    again: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, validation = sets
    config = tiny if name == "convnet" else PixelsConfig()
    monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], config=config))
    whole = embed_pair(train, validation, name, cache_dir=None)
    part = embed_pair(train.take(np.arange(10)), validation, name, cache_dir=tmp_path)
    if again:
        part = embed_pair(train.take(np.arange(10)), validation, name, cache_dir=tmp_path)
        assert part.from_cache
    monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], embed=fail, config=config))
    kept, x = embed_more(train.take(np.arange(10, 18)), name, part.fitted)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(kept.ids, train.ids[10:])
    # Kernels may sum in another order for another place in the batch: rounding, no more.
    np.testing.assert_allclose(x, whole.x[10:], rtol=1e-4, atol=1e-4)


def test_further_images_that_cannot_be_read_are_left_out(draw: Draw) -> None:
    pair = embed_pair(draw([0, 1, 2] * 2), draw([0, 1, 2] * 3, seed=1), "pixels", cache_dir=None)
    more = draw([0, 1, 2], seed=3, broken=frozenset({1}))
    kept, x = embed_more(more, "pixels", pair.fitted)
    assert len(kept) == len(x) == 2
    assert [left_out.image_id for left_out in kept.unreadable] == ["drawn/1.png"]


@pytest.mark.parametrize("name", ["pixels", "convnet"])
def test_a_damaged_embedder_is_named(
    sets: tuple[LabelledImages, LabelledImages],
    tiny: ConvnetConfig,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tiny if name == "convnet" else PixelsConfig()
    monkeypatch.setitem(EMBEDDERS, name, replace(EMBEDDERS[name], config=config))
    fitted = dict(embed_pair(*sets, name, cache_dir=None).fitted)
    cut = "weights.head.bias" if name == "convnet" else "components"
    for damaged in (
        {key: part for key, part in fitted.items() if key != cut},
        {**fitted, cut: fitted[cut][:1]},
    ):
        with pytest.raises(DataError, match=f"'{name}'.*damaged"):
            embed_more(sets[0], name, damaged)
    with pytest.raises(DataError, match="no pictures"):
        embed_more(vectors_only(sets[0], np.ones((18, 3), np.float32)), name, fitted)


def test_further_embeddings_are_taken_as_they_are(
    sets: tuple[LabelledImages, LabelledImages],
) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(sets[0]), 5)).astype(np.float32)
    _, x = embed_more(vectors_only(sets[0], vectors), "precomputed", {})
    np.testing.assert_array_equal(x, vectors)
    with pytest.raises(DataError, match="no embeddings"):
        embed_more(sets[0], "precomputed", {})
