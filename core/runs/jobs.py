"""Work in processes of its own (see `core.runs.kinds`), started, watched and stopped by files.

A job is a folder: `spec.json` (what to do), `process.json` (who does it), `status.json` (how far
it is, replaced atomically by the worker), `cancel` (somebody asked for it to stop) and `log.txt`.
Nothing of it lives in memory, so any process may watch or stop it, and the page may be reloaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.atomic import replacing
from core.errors import ConfigError, RunError
from core.runs.folder import find_run
from core.runs.kinds import JobSpec, read_spec, written_spec
from core.runs.processes import is_alive, start_mark
from core.runs.writing import sweep_partial

JOB_ID = re.compile(r"[0-9a-f]{16}")
ENDED = ("done", "failed", "cancelled", "interrupted")
# A worker answers SIGTERM at its next progress report; inside a long library call it cannot.
GRACE_SECONDS = 0.6
# How long a job may lack process.json: only between its folder and its process being made.
STARTING_SECONDS = 10.0
KEPT_SECONDS = 86_400.0
INTERRUPTED = (
    "The work ended without a word: it was stopped from outside, or the machine ran out of "
    "memory or was switched off. Nothing was written; start it again."
)
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """Where a job is.

    Attributes
    ----------
    id : 16 hexadecimal digits
    state : "queued", "running", "done", "failed", "cancelled" or "interrupted"
    spec : what was asked for
    started : when it was asked for, UTC, ISO 8601
    seconds : how long it has worked, or worked in the end; waiting in the queue is not counted
    stage : what it is doing, for people
    done : share of the stage, 0 to 1
    detail : more about it
    error : what went wrong, for people; empty where nothing did
    run_id : the run that it makes, once that is known; None for work that makes none
    result : what the work returned in the end, see `core.runs.kinds.Work`
    """

    id: str
    state: str
    spec: JobSpec
    started: str
    seconds: float = 0.0
    stage: str = ""
    done: float = 0.0
    detail: str = ""
    error: str = ""
    run_id: str | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Return whether nothing more will change."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFile:
    """The content of status.json; `JobStatus` says what the fields are.

    `working_since` is a Unix time, 0 while the job waits.
    """

    state: str
    started: str
    working_since: float = 0.0
    seconds: float = 0.0
    stage: str = ""
    done: float = 0.0
    detail: str = ""
    error: str = ""
    run_id: str | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace status.json of the job in `folder`."""
        write_json(folder / "status.json", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> StatusFile:
        """Read status.json of the job in `folder`; raises `RunError` where that cannot be."""
        raw = read_json(folder / "status.json")
        try:
            return cls(**{item.name: raw[item.name] for item in fields(cls) if item.name in raw})
        except TypeError as error:
            raise RunError(f"{folder}: status.json is damaged.") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` atomically: a reader sees the old content or the new."""
    with replacing(path) as file:
        file.write(json.dumps(content).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises `RunError` where there is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read.") from error
    if not isinstance(raw, dict):
        raise RunError(f"{path} is damaged: it is no JSON object.")
    return raw


def start_job(spec: JobSpec, home: Path) -> str:
    """Start the work `spec` in a process of its own; return the job's id at once.

    Data are opened in the worker. One job works at a time in a home; others wait their turn.
    """
    job_id = secrets.token_hex(8)
    folder = home / "jobs" / job_id
    folder.mkdir(parents=True)
    write_json(folder / "spec.json", written_spec(spec))
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    StatusFile(state="queued", started=now, stage="Starting").write(folder)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.runs.worker", str(folder.absolute())],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    mark = start_mark(process.pid)
    write_json(folder / "process.json", {"pid": process.pid, "mark": mark or "ended"})
    # Without somebody who waits for it, a process that ends stays as a zombie.
    threading.Thread(target=process.wait, name=f"job {job_id}", daemon=True).start()
    return job_id


def job_status(home: Path, job_id: str) -> JobStatus:
    """Return where a job is; one whose process has died is found out here, and tidied up.

    Raises
    ------
    RunError : there is no such job
    """
    folder = _folder(home, job_id)
    # In this order: a worker writes its last status before it ends.
    alive = _alive(folder)
    status = StatusFile.read(folder)
    if status.state not in ENDED:
        if not alive:
            status = _settle(home, folder, status)
        elif _overdue(folder):
            _signal(folder, signal.SIGKILL)
    working = status.working_since > 0 and status.state not in ENDED
    return JobStatus(
        id=job_id,
        state=status.state,
        spec=read_spec(read_json(folder / "spec.json")),
        started=status.started,
        seconds=time.time() - status.working_since if working else status.seconds,
        stage=status.stage,
        done=status.done,
        detail=status.detail,
        error=status.error,
        run_id=status.run_id,
        result=status.result,
    )


def list_jobs(home: Path) -> list[JobStatus]:
    """Return every job of `home`, newest first, and remove what dead ones left half written."""
    sweep_partial(home / "runs")
    jobs = home / "jobs"
    names = [path.name for path in jobs.iterdir()] if jobs.is_dir() else []
    found = []
    for name in names:
        with contextlib.suppress(RunError, ConfigError):
            found.append(job_status(home, name))
    return sorted(found, key=lambda job: (job.started, job.id), reverse=True)


def cancel_job(home: Path, job_id: str) -> None:
    """Stop a job within a second; returns at once. A job that has ended is left as it is.

    Raises
    ------
    RunError : there is no such job
    """
    folder = _folder(home, job_id)
    if StatusFile.read(folder).state in ENDED:
        return
    (folder / "cancel").touch()
    _signal(folder, signal.SIGTERM)
    insist = threading.Timer(GRACE_SECONDS, _signal, (folder, signal.SIGKILL))
    insist.daemon = True
    insist.start()


def forget_job(home: Path, job_id: str) -> None:
    """Remove the folder of a job that has ended; its run, if it made one, stays.

    Raises
    ------
    RunError : there is no such job, or it has not ended
    """
    if not job_status(home, job_id).ended:
        raise RunError("This work is still under way; cancel it first.")
    shutil.rmtree(_folder(home, job_id), ignore_errors=True)


def forget_old_jobs(home: Path) -> None:
    """Remove jobs that were done or cancelled more than a day ago: nobody waits for them."""
    for path in (home / "jobs").iterdir():
        with contextlib.suppress(RunError, OSError):
            age = time.time() - (path / "status.json").stat().st_mtime
            if age > KEPT_SECONDS and StatusFile.read(path).state in ("done", "cancelled"):
                shutil.rmtree(path)


def _folder(home: Path, job_id: str) -> Path:
    if not JOB_ID.fullmatch(job_id):
        raise RunError("A job id is 16 hexadecimal digits; this one is not.")
    folder = home / "jobs" / job_id
    if not folder.is_dir():
        raise RunError(f"There is no job {job_id} here.")
    return folder


def _alive(folder: Path) -> bool:
    try:
        process = read_json(folder / "process.json")
    except RunError:
        try:
            return time.time() - folder.stat().st_mtime < STARTING_SECONDS
        except FileNotFoundError:  # the job was forgotten in the meantime
            return False
    return is_alive(int(process["pid"]), str(process["mark"]))


def _overdue(folder: Path) -> bool:
    """Return whether a stop was asked for so long ago that it must be enforced."""
    try:
        return time.time() - (folder / "cancel").stat().st_mtime > GRACE_SECONDS
    except OSError:
        return False


def _signal(folder: Path, number: signal.Signals) -> None:
    """Send a signal to the worker and all that it started, if it still runs."""
    if not (folder / "process.json").exists() or not _alive(folder):
        return
    # It may end between the question and the signal.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(read_json(folder / "process.json")["pid"]), number)


def _settle(home: Path, folder: Path, status: StatusFile) -> StatusFile:
    """Write the last status of a job whose process ended without doing so."""
    sweep_partial(home / "runs")
    state, error = "interrupted", INTERRUPTED
    if (folder / "cancel").exists():
        state, error = "cancelled", ""
    if status.run_id is not None:
        # It may have been killed after its run was whole.
        with contextlib.suppress(RunError):
            find_run(home, status.run_id)
            state, error = "done", ""
    last_seen = (folder / "status.json").stat().st_mtime
    seconds = last_seen - status.working_since if status.working_since > 0 else 0.0
    settled = replace(status, state=state, error=error, seconds=max(seconds, 0.0))
    settled.write(folder)
    return settled
