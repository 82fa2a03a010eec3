"""A cleaned folder opens again with the same ids, and nothing is ever written beside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.curation import export
from core.curation.exports.pictures import class_folders, safe_part
from core.datasets import open_source
from core.errors import ConfigError, DataError, RunError
from tests.core.curation.exports.cases import (
    HOSTILE,
    decided,
    folder_source,
    manifest_source,
    npz_source,
    parquet_source,
    run_on,
)


def state_of(root: Path) -> dict[str, tuple[bytes, int, int]]:
    """Content, mode and time of every file below `root`."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("link", ["hard", "symbolic", "copy"])
def test_a_cleaned_folder_opens_with_the_same_ids_and_the_new_labels(tmp_path, link):
    source = folder_source(tmp_path / "data")
    run = run_on(tmp_path / "run", source)
    before = state_of(tmp_path / "data")
    export(
        run,
        decided(run, {0: "remove", 1: "relabel"}, "coat"),
        "folder",
        tmp_path / "out",
        link=link,
    )
    again = open_source(str(tmp_path / "out"))
    assert again.ids.tolist() == run.values["id"].tolist()[1:]
    assert again.class_names[again.labels[0]] == "coat"
    original = open_source(source)
    for k in range(len(again)):
        assert again.images.encoded(k) == original.images.encoded(k + 1)
    first = Path(again.paths[0])
    assert first.is_symlink() == (link == "symbolic")
    assert first.samefile(original.paths[1]) == (link != "copy")
    assert first.parent.name == "coat" or first.is_relative_to(tmp_path / "out" / "coat")
    assert state_of(tmp_path / "data") == before
    assert str(tmp_path / "out" / run.values["id"].iloc[5]) in map(str, again.paths)


@pytest.mark.parametrize("make", [manifest_source, parquet_source, npz_source])
def test_a_cleaned_folder_of_any_source_opens_with_the_same_ids(tmp_path, make):
    source = make(tmp_path / ("data" if make is manifest_source else f"data.{make.__name__[:3]}"))
    if make is parquet_source:
        source = make(tmp_path / "data.parquet", copies=True)
    if make is npz_source:
        source = make(tmp_path / "data.npz")
    run = run_on(tmp_path / "run", source)
    export(run, decided(run, {2: "remove"}), "folder", tmp_path / "out")
    again = open_source(str(tmp_path / "out"))
    assert again.ids.tolist() == [i for k, i in enumerate(run.values["id"]) if k != 2]
    original = open_source(source)
    assert again.images.encoded(2) == original.images.encoded(3)
    names = np.array(again.class_names)[again.labels].tolist()
    assert names == [c for k, c in enumerate(run.values["class_name"]) if k != 2]


def test_hostile_ids_stay_inside_the_folder_and_come_back(tmp_path):
    run = run_on(tmp_path / "run", npz_source(tmp_path / "data.npz"))
    outside = state_of(tmp_path)
    target = tmp_path / "deep" / "er" / "out"
    export(run, decided(run, {}), "folder", target)
    inside = {path for path in state_of(tmp_path) if path.startswith(f"{target}{os.sep}")}
    assert {path: x for path, x in state_of(tmp_path).items() if path not in inside} == outside
    again = open_source(str(target))
    assert again.ids.tolist() == list(HOSTILE)
    for k, path in enumerate(again.paths):
        assert Path(path).resolve().is_relative_to(target)
        assert again.images.encoded(k)
    # No two names that differ in case alone: some disks would make them one.
    assert len({str(path).casefold() for path in again.paths}) == len(HOSTILE)


@settings(max_examples=200, deadline=None)
@given(text=st.text(min_size=1, max_size=400))
def test_a_safe_part_is_one_plain_name(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return  # half a character: readers refuse such names
    name = safe_part(text)
    assert name not in ("", ".", "..")
    assert not set(name) & {"/", "\\", "\0", "\n", "\r"}
    assert not name.startswith((".", "__"))
    assert len(name.encode()) <= 255
    assert name == name.strip()
    assert name == text or safe_part(f"{text}!") != name


def test_class_folders_are_plain_names_and_all_different():
    names = ["cat", "Cat", "T-shirt/top", "T-shirt_top", "..", "manifest.csv", "<b>", "a\nb", " "]
    folders = class_folders(names)
    assert folders["cat"] == "cat"
    assert folders["T-shirt/top"] == "T-shirt_top"
    assert len({folder.casefold() for folder in folders.values()}) == len(names)
    assert all(safe_part(folder) == folder for folder in folders.values())
    assert "manifest.csv" not in folders.values()


def test_images_of_several_sources_go_into_one_folder(tmp_path):
    first, second = folder_source(tmp_path / "a"), npz_source(tmp_path / "b.npz")
    run = run_on(tmp_path / "run", first, second)
    export(run, decided(run, {0: "remove"}), "folder", tmp_path / "out", link="hard")
    again = open_source(str(tmp_path / "out"))
    assert again.ids.tolist() == run.values["id"].tolist()[1:]


def test_embeddings_only_say_that_there_are_no_pictures(tmp_path):
    run = run_on(tmp_path / "run", npz_source(tmp_path / "data.npz", pictures=False))
    for name in ("folder", "fiftyone"):
        with pytest.raises(DataError, match="embeddings only"):
            export(run, decided(run, {}), name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_gone_is_named_and_nothing_is_left(tmp_path):
    run = run_on(tmp_path / "run", npz_source(tmp_path / "data.npz"))
    (tmp_path / "data.npz").unlink()
    with pytest.raises(DataError, match=r"data\.npz"):
        export(run, decided(run, {}), "folder", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-on"]


def test_a_picture_that_is_gone_or_no_file_is_named_and_nothing_is_left(tmp_path):
    run = run_on(tmp_path / "run", manifest_source(tmp_path / "data"))
    victim = tmp_path / "data" / "img" / "4.png"
    victim.unlink()
    with pytest.raises(DataError, match=r"img/4\.png is gone"):
        export(run, decided(run, {}), "folder", tmp_path / "out", link="symbolic")
    os.mkfifo(victim)
    with pytest.raises(DataError, match="not a file"):
        export(run, decided(run, {}), "folder", tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_no_image_left_is_refused(tmp_path):
    run = run_on(tmp_path / "run", folder_source(tmp_path / "data"))
    everything = decided(run, dict.fromkeys(range(12), "remove"))
    for name in ("folder", "manifest", "huggingface"):
        with pytest.raises(DataError, match="No image is left"):
            export(run, everything, name, tmp_path / "out")


def test_a_target_within_a_source_is_refused(tmp_path):
    run = run_on(tmp_path / "run", folder_source(tmp_path / "data"))
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for inside in (tmp_path / "data" / "clean", tmp_path / "link" / "clean", tmp_path / "data"):
        with pytest.raises(RunError, match="lies in the source"):
            export(run, decided(run, {}), "folder", inside)


def test_an_unknown_way_to_link_is_named(tmp_path):
    run = run_on(tmp_path / "run", folder_source(tmp_path / "data"))
    with pytest.raises(ConfigError, match="hard, symbolic, copy"):
        export(run, decided(run, {}), "folder", tmp_path / "out", link="move")
