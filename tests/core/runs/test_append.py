"""Images added to a finished run: a new run, whole or absent, in which decisions go on to hold."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets import open_source
from core.embedding import EMBEDDERS, ConvnetConfig
from core.errors import Cancelled, ConfigError, DataError, RunError
from core.runs import (
    AppendSpec,
    Run,
    ValueSpec,
    append_at_home,
    append_run,
    job_status,
    open_run,
    preview_addition,
    start_job,
    value_run,
)
from core.runs.folder import EMBEDDER_FILE
from tests.factories import CLASSES, make_images, write_set

V = 3
NAMES = CLASSES[:V]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    spec = ValueSpec(
        train=write_set(tmp_path / "week1.npz", 240, 1),
        validation=write_set(tmp_path / "validation.npz", 120, 2),
        settings="published",
    )
    return value_run(spec, tmp_path / "run", cache_dir=tmp_path / "cache")


@pytest.fixture
def week2(tmp_path: Path) -> str:
    # In another order: classes are matched by name.
    return write_set(tmp_path / "week2.npz", 60, 3, names=NAMES[::-1])


def test_the_new_run_holds_the_old_images_first_and_then_the_new(
    tmp_path: Path, run: Run, week2: str
) -> None:
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    made = open_run(append_run(run, week2, tmp_path / "new").path)
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    assert made.values["id"].tolist() == [
        *run.values["id"],
        *(f"week2-{i:04d}" for i in range(60)),
    ]
    assert list(made.values.columns) == list(run.values.columns)
    assert made.values.dtypes.equals(run.values.dtypes)
    assert made.x.shape == (300, 8)
    np.testing.assert_array_equal(made.x[:240], run.x)
    np.testing.assert_array_equal(made.y, run.y)
    np.testing.assert_array_equal(made.potentials.f[:240], run.potentials.f)
    names = made.values["class_name"]
    assert (names == np.array(NAMES)[made.values["label"]]).all()
    record = made.record
    assert record.parent == run.id
    assert record.id != run.id
    assert record.configuration == run.record.configuration
    assert [part.source for part in record.parts] == [run.record.train.source, week2]
    assert [part.images for part in record.parts] == [240, 60]
    assert record.train.images == 300
    assert record.parts[0] == run.record.train
    assert record.seconds["Total"] > 0


def test_the_content_of_old_and_new_images_is_kept(tmp_path: Path, run: Run, week2: str) -> None:
    made = open_run(append_run(run, week2, tmp_path / "new").path)
    assert made.content.dtype == np.uint64
    assert made.content.tolist() == [*run.content, *open_source(week2).content]


def test_images_can_be_added_to_a_run_made_before_contents_were_kept(
    tmp_path: Path, run: Run, week2: str
) -> None:
    run.values.drop(columns="content").to_parquet(run.path / "values.parquet", index=False)
    made = open_run(append_run(open_run(run.path), week2, tmp_path / "new").path)
    assert made.content.tolist() == [0] * 240 + open_source(week2).content.tolist()


def test_bad_images_among_the_new_come_out_worst(tmp_path: Path, run: Run, week2: str) -> None:
    made = append_run(run, week2, tmp_path / "new")
    worst = made.values.iloc[240:].nsmallest(6, "value").index
    assert set(worst) == set(range(240, 300, 10))


def test_the_same_addition_has_the_same_id_and_is_used_again(
    tmp_path: Path, run: Run, week2: str
) -> None:
    first, reused = append_at_home(run, week2, tmp_path / "home")
    assert not reused
    assert first.path == tmp_path / "home" / "runs" / first.id
    again, reused = append_at_home(run, week2, tmp_path / "home")
    assert reused
    assert again.id == first.id
    other = append_run(run, write_set(tmp_path / "week3.npz", 30, 4), tmp_path / "other")
    assert other.id != first.id


def test_additions_can_follow_each_other(tmp_path: Path, run: Run, week2: str) -> None:
    once = append_run(run, week2, tmp_path / "once")
    twice = append_run(once, write_set(tmp_path / "week3.npz", 30, 4), tmp_path / "twice")
    assert [part.images for part in twice.record.training_parts] == [240, 60, 30]
    assert twice.record.parent == once.id
    assert twice.record.details["added"]["images"] == 90


def test_a_set_that_has_grown_may_be_given_whole(tmp_path: Path, run: Run) -> None:
    with np.load(tmp_path / "week1.npz") as saved:
        old = dict(saved)
    with np.load(write_set(tmp_path / "more.npz", 30, 5)) as saved:
        more = dict(saved)
    grown = {name: np.concatenate([old[name], more[name]]) for name in ("embeddings", "labels")}
    np.savez(
        tmp_path / "grown.npz",
        **grown,
        ids=np.concatenate([old["ids"], more["ids"]]),
        class_names=old["class_names"],
    )
    preview = preview_addition(run, str(tmp_path / "grown.npz"))
    assert (preview.images, preview.known) == (270, 240)
    assert sum(preview.class_counts.values()) == 30
    made = append_run(run, str(tmp_path / "grown.npz"), tmp_path / "new")
    assert made.values["id"].tolist()[240:] == more["ids"].tolist()
    assert made.record.parts[1].images == 30
    with pytest.raises(DataError, match="nothing to add"):
        append_run(made, str(tmp_path / "grown.npz"), tmp_path / "again")
    with pytest.raises(DataError, match="nothing to add"):
        preview_addition(made, str(tmp_path / "grown.npz"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"names": CLASSES[:4]}, r"does not know the classes dress \(\d+\)"),
        ({"width": 5}, "5 numbers each, those of the run 8"),
        ({"prefix": "week1"}, "week1-0000 is that of another image"),
    ],
)
def test_images_that_do_not_fit_are_refused_and_nothing_is_written(
    tmp_path: Path, run: Run, change: dict[str, object], said: str
) -> None:
    source = write_set(tmp_path / "new.npz", 40, 6, **change)  # type: ignore[arg-type]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=said):
        append_run(run, source, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_an_image_that_has_changed_its_label_is_refused(tmp_path: Path, run: Run) -> None:
    with np.load(tmp_path / "week1.npz") as saved:
        parts = dict(saved)
    parts["labels"][7] = (parts["labels"][7] + 1) % V
    np.savez(tmp_path / "relabelled.npz", **parts)
    with pytest.raises(DataError, match=r"week1-0007 is in the run as boot, here it is coat"):
        append_run(run, str(tmp_path / "relabelled.npz"), tmp_path / "out")


def test_a_class_that_had_no_training_images_is_refused(tmp_path: Path, week2: str) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "two.npz",
        embeddings=rng.standard_normal((40, 8)).astype("f4"),
        labels=np.arange(40) % 2,
        class_names=np.array(NAMES),
    )
    spec = ValueSpec(
        train=str(tmp_path / "two.npz"),
        validation=write_set(tmp_path / "validation.npz", 60, 2),
        settings="published",
    )
    run = value_run(spec, tmp_path / "run", cache_dir=tmp_path / "cache")
    with pytest.raises(DataError, match="no training images of the classes coat"):
        append_run(run, week2, tmp_path / "out")


def test_methods_that_need_all_images_at_once_say_so(tmp_path: Path, run: Run, week2: str) -> None:
    record = replace(run.record, method="sava")
    with pytest.raises(RunError, match=r"made with SAVA.*Value all of them together"):
        append_run(Run(run.path, record), week2, tmp_path / "out")


def test_a_folder_in_use_and_a_missing_device_are_refused_before_reading(run: Run) -> None:
    with pytest.raises(RunError, match="not an empty folder"):
        append_run(run, "/nowhere", run.path)
    with pytest.raises(ConfigError, match="toaster"):
        append_run(run, "/nowhere", run.path / "x", device="toaster")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_cancelling_anywhere_writes_nothing(
    tmp_path: Path, run: Run, week2: str, share: float
) -> None:
    reports: list[str] = []
    append_run(run, week2, tmp_path / "whole", lambda stage, done, detail="": reports.append(stage))
    until, count = int(share * len(reports)), 0

    def stop(stage: str, done: float, detail: str = "") -> None:
        nonlocal count
        count += 1
        if count > until:
            raise Cancelled("Stop.")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        append_run(run, week2, tmp_path / "out", stop)
    assert sorted(tmp_path.iterdir()) == before


def test_a_calibrated_run_goes_on_with_its_score(tmp_path: Path) -> None:
    spec = ValueSpec(
        train=write_set(tmp_path / "week1.npz", 240, 1),
        validation=write_set(tmp_path / "validation.npz", 300, 2),
    )
    run = value_run(spec, tmp_path / "run", cache_dir=tmp_path / "cache")
    assert "fusion" in run.record.details
    made = append_run(run, write_set(tmp_path / "week2.npz", 60, 3), tmp_path / "new")
    np.testing.assert_array_equal(made.values["value"][:240], run.values["value"])
    assert set(made.values.iloc[240:].nsmallest(6, "value").index) == set(range(240, 300, 10))
    assert made.record.details["fusion"] == run.record.details["fusion"]
    assert list(made.values.columns) == list(run.values.columns)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of pictures, embedded by a tiny convnet."""
    tiny = ConvnetConfig(widths=(4, 8), epochs=2, batch=8)
    monkeypatch.setitem(EMBEDDERS, "convnet", replace(EMBEDDERS["convnet"], config=tiny))
    for name, n in (("week1", 45), ("validation", 30)):
        make_images(tmp_path / name, n, V, seed=n)
    spec = ValueSpec(
        train=str(tmp_path / "week1"),
        validation=str(tmp_path / "validation"),
        embedder="convnet",
        settings="published",
    )
    return value_run(spec, tmp_path / "run", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "made again"])
def test_pictures_are_embedded_by_the_network_of_the_run(
    tmp_path: Path, pictures: Run, kept: bool
) -> None:
    """An older run did not keep its network: it follows from the validation set and the seed."""
    if not kept:
        (pictures.path / EMBEDDER_FILE).unlink()
    rows = np.array([3, 17, 40])
    data = pictures.open_images("train")
    for row in rows:
        target = tmp_path / "week2" / str(data.ids[row])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(f"new-{row}.png").write_bytes(Path(data.paths[row]).read_bytes())
    made = append_run(open_run(pictures.path), str(tmp_path / "week2"), tmp_path / "new")
    np.testing.assert_allclose(made.x[45:], pictures.x[rows], rtol=1e-3, atol=1e-3)
    opened = made.open_images("train")
    assert opened.images is not None
    assert opened.ids.tolist() == made.values["id"].tolist()
    assert opened.images.encoded(45) == opened.images.encoded(3)
    assert made.values["path"].iloc[45].endswith("new-3.png")


def test_a_network_that_cannot_be_made_again_is_refused(tmp_path: Path, pictures: Run) -> None:
    (pictures.path / EMBEDDER_FILE).unlink()
    make_images(tmp_path / "week2", 6, V, seed=9, pictures=True)
    for path in (tmp_path / "week2").rglob("*.png"):
        path.rename(path.with_name(f"new-{path.name}"))
    changed = Run(pictures.path, replace(pictures.record, seed=1))
    with pytest.raises(DataError, match="gives other features"):
        append_run(changed, str(tmp_path / "week2"), tmp_path / "out")
    for path in (tmp_path / "validation").rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match="cannot be opened"):
        append_run(open_run(pictures.path), str(tmp_path / "week2"), tmp_path / "out")


def test_embeddings_cannot_be_added_to_a_run_of_pictures(tmp_path: Path, pictures: Run) -> None:
    source = write_set(tmp_path / "week2.npz", 10, 3)
    with pytest.raises(DataError, match="embeddings only"):
        append_run(pictures, source, tmp_path / "out")


def test_a_job_adds_images_in_a_process_of_its_own(tmp_path: Path, run: Run, week2: str) -> None:
    home = tmp_path / "home"
    (home / "runs").mkdir(parents=True)
    run.path.rename(home / "runs" / run.id)
    spec = AppendSpec(run=run.id, data=week2)
    job = start_job(spec, home)
    until = time.monotonic() + 60
    while not (status := job_status(home, job)).ended:
        assert time.monotonic() < until, status
        time.sleep(0.05)
    assert status.state == "done", status.error
    assert status.spec == spec
    made = open_run(home / "runs" / str(status.run_id))
    assert made.record.parent == run.id
    failed = start_job(AppendSpec(run="f" * 16, data=week2), home)
    while not (status := job_status(home, failed)).ended:
        time.sleep(0.05)
    assert status.state == "failed"
    assert "There is no run" in status.error


def test_a_spec_survives_json_and_refuses_what_is_wrong() -> None:
    spec = AppendSpec(run="a" * 16, data="/week2")
    assert AppendSpec.from_configuration(json.loads(json.dumps(spec.configuration()))) == spec
    with pytest.raises(ConfigError, match="mood"):
        AppendSpec.from_configuration({**spec.configuration(), "mood": 1})
    with pytest.raises(ConfigError, match="not complete"):
        AppendSpec.from_configuration({"run": "a" * 16})
    for wrong in ({"data": " "}, {"device": "toaster"}):
        with pytest.raises(ConfigError):
            AppendSpec(**{"run": "a" * 16, "data": "/week2", **wrong})
