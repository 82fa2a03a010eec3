"""Runs: one folder each, made by a job that can be watched and stopped."""

from core.runs.folder import (
    Run,
    SavedPotentials,
    find_run,
    link_run,
    list_runs,
    open_run,
    values_frame,
    write_run,
)
from core.runs.home import home
from core.runs.record import RunRecord, SourceRecord

__all__ = [
    "Run",
    "RunRecord",
    "SavedPotentials",
    "SourceRecord",
    "find_run",
    "home",
    "link_run",
    "list_runs",
    "open_run",
    "values_frame",
    "write_run",
]
