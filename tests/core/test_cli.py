"""The command line, as a person meets it: arguments, output and a status."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.cli.progress import Display
from core.cli.text import facts, table
from core.curation import NewStroke, RunDecisions, open_store
from core.errors import Cancelled
from tests.factories import make_home_run, make_run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Return the one line on stderr that says why it failed."""
        assert "Traceback" not in self.err, self.err
        last = self.err.strip().splitlines()[-1]
        assert last.startswith("assay: "), self.err
        return last


Assay = Callable[..., Done]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for Assay, also in the environment of what is started."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path / "state"


@pytest.fixture
def assay(state: Path, capsys: pytest.CaptureFixture[str]) -> Assay:
    """Run one command in this process, which spares loading torch each time."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as stop:  # argparse
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


def process_of(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True,
    )  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """The options that name two small sets of embeddings."""
    rng = np.random.default_rng(2)
    for name, n in (("train", 210), ("val", 90)):
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


def test_help_is_quick_and_complete(state: Path) -> None:
    code = "import sys, core.cli; core.cli.build_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    with process_of("--help") as process:
        out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    for command in ("value", "append", "evaluate", "export", "inspect"):
        assert command in out


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
def test_wrong_usage_is_status_2(arguments: list[str], assay: Assay) -> None:
    done = assay(*arguments)
    assert done.status == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err


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
def test_a_failure_is_status_1_and_one_line(arguments: list[str], assay: Assay) -> None:
    done = assay(*arguments)
    assert done.status == 1
    assert done.out == ""
    assert "nowhere" in done.reason or "0123456789abcdef" in done.reason


def test_value_writes_a_run_and_says_what_it_found(
    tmp_path: Path, pair: list[str], assay: Assay
) -> None:
    out = tmp_path / "out"
    done = assay("value", *pair, "--out", str(out))
    assert done.status == 0, done.err
    assert json.loads((out / "run.json").read_text())["status"] == "done"
    assert str(out) in done.out
    for word in ("LAVA on", "OT distance", "Marginal error", "passes", "Seconds"):
        assert word in done.out
    # Ninety validation images are too few to calibrate on.
    assert "published (the validation set has 90 images; calibration needs 200)" in done.out
    assert "values are units of cost" in done.out
    worst = done.out[done.out.index("hurt most") :].splitlines()[2:]
    assert len(worst) == 10
    assert {line.split()[-1] for line in worst} >= {f"train-{i:03d}" for i in range(5)}
    assert "Reading" in done.err
    assert "Reading:" not in done.out, "progress goes to stderr"
    again = assay("value", *pair, "--out", str(out))
    assert again.status == 1
    assert "not an empty folder" in again.reason


def test_append_values_new_images_against_a_run(
    tmp_path: Path, pair: list[str], assay: Assay
) -> None:
    assert assay("value", *pair, "--out", str(tmp_path / "run")).status == 0
    with np.load(pair[1]) as saved:
        parts = {name: array[:30] for name, array in saved.items()}
    parts["ids"] = np.char.add("new-", parts["ids"])
    np.savez(tmp_path / "new.npz", **parts)
    asked = ("append", "--run", str(tmp_path / "run"), "--data", str(tmp_path / "new.npz"))
    done = assay(*asked, "--out", str(tmp_path / "grown"))
    assert done.status == 0, done.err
    assert "30 to 210" in done.out
    assert "new-train-000" in done.out
    assert json.loads((tmp_path / "grown" / "run.json").read_text())["parent"]
    at_home = assay(*asked)
    assert at_home.status == 0
    assert "before" in assay(*asked).out.splitlines()[0]
    refused = assay("append", "--run", str(tmp_path / "run"), "--data", pair[1])
    assert refused.status == 1
    assert "nothing to add" in refused.reason


def test_value_without_out_goes_home_and_is_used_again(
    tmp_path: Path, pair: list[str], assay: Assay
) -> None:
    first = assay("value", *pair)
    assert first.status == 0, first.err
    (run,) = (tmp_path / "state" / "runs").iterdir()
    assert str(run) in first.out
    again = assay("value", *pair)
    assert again.status == 0
    assert "before" in again.out.splitlines()[0]
    assert list((tmp_path / "state" / "runs").iterdir()) == [run]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_stops_value_and_nothing_is_written(
    tmp_path: Path, pair: list[str], state: Path, number: signal.Signals
) -> None:
    endless = ["--tolerance", "1e-30", "--max-passes", "1000000000"]
    process = process_of("value", *pair, *endless, "--out", str(tmp_path / "out"))
    assert process.stderr is not None
    seen = ""
    while "Potentials" not in seen:
        seen = process.stderr.readline()
        assert seen, "it ended by itself"
    process.send_signal(number)
    sent = time.perf_counter()
    out, err = process.communicate(timeout=20)
    assert time.perf_counter() - sent < 2
    assert process.returncode == 1
    assert err.splitlines()[-1] == "assay: Cancelled; nothing was written."
    assert out == ""
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*.partial")) == []


def test_a_bar_is_drawn_on_a_terminal_and_taken_away() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    display = Display(terminal)
    display("Embedding", 0.5, "epoch 3")
    assert "━" * 12 + "─" * 12 in terminal.getvalue()
    assert "50%  Embedding: epoch 3" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    display.close()
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_a_file_gets_a_line_a_stage() -> None:
    log = io.StringIO()
    display = Display(log)
    for done in range(100):
        display("Embedding", done / 100)
    display("Potentials", 0.0, "pass 1")
    display.close()
    assert log.getvalue().splitlines() == ["Embedding: 0%", "Potentials: 0%, pass 1"]


def test_a_stop_is_answered_at_the_next_report() -> None:
    display = Display(io.StringIO())
    display.stop(signal.SIGINT, None)
    with pytest.raises(Cancelled):
        display("Embedding", 0.5)


def test_export_writes_the_decisions(tmp_path: Path, state: Path, assay: Assay) -> None:
    run = make_home_run(state, n=12, m=6)
    done = assay("export", "--run", run.id, "--format", "lists", "--out", str(tmp_path / "out"))
    assert done.status == 0, done.err
    kept = (tmp_path / "out" / "keep.txt").read_text().splitlines()
    assert kept == run.values["id"].tolist()
    assert (tmp_path / "out" / "provenance.json").exists()


def test_an_image_that_is_only_noted_is_not_counted_as_decided(
    tmp_path: Path, state: Path, assay: Assay
) -> None:
    """Notes without a verdict were counted as decisions."""
    run = make_home_run(state, n=12, m=6)
    strokes = [
        NewStroke(event_id="a", rows=[1, 2], verdict="keep"),
        NewStroke(event_id="b", rows=[3], verdict="clear", note="look again"),
    ]
    RunDecisions(open_store(state), run).record(strokes)
    done = assay("export", "--run", run.id, "--format", "lists", "--out", str(tmp_path / "out"))
    assert done.out.splitlines()[0].split() == ["Decisions", "2"]


def test_export_takes_a_plan_and_says_what_goes(tmp_path: Path, state: Path, assay: Assay) -> None:
    run = make_home_run(state, n=12, m=6)
    out = tmp_path / "out"
    options = ["--plan-count", "3", "--plan-class", "bag=0", "--plan-class-minimum", "2"]
    done = assay("export", "--run", run.id, "--format", "lists", "--out", str(out), *options)
    assert done.status == 0, done.err
    assert "0 by decision, 3 by the plan" in done.out
    assert "Thin class 1" in done.out
    removed = (out / "remove.txt").read_text().splitlines()
    worst = run.values[run.values["class_name"] != "bag"].nsmallest(3, "value")["id"]
    assert sorted(removed) == sorted(worst)
    facts = json.loads((out / "provenance.json").read_text())
    assert facts["plan"]["settings"]["class_shares"] == {"bag": 0.0}


def test_export_leaves_out_what_the_run_suggests(tmp_path: Path, state: Path, assay: Assay) -> None:
    run = make_home_run(state, n=40, m=12)
    out = tmp_path / "out"
    done = assay(
        *("export", "--run", run.id, "--format", "lists", "--out", str(out), "--plan-suggested")
    )
    assert done.status == 0, done.err
    removed = (out / "remove.txt").read_text().splitlines()
    assert removed
    assert sorted(removed) == sorted(run.values["id"][run.suggested])


def test_export_solves_again_when_asked(tmp_path: Path, state: Path, assay: Assay) -> None:
    run = make_home_run(state, n=24, m=12)
    out = tmp_path / "out"
    options = ["--plan-share", "0.25", "--resolve"]
    done = assay("export", "--run", run.id, "--out", str(out), *options)
    assert done.status == 0, done.err
    facts = json.loads((out / "provenance.json").read_text())["effect_on_ot_distance"]
    assert (facts["before"]["images"], facts["after"]["images"]) == (24, 18)
    assert "OT distance" in done.out


@pytest.mark.parametrize(
    "options",
    [
        ["--plan-suggested", "--plan-count", "1"],
        ["--plan-share", "2"],
        ["--plan-class", "bag"],
        ["--plan-class", "hat=0"],
    ],
)
def test_a_plan_out_of_range_is_wrong_usage(
    tmp_path: Path, state: Path, assay: Assay, options: list[str]
) -> None:
    run = make_home_run(state, n=12, m=6)
    done = assay("export", "--run", run.id, "--out", str(tmp_path / "out"), *options)
    assert done.status == 2
    assert not (tmp_path / "out").exists()


def test_names_from_data_cannot_steer_the_terminal() -> None:
    hostile = "a\x1b[2Jb\nc"
    assert "\x1b" not in table(("id",), [(hostile,)])
    assert "\x1b" not in facts({"Source": hostile})
    assert len(table(("id",), [(hostile,)]).splitlines()) == 2


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_evaluate_measures_against_a_truth(tmp_path: Path, assay: Assay, suffix: str) -> None:
    run = make_run(tmp_path / "runs" / "one")
    faulty = run.values["id"].iloc[::10]
    truth = tmp_path / "truth.csv"
    truth.write_text("id,fault\n" + "".join(f"{i},wrong-label\n" for i in faulty))
    out = tmp_path / f"result.{suffix}"
    done = assay("evaluate", "--run", str(run.path), "--truth", str(truth), "--out", str(out))
    assert done.status == 0, done.err
    assert "wrong-label" in done.out
    assert "AUROC" in done.out
    assert "1.000" in done.out, "the invented faults are found without a miss"
    assert "auroc" in out.read_text()


def test_inspect_describes_and_checks(pair: list[str], assay: Assay) -> None:
    done = assay("inspect", pair[1], "--val", pair[3])
    assert done.status == 0, done.err
    assert "210" in done.out
    assert "90" in done.out
