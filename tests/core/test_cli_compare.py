from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from tests.factories import write_set


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments that name two sets; Assay's home is a new one."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    train = write_set(tmp_path / "train.npz", 120, 0)
    return ["--train", train, "--val", write_set(tmp_path / "validation.npz", 60, 1)]


def test_compare_answers_and_shows_every_method(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    wanted = [
        *("compare", *sets, "--fault", "noisy-labels=0.2"),
        *("--methods", "knn-shapley,random", "--seeds", "0", "--out", str(out)),
    ]
    assert main(wanted) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Use KNN-Shapley")
    assert "Random order" in printed
    assert "24 wrong label" in printed
    assert "10 % by KNN-Shapley" in printed
    assert "that a plan by KNN-Shapley proposes to remove: accuracy" in printed
    written = json.loads(out.read_text())
    assert len(written["detection"]) == 2 * 2
    assert main(wanted) == 0
    assert "compared on the same data before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--fault", "gremlins=0.1"], "no fault 'gremlins'"),
        (["--fault", "noisy-labels=0.1", "--methods", "magic"], "no method 'magic'"),
        (["--fault", "noisy-labels=0.1", "--seeds", "a"], "--seeds takes numbers"),
        (["--fault", "noisy-labels=0.1", "--out", "x.txt"], "must end in"),
    ],
)
def test_wrong_usage_is_said_in_a_line(
    sets: list[str], more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *sets, *more]) == 2
    assert words in capsys.readouterr().err
