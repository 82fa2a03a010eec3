"""A PostgreSQL server for tests: a private cluster in a temporary folder, reached by its socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_STARTS_WITHIN_S = 60.0


def find_binaries() -> Path | None:
    """Return the folder of the newest `postgres` and `initdb`, None where there are none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    folders = [*on_path, *debian[::-1]]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


class PostgresServer:
    """One cluster, started and stopped at will, also without mercy; `remove` ends it."""

    def __init__(self, binaries: Path) -> None:
        self._bin = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
        # The server refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._run("initdb", "-D", self._data, "-U", "assay", "-A", "trust", "--no-sync")

    def start(self) -> None:
        """Start it and wait until it answers."""
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while True:
            if self._process is None or self._process.poll() is not None:
                # What was killed may hold its memory for a moment longer.
                self._process = subprocess.Popen(
                    [self._bin / "postgres", "-D", self._data, "-k", self.folder, "-h", ""],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    user=self._user,
                    cwd=self.folder,
                )
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop_at_once(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: every process quits, nothing is saved."""
        self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-w")
        assert self._process is not None
        self._process.wait()

    def kill(self) -> None:
        """SIGKILL the server's first process; the others notice and end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._databases += 1
        name = f"assay{self._databases}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://assay@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stop it, if it runs, and remove the cluster."""
        if self._process is not None and self._process.poll() is None:
            self.stop_at_once()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _dsn(self, database: str) -> str:
        return f"host={self.folder} user=assay dbname={database}"

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
