"""From two sources to a run folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, ConfigError, DataError, RunError
from core.runs import ValueSpec, open_run, pipeline, run_id, value_at_home, value_run
from core.runs.pipeline import open_pair
from core.valuation import METHODS, LavaConfig

N, M, V = 300, 120, 3


@pytest.fixture
def spec(tmp_path: Path) -> ValueSpec:
    """Three clear classes of embeddings; every tenth training image carries a wrong label."""
    rng = np.random.default_rng(5)
    for name, n in (("train", N), ("validation", M)):
        truth = np.arange(n) % V
        labels = truth.copy()
        if name == "train":
            labels[::10] = (labels[::10] + 1) % V
        np.savez(
            tmp_path / f"{name}.npz",
            embeddings=(3 * np.eye(V, 8)[truth] + 0.3 * rng.standard_normal((n, 8))).astype("f4"),
            labels=labels,
            ids=np.array([f"{name}-{i:04d}" for i in range(n)]),
            class_names=np.array(["bag", "boot", "coat"]),
        )
    return ValueSpec(train=str(tmp_path / "train.npz"), validation=str(tmp_path / "validation.npz"))


def test_wrong_labels_come_out_worst(tmp_path: Path, spec: ValueSpec) -> None:
    run = value_run(spec, tmp_path / "out", cache_dir=tmp_path)
    worst = run.values.nsmallest(N // 10, "value").index
    assert set(worst) == set(range(0, N, 10))


def test_a_run_says_where_it_comes_from(tmp_path: Path, spec: ValueSpec) -> None:
    run = open_run(value_run(spec, tmp_path / "out", cache_dir=tmp_path).path)
    record = run.record
    assert record.embedder == "precomputed"
    assert record.configuration["embedder"] == "precomputed", "auto is resolved"
    assert record.train.images == N
    assert record.validation.images == M
    assert not record.train.has_pictures
    assert record.train.fingerprint != record.validation.fingerprint
    assert record.versions.keys() == {"assay", "python", "torch", "numpy"}
    assert record.seconds.keys() >= {"Reading", "Embedding", "Valuation", "Total"}
    assert 50e6 < record.peak_memory < 50e9, "bytes"
    assert record.marginal_error <= record.tolerance
    assert record.converged
    assert run.values["id"].tolist() == [f"train-{i:04d}" for i in range(N)]
    assert run.class_names == ("bag", "boot", "coat")
    assert run.x.shape == (N, 8)


def test_the_fingerprint_of_a_set_is_that_of_its_source(tmp_path: Path, spec: ValueSpec) -> None:
    """Decisions are keyed by it: another validation set must not orphan them."""
    first = value_run(spec, tmp_path / "one", cache_dir=tmp_path)
    with np.load(tmp_path / "validation.npz") as saved:
        parts = {**saved, "class_names": np.array(["coat", "boot", "bag"])}
    np.savez(tmp_path / "other.npz", **parts)
    second = value_run(
        replace(spec, validation=str(tmp_path / "other.npz")), tmp_path / "two", cache_dir=tmp_path
    )
    assert first.record.train.fingerprint == second.record.train.fingerprint
    assert first.id != second.id


def test_an_identical_run_is_used_again(tmp_path: Path, spec: ValueSpec) -> None:
    first, reused = value_at_home(spec, tmp_path)
    assert not reused
    assert first.path == tmp_path / "runs" / first.id
    (tmp_path / "moved.npz").write_bytes((tmp_path / "train.npz").read_bytes())
    moved = replace(spec, train=str(tmp_path / "moved.npz"))
    second, reused = value_at_home(moved, tmp_path)
    assert reused
    assert second.id == first.id
    third, reused = value_at_home(replace(spec, label_weight=2.0), tmp_path)
    assert not reused
    assert third.id != first.id


def test_a_run_that_cannot_be_written_says_why(
    tmp_path: Path, spec: ValueSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once said that there is no such run: it had looked for one that somebody else made."""

    def full(*_: object, **__: object) -> None:
        raise RunError("No space left on device.")

    monkeypatch.setattr(pipeline, "write_run", full)
    with pytest.raises(RunError, match="No space left"):
        value_at_home(replace(spec, settings="published"), tmp_path / "home")


def test_a_folder_in_use_is_refused_before_any_work(tmp_path: Path, spec: ValueSpec) -> None:
    def no_work(*_: object) -> None:
        pytest.fail("it began to work")

    with pytest.raises(RunError, match="not an empty folder"):
        value_run(spec, tmp_path, no_work)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_cancelling_anywhere_writes_nothing(tmp_path: Path, spec: ValueSpec, share: float) -> None:
    reports: list[str] = []
    value_run(spec, tmp_path / "whole", lambda stage, done, detail="": reports.append(stage))
    until = int(share * len(reports))
    count = 0

    def stop(stage: str, done: float, detail: str = "") -> None:
        nonlocal count
        count += 1
        if count > until:
            raise Cancelled("Stop.")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        value_run(spec, tmp_path / "out", stop, cache_dir=tmp_path / "cache")
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "cache"] == before


def test_names_that_do_not_exist_are_refused_before_reading(spec: ValueSpec) -> None:
    for wrong in ({"method": "magic"}, {"embedder": "magic"}):
        with pytest.raises(ConfigError, match="magic"):
            value_run(replace(spec, train="/nowhere", **wrong), Path("/nowhere/out"))


def test_a_set_without_pictures_cannot_be_embedded(tmp_path: Path, spec: ValueSpec) -> None:
    with pytest.raises(DataError, match="picture"):
        value_run(replace(spec, embedder="pixels"), tmp_path / "out", cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epsilon", 0.0),
        ("epsilon", float("nan")),
        ("relative_epsilon", -1.0),
        ("feature_weight", -0.1),
        ("label_weight", float("inf")),
        ("p", 3),
        ("tolerance", 2.0),
        ("max_passes", 0),
        ("seed", -1),
        ("device", "toaster"),
        ("train", "  "),
    ],
)
def test_a_setting_out_of_range_is_refused(setting: str, value: object) -> None:
    with pytest.raises(ConfigError):
        ValueSpec(**{"train": "sample:train", "validation": "sample:val", setting: value})


def test_weights_cannot_both_be_zero() -> None:
    with pytest.raises(ConfigError, match="both"):
        ValueSpec(train="a", validation="b", feature_weight=0, label_weight=0)


def test_relative_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = ValueSpec(train="data/train", validation="sample:val")
    assert spec.train == str(tmp_path / "data" / "train")
    assert spec.validation == "sample:val"


def test_the_defaults_are_those_of_the_method() -> None:
    spec = ValueSpec(train="/a", validation="/b")
    assert METHODS["lava"].configure(spec.configuration()) == LavaConfig()


def test_a_spec_survives_json() -> None:
    spec = ValueSpec(train="/a", validation="sample:val", relative_epsilon=0.2, seed=3, p=1)
    assert ValueSpec.from_configuration(spec.configuration()) == spec
    with pytest.raises(ConfigError, match="mood"):
        ValueSpec.from_configuration({**spec.configuration(), "mood": 1})
    with pytest.raises(ConfigError, match="not complete"):
        ValueSpec.from_configuration({"train": "/a"})


def test_an_id_depends_on_data_and_settings_only() -> None:
    spec = ValueSpec(train="/a", validation="/b")
    own = run_id(spec, "t", "v")
    assert re.fullmatch("[0-9a-f]{16}", own)
    assert run_id(replace(spec, train="/elsewhere"), "t", "v") == own
    for other in (
        run_id(spec, "t2", "v"),
        run_id(spec, "t", "v2"),
        run_id(spec, "v", "t"),
        run_id(replace(spec, seed=1), "t", "v"),
        run_id(replace(spec, epsilon=0.2), "t", "v"),
    ):
        assert other != own


def test_a_device_that_is_not_there_is_refused_before_anything_is_read() -> None:
    """With embeddings given it ended in torch's AssertionError, after reading everything."""
    import torch

    missing = "cuda" if not torch.cuda.is_available() else "mps"
    spec = ValueSpec(train="/nowhere", validation="/nowhere", device=missing)
    with pytest.raises(ConfigError, match="not available"):
        open_pair(spec)
