"""Jobs: started at once, watched through files, stopped within a second, never half done."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from core.errors import RunError
from core.runs import ValueSpec, cancel_job, forget_job, job_status, list_jobs, start_job
from core.runs.jobs import (
    INTERRUPTED,
    KEPT_SECONDS,
    JobStatus,
    StatusFile,
    forget_old_jobs,
)
from core.runs.processes import start_mark
from tests.factories import make_home_run


@pytest.fixture
def endless(tmp_path: Path) -> ValueSpec:
    """A valuation that works until it is stopped: its tolerance cannot be reached."""
    for name, n in (("train", 400), ("validation", 150)):
        rng = np.random.default_rng(n)
        labels = np.arange(n) % 3
        np.savez(
            tmp_path / f"{name}.npz",
            embeddings=(np.eye(3, 8)[labels] + rng.standard_normal((n, 8))).astype(np.float32),
            labels=labels,
        )
    return ValueSpec(
        train=str(tmp_path / "train.npz"),
        validation=str(tmp_path / "validation.npz"),
        tolerance=1e-30,
        max_passes=10**9,
    )


def wait_for(home: Path, job: str, *states: str, seconds: float = 30) -> JobStatus:
    """Wait until the job is in one of `states`."""
    until = time.monotonic() + seconds
    while (status := job_status(home, job)).state not in states:
        assert time.monotonic() < until, f"still {status}"
        assert not status.ended, status
        time.sleep(0.02)
    return status


def wait_for_work(home: Path, job: str) -> JobStatus:
    """Wait until the job is in the middle of the numerical work."""
    until = time.monotonic() + 30
    while (status := job_status(home, job)).stage != "Potentials":
        assert time.monotonic() < until, f"still {status}"
        assert not status.ended, status
        time.sleep(0.02)
    return status


def process_of(home: Path, job: str) -> int:
    return int(json.loads((home / "jobs" / job / "process.json").read_text())["pid"])


def leftovers(home: Path) -> list[Path]:
    runs = home / "runs"
    return list(runs.iterdir()) if runs.exists() else []


def test_starting_returns_at_once(tmp_path: Path, endless: ValueSpec) -> None:
    started = time.perf_counter()
    job = start_job(endless, tmp_path)
    taken = time.perf_counter() - started
    assert job_status(tmp_path, job).state in ("queued", "running")
    cancel_job(tmp_path, job)
    wait_for(tmp_path, job, "cancelled")
    assert taken < 0.5, "the page would freeze"


def test_cancel_stops_the_work_within_a_second(tmp_path: Path, endless: ValueSpec) -> None:
    job = start_job(endless, tmp_path)
    assert wait_for_work(tmp_path, job).state == "running"
    asked = time.perf_counter()
    cancel_job(tmp_path, job)
    assert time.perf_counter() - asked < 0.1, "the page would freeze"
    status = wait_for(tmp_path, job, "cancelled")
    while start_mark(process_of(tmp_path, job)) is not None:
        time.sleep(0.01)
    assert time.perf_counter() - asked < 1.0
    assert status.error == ""
    assert leftovers(tmp_path) == []


def test_a_worker_that_does_not_listen_is_stopped_all_the_same(
    tmp_path: Path, endless: ValueSpec
) -> None:
    job = start_job(endless, tmp_path)
    wait_for_work(tmp_path, job)
    os.kill(process_of(tmp_path, job), signal.SIGSTOP)
    asked = time.perf_counter()
    cancel_job(tmp_path, job)
    wait_for(tmp_path, job, "cancelled")
    assert time.perf_counter() - asked < 1.0


def test_a_killed_worker_leaves_a_message_and_no_run(tmp_path: Path, endless: ValueSpec) -> None:
    job = start_job(endless, tmp_path)
    wait_for_work(tmp_path, job)
    os.kill(process_of(tmp_path, job), signal.SIGKILL)
    status = wait_for(tmp_path, job, "interrupted", seconds=2)
    assert status.error == INTERRUPTED
    assert 0 < status.seconds < 30
    assert leftovers(tmp_path) == []
    assert job_status(tmp_path, job) == status, "the last word is kept"


def test_a_reused_process_id_is_not_taken_for_the_worker(
    tmp_path: Path, endless: ValueSpec
) -> None:
    job = start_job(endless, tmp_path)
    wait_for_work(tmp_path, job)
    os.kill(process_of(tmp_path, job), signal.SIGKILL)
    facts = {"pid": os.getpid(), "mark": "boot-1"}
    (tmp_path / "jobs" / job / "process.json").write_text(json.dumps(facts))
    assert job_status(tmp_path, job).state == "interrupted"


def test_a_second_job_waits_for_the_first(tmp_path: Path, endless: ValueSpec) -> None:
    first = start_job(endless, tmp_path)
    wait_for(tmp_path, first, "running")
    second = start_job(endless, tmp_path)
    until = time.monotonic() + 20
    while "Waiting" not in job_status(tmp_path, second).stage:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job_status(tmp_path, second).state == "queued"
    assert job_status(tmp_path, second).seconds == 0
    os.kill(process_of(tmp_path, first), signal.SIGKILL)
    wait_for(tmp_path, second, "running")
    cancel_job(tmp_path, second)
    wait_for(tmp_path, second, "cancelled")
    assert [job.id for job in list_jobs(tmp_path)] == [second, first]


def test_data_that_cannot_be_used_are_explained(tmp_path: Path, endless: ValueSpec) -> None:
    spec = ValueSpec(train=str(tmp_path / "nowhere"), validation=endless.validation)
    job = start_job(spec, tmp_path)
    status = wait_for(tmp_path, job, "failed")
    assert "nowhere" in status.error
    assert "Traceback" not in status.error
    assert status.spec == spec


def test_a_defect_is_told_and_its_traceback_kept(tmp_path: Path, endless: ValueSpec) -> None:
    (tmp_path / "runs").write_text("a file where a folder belongs")
    spec = ValueSpec(train=endless.train, validation=endless.validation)
    job = start_job(spec, tmp_path)
    status = wait_for(tmp_path, job, "failed")
    assert status.error
    assert "Traceback" not in status.error


def test_a_finished_job_names_its_run(tmp_path: Path, endless: ValueSpec) -> None:
    spec = ValueSpec(train=endless.train, validation=endless.validation)
    job = start_job(spec, tmp_path)
    status = wait_for(tmp_path, job, "done")
    assert (tmp_path / "runs" / str(status.run_id) / "run.json").exists()
    again = wait_for(tmp_path, start_job(spec, tmp_path), "done")
    assert again.run_id == status.run_id
    assert [path.name for path in leftovers(tmp_path)] == [status.run_id]


def test_old_jobs_that_nobody_waits_for_are_forgotten(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * KEPT_SECONDS
    for name, state in (("a" * 16, "done"), ("b" * 16, "failed"), ("c" * 16, "cancelled")):
        folder = tmp_path / "jobs" / name
        folder.mkdir(parents=True)
        StatusFile(state=state, started="2026-01-01").write(folder)
        os.utime(folder / "status.json", (long_ago, long_ago))
    fresh = tmp_path / "jobs" / ("d" * 16)
    fresh.mkdir()
    StatusFile(state="done", started="2026-01-01").write(fresh)
    forget_old_jobs(tmp_path)
    assert sorted(path.name[0] for path in (tmp_path / "jobs").iterdir()) == ["b", "d"]


@pytest.mark.parametrize("job", ["../runs", "", "0" * 15, "0" * 16 + "\n", "0123456789abcdef"])
def test_an_id_of_no_job_is_refused(tmp_path: Path, job: str) -> None:
    (tmp_path / "jobs").mkdir()
    make_home_run(tmp_path)
    for act in (job_status, cancel_job, forget_job):
        with pytest.raises(RunError, match="job"):
            act(tmp_path, job)


def test_only_an_ended_job_can_be_forgotten(tmp_path: Path, endless: ValueSpec) -> None:
    job = start_job(endless, tmp_path)
    with pytest.raises(RunError, match="cancel it first"):
        forget_job(tmp_path, job)
    cancel_job(tmp_path, job)
    wait_for(tmp_path, job, "cancelled")
    forget_job(tmp_path, job)
    assert list_jobs(tmp_path) == []
