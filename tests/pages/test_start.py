"""Start: jobs under way, jobs that failed, own data, folders of runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.runs import JobStatus, ValueSpec, cancel_job, job_status, list_jobs, start_job
from tests.factories import make_home_run, make_images, make_run
from tests.pages.conftest import Open, texts


@pytest.fixture(autouse=True)
def no_job_is_left(assay_home: Path) -> Iterator[None]:
    yield
    for job in list_jobs(assay_home):
        cancel_job(assay_home, job.id)


def _ended(home: Path, job_id: str, limit: float = 60.0) -> JobStatus:
    until = time.monotonic() + limit
    while not (job := job_status(home, job_id)).ended:
        assert time.monotonic() < until, f"still {job.stage}"
        time.sleep(0.1)
    return job


def test_a_failed_job_says_what_happened_and_can_be_tried_again(
    open_page: Open, assay_home: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "nowhere"
    spec = ValueSpec(train=str(missing), validation="sample:val")
    failed = _ended(assay_home, start_job(spec, assay_home))
    assert failed.state == "failed"
    app = open_page("start")
    assert not app.exception
    assert "Failed" in texts(app)
    assert "nowhere" in texts(app)
    app.button(key=f"start__retry__{failed.id}").click().run()
    assert not app.exception
    (again,) = list_jobs(assay_home)
    assert again.id != failed.id
    assert again.spec == spec


def test_a_failed_job_can_be_removed(open_page: Open, assay_home: Path, tmp_path: Path) -> None:
    spec = ValueSpec(train=str(tmp_path / "nowhere"), validation="sample:val")
    failed = _ended(assay_home, start_job(spec, assay_home))
    app = open_page("start")
    app.button(key=f"start__forget__{failed.id}").click().run()
    assert not app.exception
    assert list_jobs(assay_home) == []
    assert "did not finish" not in texts(app)


@pytest.fixture
def job() -> JobStatus:
    return JobStatus(
        id="a" * 16,
        state="running",
        spec=ValueSpec(train="sample:train", validation="sample:val", embedder="convnet"),
        started="2026-01-02T03:04:05.000+00:00",
        seconds=65.0,
        stage="Embedding",
        done=0.4,
        detail="epoch 3_of_9",
    )


def test_a_running_job_shows_its_stage_and_can_be_cancelled(
    open_page: Open, job: JobStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = []
    monkeypatch.setattr("core.runs.list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)
    monkeypatch.setattr("pages.ui.jobs.cancel_job", lambda home, job_id: cancelled.append(job_id))
    app = open_page("start")
    assert not app.exception
    assert "Valuing sample" in texts(app)
    assert "1 min 5 s" in texts(app)
    assert app.button(key="start__sample").disabled
    app.button(key=f"jobs__cancel__{job.id}").click().run()
    assert cancelled == [job.id]


def test_a_finished_job_in_the_address_leads_to_its_run(
    open_page: Open, assay_home: Path, job: JobStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_home_run(assay_home)
    done = replace(job, state="done", run_id=run.id)
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: done)
    app = open_page("start", job=job.id)
    assert not app.exception
    assert "The valuation is done" in texts(app)


@pytest.mark.parametrize("job_id", ["../../etc", "", "f" * 16])
def test_a_job_id_that_names_nothing_is_ignored(open_page: Open, job_id: str) -> None:
    app = open_page("start", job=job_id)
    assert not app.exception
    assert not app.error


def _check(app: object, train: str, validation: str) -> None:
    app.text_input(key="start__train").set_value(train)  # type: ignore[attr-defined]
    app.text_input(key="start__validation").set_value(validation)  # type: ignore[attr-defined]
    app.button(key="start__check").click().run()  # type: ignore[attr-defined]


def test_the_check_tells_what_is_in_the_data_and_what_a_valuation_takes(
    open_page: Open, tmp_path: Path
) -> None:
    make_images(tmp_path / "train", 30, 3, seed=1)
    make_images(tmp_path / "validation", 12, 3, seed=2)
    app = open_page("start")
    _check(app, str(tmp_path / "train"), str(tmp_path / "validation"))
    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "30 images, 3 classes" in said
    assert "12 images, 3 classes" in said
    assert "of memory" in said
    assert not app.button(key="start__value").disabled


def test_a_method_in_batches_asks_how_to_cut_them_and_for_no_calibration(
    open_page: Open, assay_home: Path, tmp_path: Path
) -> None:
    for side in ("train", "validation"):
        make_images(tmp_path / side, 12, 3, seed=0)
    app = open_page("start")
    _check(app, str(tmp_path / "train"), str(tmp_path / "validation"))
    app.selectbox(key="start__method").set_value("sava").run()
    assert not [box for box in app.selectbox if box.key == "start__settings"]
    app.number_input(key="start__batch_size").set_value(4)
    app.selectbox(key="start__batches").set_value("stratified").run()
    app.button(key="start__value").click().run()
    assert not app.exception
    (job,) = list_jobs(assay_home)
    assert (job.spec.method, job.spec.batch_size, job.spec.batches) == ("sava", 4, "stratified")


def test_changed_sources_need_a_new_check(open_page: Open, tmp_path: Path) -> None:
    make_images(tmp_path / "train", 30, 3, seed=1)
    app = open_page("start")
    _check(app, str(tmp_path / "train"), str(tmp_path / "train"))
    app.text_input(key="start__train").set_value(str(tmp_path)).run()
    assert not [button for button in app.button if button.key == "start__value"]


@pytest.mark.parametrize(
    ("train", "validation", "said"),
    [
        ("", "sample:val", "Name the training set"),
        ("sample:train", "  ", "Name the validation set"),
        ("/no/such_folder", "sample:val", "such"),
        ("sample:other", "sample:val", "sample"),
    ],
)
def test_sources_that_cannot_be_opened_are_explained(
    open_page: Open, train: str, validation: str, said: str
) -> None:
    app = open_page("start")
    _check(app, train, validation)
    assert not app.exception
    (error,) = app.error
    assert said in error.value


def test_a_run_made_elsewhere_is_opened_by_its_folder(
    open_page: Open, assay_home: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "elsewhere" / "run")
    app = open_page("start")
    app.text_input(key="start__folder").set_value(str(run.path))
    app.button(key="start__link").click().run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert app.query_params["run"] == run.id


def test_the_sample_opens_its_run_at_once_if_the_settings_are_the_same(
    open_page: Open, assay_home: Path
) -> None:
    spec = ValueSpec(train="sample:train", validation="sample:val", embedder="convnet")
    ours, other = make_home_run(assay_home, seed=1), make_home_run(assay_home, seed=2)
    for run, given in ((ours, []), (other, ["epsilon"])):
        configuration = replace(spec, epsilon=0.1).configuration()
        used = {"asked": "published", "used": "published", "why": "asked for"}
        details = {"settings": {**used, "given": given}}
        record = replace(run.record, configuration=configuration, details=details)
        (run.path / "run.json").write_text(record.to_json())
    app = open_page("start")
    assert app.button(key="start__sample").label == "Open the sample"
    app.button(key="start__sample").click().run()
    assert not app.exception
    assert app.query_params["run"] == ours.id
    assert list_jobs(assay_home) == []


@pytest.mark.parametrize("folder", ["", "/no/such/folder"])
def test_a_folder_without_a_run_is_explained(open_page: Open, folder: str) -> None:
    app = open_page("start")
    app.text_input(key="start__folder").set_value(folder)
    app.button(key="start__link").click().run()
    assert not app.exception
    assert len(app.error) == 1
