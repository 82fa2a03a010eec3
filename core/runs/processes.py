"""Whether a process is still the one that we started: a process id alone may have been reused."""

from __future__ import annotations

import os
from pathlib import Path


def start_mark(pid: int) -> str | None:
    """Return a text that only this life of process `pid` has, or None where it has ended.

    On Linux it is the boot's id with the start time in clock ticks; a zombie counts as ended.
    Elsewhere it is "alive", which cannot tell a reused id.
    """
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return "alive" if _answers(pid) else None
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command name, in parentheses, may hold spaces and parentheses of its own.
    after_name = stat.rpartition(")")[2].split()
    state, started = after_name[0], after_name[19]
    return None if state in "ZXx" else f"{_boot()}-{started}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "boot"


def is_alive(pid: int, mark: str) -> bool:
    """Return whether the process that had `pid` when `mark` was taken still runs."""
    return start_mark(pid) == mark


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
