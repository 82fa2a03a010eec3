"""`review` and `scores` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.cli import main
from core.curation import NewStroke, RunDecisions, open_store, score_columns
from core.runs import Run, home
from tests.factories import make_home_run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return make_home_run(home(), n=60)


def test_review_prints_what_the_decisions_say(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    worst = np.argsort(run.values["value"].to_numpy(), kind="stable")
    stroke = NewStroke(event_id="a", rows=worst[:3], verdict="remove", reviewer="ada")
    RunDecisions(open_store(home()), run).record([stroke])
    assert main(["review", "--run", run.id]) == 0
    assert "3 of 60 images: 3 faulty, 0 sound, 0 unsure" in capsys.readouterr().out
    assert main(["review", "--run", run.id, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["confirmed"], found["stop"]["state"]) == (3, "early")


def test_scores_are_imported_and_listed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame({"id": [*run.values["id"][:5], "gone"], "quality": range(6)})
    table.to_csv(tmp_path / "tool.csv", index=False)
    command = ["scores", "--run", run.id]
    assert main([*command, "--file", str(tmp_path / "tool.csv"), "--better", "lower"]) == 0
    printed = capsys.readouterr().out
    assert "5 of 60" in printed
    assert "1: gone" in printed
    assert [column.title for column in score_columns(home(), run)] == ["quality"]
    assert main(command) == 0
    assert "quality  tool.csv" in capsys.readouterr().out


def test_one_of_several_columns_must_be_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"id": run.values["id"], "a": 1.0, "b": 2.0}).to_parquet(tmp_path / "t.parquet")
    command = ["scores", "--run", run.id, "--file", str(tmp_path / "t.parquet")]
    assert main(command) == 2
    assert "choose one with --column: a, b" in capsys.readouterr().err
    assert main([*command, "--column", "b"]) == 0


@pytest.mark.parametrize("worth", ["0", "1", "nan", "x"])
def test_worth_is_a_share(run: Run, worth: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["review", "--run", run.id, "--worth", worth])
    assert ended.value.code == 2
