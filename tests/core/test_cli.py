"""The command line, as a person meets it: a process with arguments, output and a status."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.factories import make_home_run, make_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home for Assay."""
    return {**os.environ, "ASSAY_HOME": str(tmp_path / "state"), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """The options that name two small sets of embeddings."""
    rng = np.random.default_rng(2)
    for name, n in (("train", 200), ("val", 90)):
        truth = np.arange(n) % 3
        labels = truth.copy()
        if name == "train":
            labels[:5] = (labels[:5] + 1) % 3
        np.savez(
            tmp_path / f"{name}.npz",
            embeddings=(3 * np.eye(3, 8)[truth] + 0.3 * rng.standard_normal((n, 8))).astype("f4"),
            labels=labels,
            ids=np.array([f"{name}-{i:03d}" for i in range(n)]),
        )
    return ["--train", str(tmp_path / "train.npz"), "--val", str(tmp_path / "val.npz")]


def assay(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line on stderr, having checked that no traceback stands before it."""
    assert "Traceback" not in done.stderr, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("assay: "), done.stderr
    return last


def test_help_is_quick_and_complete(state: dict[str, str]) -> None:
    started = time.perf_counter()
    done = assay("--help", env=state)
    assert time.perf_counter() - started < 3, "it must not load torch"
    assert done.returncode == 0
    for command in ("value", "evaluate", "export", "inspect"):
        assert command in done.stdout
        detail = assay(command, "--help", env=state)
        assert detail.returncode == 0
        assert "usage: python -m core" in detail.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["value"],
        ["value", "--train", "a"],
        ["value", "--train", "a", "--val", "b", "--p", "3"],
        ["value", "--train", "a", "--val", "b", "--epsilon", "-1"],
        ["value", "--train", "a", "--val", "b", "--epsilon", "1", "--relative-epsilon", "1"],
        ["value", "--train", "a", "--val", "b", "--embedder", "magic"],
        ["value", "--train", "a", "--val", "b", "--method", "magic"],
        ["export", "--run", "a", "--out", "b", "--format", "stone"],
        ["inspect"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str], state: dict[str, str]) -> None:
    done = assay(*arguments, env=state)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["value", "--train", "/nowhere", "--val", "sample:val"],
        ["inspect", "/nowhere"],
        ["evaluate", "--run", "/nowhere", "--truth", "sample", "--out", "x.json"],
        ["export", "--run", "0123456789abcdef", "--out", "x"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_failure_is_status_1_and_one_line(arguments: list[str], state: dict[str, str]) -> None:
    done = assay(*arguments, env=state)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "nowhere" in reason(done) or "0123456789abcdef" in reason(done)


def test_value_writes_a_run_and_says_what_it_found(
    tmp_path: Path, pair: list[str], state: dict[str, str]
) -> None:
    out = tmp_path / "out"
    done = assay("value", *pair, "--out", str(out), env=state)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "run.json").read_text())["status"] == "done"
    assert str(out) in done.stdout
    for word in ("OT distance", "Marginal error", "passes", "Seconds"):
        assert word in done.stdout
    worst = done.stdout[done.stdout.index("hurt most") :].splitlines()[2:]
    assert len(worst) == 10
    assert {line.split()[-1] for line in worst} >= {f"train-{i:03d}" for i in range(5)}
    assert "Reading" in done.stderr
    assert "Reading:" not in done.stdout, "progress goes to stderr"
    again = assay("value", *pair, "--out", str(out), env=state)
    assert again.returncode == 1
    assert "not an empty folder" in reason(again)


def test_value_without_out_goes_home_and_is_used_again(
    tmp_path: Path, pair: list[str], state: dict[str, str]
) -> None:
    first = assay("value", *pair, env=state)
    assert first.returncode == 0, first.stderr
    (run,) = (tmp_path / "state" / "runs").iterdir()
    assert str(run) in first.stdout
    again = assay("value", *pair, env=state)
    assert again.returncode == 0
    assert "before" in again.stdout.splitlines()[0]
    assert list((tmp_path / "state" / "runs").iterdir()) == [run]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_stops_value_and_nothing_is_written(
    tmp_path: Path, pair: list[str], state: dict[str, str], number: signal.Signals
) -> None:
    endless = ["--tolerance", "1e-30", "--max-passes", "1000000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "value", *pair, *endless, "--out", str(tmp_path / "out")],
        cwd=ROOT, env=state, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "Reading" in process.stderr.readline()
    time.sleep(3)
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=20)
    assert time.perf_counter() - sent < 3
    assert process.returncode == 1
    assert err.splitlines()[-1] == "assay: Cancelled; nothing was written."
    assert out == ""
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*.partial")) == []


def test_a_terminal_sees_a_bar(pair: list[str], state: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "core", "value", *pair],
        cwd=ROOT, env=state, stdout=subprocess.DEVNULL, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            seen += chunk
    os.close(ours)
    assert process.returncode == 0
    assert "━".encode() in seen
    assert seen.endswith(b"\r\x1b[2K"), "the bar is taken away in the end"


def test_export_writes_the_decisions(tmp_path: Path, state: dict[str, str]) -> None:
    run = make_home_run(tmp_path / "state", n=12, m=6)
    done = assay(
        "export", "--run", run.id, "--format", "lists", "--out", str(tmp_path / "out"), env=state
    )
    assert done.returncode == 0, done.stderr
    kept = (tmp_path / "out" / "keep.txt").read_text().splitlines()
    assert kept == run.values["id"].tolist()
    assert (tmp_path / "out" / "provenance.json").exists()


def test_names_from_data_cannot_steer_the_terminal(tmp_path: Path, state: dict[str, str]) -> None:
    from core.cli.text import facts, table

    hostile = "a\x1b[2Jb\nc"
    assert "\x1b" not in table(("id",), [(hostile,)])
    assert "\x1b" not in facts({"Source": hostile})
    assert len(table(("id",), [(hostile,)]).splitlines()) == 2


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_evaluate_measures_against_a_truth(
    tmp_path: Path, state: dict[str, str], suffix: str
) -> None:
    run = make_run(tmp_path / "runs" / "one")
    faulty = run.values["id"].iloc[::10]
    truth = tmp_path / "truth.csv"
    truth.write_text("id,fault\n" + "".join(f"{i},wrong-label\n" for i in faulty))
    out = tmp_path / f"result.{suffix}"
    done = assay(
        "evaluate", "--run", str(run.path), "--truth", str(truth), "--out", str(out), env=state
    )
    assert done.returncode == 0, done.stderr
    assert "wrong-label" in done.stdout
    assert "AUROC" in done.stdout
    assert "1.000" in done.stdout, "the invented faults are found without a miss"
    assert "auroc" in out.read_text()


def test_inspect_describes_and_checks(pair: list[str], state: dict[str, str]) -> None:
    done = assay("inspect", pair[1], "--val", pair[3], env=state)
    assert done.returncode == 0, done.stderr
    assert "200" in done.stdout
    assert "90" in done.stdout
