"""The process behind a job: `python -m core.runs.worker JOBDIR`, started by `core.runs.jobs`."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from core.errors import AssayError, Cancelled
from core.runs.jobs import StatusFile, forget_old_jobs, read_json
from core.runs.kinds import KINDS, read_spec

WRITE_EVERY_SECONDS = 0.15
ASK_EVERY_SECONDS = 0.1
# The page that shows the progress goes first.
NICENESS = 5


class JobProgress:
    """A `Progress` that writes status.json and raises `Cancelled` once a stop was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.status = StatusFile.read(folder)
        self._stop = False
        self._written = 0.0

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: the next report raises `Cancelled`."""
        self._stop = True

    def check(self) -> None:
        """Raise `Cancelled` if a stop was asked for."""
        if self._stop or (self.folder / "cancel").exists():
            raise Cancelled("Cancelled; nothing was written.")

    def __call__(self, stage: str, done: float, detail: str = "") -> None:
        """Report progress; writes at each new stage, and else every 0.15 s at most."""
        self.check()
        now = time.monotonic()
        if stage != self.status.stage or now - self._written > WRITE_EVERY_SECONDS:
            self._written = now
            self.update(stage=stage, done=min(max(float(done), 0.0), 1.0), detail=detail)

    def update(self, **changes: object) -> None:
        """Replace fields of the status, and write it."""
        if self.status.working_since > 0:
            changes["seconds"] = time.time() - self.status.working_since
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        self.status.write(self.folder)


@contextmanager
def only_one(home: Path, progress: JobProgress) -> Iterator[None]:
    """Hold the right to work in `home`; waits for it, and a death gives it back."""
    with (home / "jobs" / "working.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress("Waiting for other work to finish", 0.0)
                time.sleep(ASK_EVERY_SECONDS)
        yield


def work(folder: Path, progress: JobProgress) -> None:
    """Do the job in `folder`.

    Raises
    ------
    AssayError : what a person should read about why it could not be done; `Cancelled` is one
    """
    home = folder.parent.parent
    spec = read_spec(read_json(folder / "spec.json"))

    def on_id(run_id: str) -> None:
        progress.update(run_id=run_id)

    with only_one(home, progress):
        forget_old_jobs(home)
        progress.update(state="running", working_since=time.time(), stage="Loading the engine")
        # It brings torch, which takes a second: after the first status, not before.
        result = KINDS[spec.kind].load_work()(spec, home, progress, on_id)
    progress.update(state="done", stage="Done", done=1.0, detail="", result=result)


def main(folder: Path) -> int:
    """Do the job in `folder` and write how it ended; return the exit status."""
    progress = JobProgress(folder)
    signal.signal(signal.SIGTERM, progress.stop)
    signal.signal(signal.SIGINT, progress.stop)
    os.nice(NICENESS)
    try:
        work(folder, progress)
    except Cancelled:
        progress.update(state="cancelled")
        return 1
    except AssayError as error:
        progress.update(state="failed", error=str(error))
        return 1
    except MemoryError:
        traceback.print_exc()
        progress.update(
            state="failed",
            error="The machine has too little memory for this; nothing was written.",
        )
        return 1
    except Exception as error:  # the last line of defence: it must be told
        traceback.print_exc()
        progress.update(
            state="failed",
            error=(
                f"An unexpected error stopped the work ({type(error).__name__}: {error}). "
                f"Nothing was written; details are in {folder / 'log.txt'}."
            ),
        )
        return 1
    return 0


if __name__ == "__main__":
    exit_status = main(Path(sys.argv[1]))
    sys.stderr.flush()
    # All is written. To take torch down in order would hold its memory for another half second.
    os._exit(exit_status)
