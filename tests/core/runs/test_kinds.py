"""Kinds of work: each is known by a name, reads what it wrote, and is done by its own function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core.errors import ConfigError
from core.progress import Progress
from core.runs import KINDS, AppendSpec, JobKind, ValueSpec, job_status
from core.runs.jobs import StatusFile, write_json
from core.runs.kinds import read_spec, written_spec
from core.runs.spec import read_configuration
from core.runs.worker import JobProgress, work

VALUE = ValueSpec(train="sample:train", validation="sample:val")
APPEND = AppendSpec(run="a" * 16, data="/week2")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSpec:
    """Work of a kind that makes no run."""

    kind: ClassVar[str] = "count"

    to: int

    @property
    def what(self) -> str:
        return f"Counting to {self.to}"

    def configuration(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> CountSpec:
        return read_configuration(cls, raw)


def count(
    spec: CountSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Count."""
    progress("Counting", 0.5, "half way")
    return {"counted": list(range(spec.to))}


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "count", JobKind(f"{__name__}:CountSpec", f"{__name__}:count"))


def job_folder(home: Path, spec: Mapping[str, Any]) -> Path:
    folder = home / "jobs" / ("c" * 16)
    folder.mkdir(parents=True)
    write_json(folder / "spec.json", dict(spec))
    StatusFile(state="queued", started="2026-01-01").write(folder)
    return folder


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_names_a_spec_of_that_kind_and_a_function(name: str) -> None:
    assert KINDS[name].load_spec().kind == name
    assert callable(KINDS[name].load_work())


@pytest.mark.parametrize("spec", [VALUE, APPEND])
def test_a_spec_is_read_back_as_its_own_kind(spec: ValueSpec | AppendSpec) -> None:
    assert read_spec(json.loads(json.dumps(written_spec(spec)))) == spec


@pytest.mark.parametrize("spec", [VALUE, APPEND])
def test_a_spec_written_before_kinds_had_names_is_still_read(spec: ValueSpec | AppendSpec) -> None:
    assert read_spec(spec.configuration()) == spec


def test_a_kind_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'mood'.*value"):
        read_spec({"kind": "mood", "run": "a" * 16})


@pytest.mark.usefixtures("counting")
def test_work_that_makes_no_run_leaves_its_result(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, written_spec(CountSpec(to=3)))
    work(folder, JobProgress(folder))
    status = job_status(tmp_path, "c" * 16)
    assert status.state == "done"
    assert status.run_id is None
    assert status.result == {"counted": [0, 1, 2]}
    assert status.spec == CountSpec(to=3)


def test_a_status_written_before_results_were_kept_is_still_read(tmp_path: Path) -> None:
    folder = job_folder(tmp_path, VALUE.configuration())
    written = json.loads((folder / "status.json").read_text())
    del written["result"]
    write_json(folder / "status.json", {**written, "state": "done", "run_id": "b" * 16})
    status = job_status(tmp_path, "c" * 16)
    assert (status.state, status.run_id, status.result) == ("done", "b" * 16, {})
