"""`corrupt` on the command line: what it writes, says and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.cli import main
from core.corruption import FAULTS
from core.datasets import open_source
from core.evaluation import read_truth
from tests.core.corruption.sets import NAMES, pictures


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A set of 100 small pictures in an .npz file."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return saved(tmp_path / "given.npz", 100, 0)


def saved(path: Path, n: int, seed: int) -> str:
    data = pictures(n, seed=seed)
    stacked = np.stack([np.asarray(data.images.decode(row)) for row in range(n)])
    np.savez(path, images=stacked, labels=data.labels, ids=data.ids, class_names=np.array(NAMES))
    return str(path)


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    assert main(["corrupt", *arguments]) == status
    return capsys.readouterr().err


def test_a_corrupted_set_opens_and_its_truth_can_be_read(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["--data", source, "--kind", "noisy-features", "--fraction", "0.2"]
    assert main(["corrupt", *arguments, "--option", "strength=0.3", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert str(out / "train.npz") in said.out
    assert "noisy-features  noise" in said.out
    assert len(open_source(str(out / "train.npz"))) == 100
    assert read_truth(out / "truth.csv")["fault"].tolist() == ["noise"] * 20
    about = json.loads((out / "corruption.json").read_text())
    assert about["faults"] == [
        {"name": "noisy-features", "fraction": 0.2, "options": {"strength": "0.3"}}
    ]


def test_several_faults_are_planted_in_one_go(source: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    faults = [
        "--kind",
        "noisy-labels",
        "--fault",
        "blend=0.1,target=dog",
        "--fault",
        "near-duplicates",
    ]
    assert main(["corrupt", "--data", source, *faults, "--seed", "3", "--out", str(out)]) == 0
    counts = pd.read_csv(out / "truth.csv")["planted"].value_counts().to_dict()
    assert counts == {"noisy-labels": 25, "blend": 10, "near-duplicates": 10}
    again = tmp_path / "again"
    assert main(["corrupt", "--data", source, *faults, "--seed", "3", "--out", str(again)]) == 0
    assert (again / "truth.csv").read_bytes() == (out / "truth.csv").read_bytes()


def test_a_validation_set_lacks_the_class_that_was_removed(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    validation = saved(tmp_path / "validation.npz", 50, 1)
    arguments = ["--data", source, "--val", validation, "--fault", "irrelevant=0.2,removed=deer"]
    assert main(["corrupt", *arguments, "--out", str(out)]) == 0
    beside = open_source(str(out / "validation.npz"))
    assert beside.class_names == open_source(str(out / "train.npz")).class_names
    assert "deer" not in beside.class_names
    assert len(beside) == 40
    assert "deer; value against a validation set without it" in capsys.readouterr().out


def test_poison_is_made_against_an_embedder_of_choice(source: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    validation = saved(tmp_path / "validation.npz", 50, 1)
    poison = "poison-frogs=0.05,base=frog,target=cat,steps=30"
    arguments = ["--data", source, "--val", validation, "--embedder", "pixels", "--fault", poison]
    assert main(["corrupt", *arguments, "--out", str(out), "--device", "cpu"]) == 0
    truth = pd.read_csv(out / "truth.csv")
    assert truth["fault"].tolist() == ["poison"] * 5
    assert (truth["distance_left"] < 1).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Give a fault with --fault or --kind: noisy-labels"),
        (["--fraction", "0.1"], "about --kind"),
        (["--kind", "blend", "--fraction", "0"], "more than 0, at most 1"),
        (["--kind", "blend", "--option", "alpha"], "takes NAME=VALUE"),
        (
            ["--kind", "blend", "--option", "beta=1"],
            "unknown option 'beta'; there are: target, alpha",
        ),
        (["--kind", "blend", "--option", "target=whale"], "There are: cat, deer, dog"),
        (["--fault", "blend=0.9"], "Take at most 0.8"),
        (["--fault", "no-such"], "There is no fault 'no-such'"),
        (["--kind", "poison-frogs"], "give the validation set with --val"),
        (["--kind", "blend", "--seed", "-1"], "0 or more"),
    ],
)
def test_wrong_usage_says_what_is_right(
    source: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    out = tmp_path / "out"
    assert says in refused(capsys, 2, "--data", source, "--out", str(out), *arguments)
    assert not out.exists()


def test_an_embedder_without_a_network_is_refused_before_any_work(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", source, "--val", source, "--kind", "poison-frogs", "--fraction", "0.05"]
    arguments += ["--embedder", "precomputed", "--out", str(tmp_path / "out")]
    assert "has no network" in refused(capsys, 2, *arguments)


def test_a_folder_with_something_in_it_is_left_alone(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", source, "--kind", "blend", "--out", str(tmp_path)]
    assert "there is something already" in refused(capsys, 1, *arguments)


def test_help_lists_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["corrupt", "--help"])
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in FAULTS)
