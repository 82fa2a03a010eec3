from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.acquisition import Projection, example_projection, list_projections, read_projection
from core.cli import main
from core.cli.project import summary
from tests.core.acquisition.offers import NAMES, write_embeddings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A mixture.toml beside its data: three sources of 90 images."""
    sources = []
    for seed, name in enumerate(NAMES):
        write_embeddings(tmp_path / f"{name}.npz", 90, seed, name)
        sources.append(
            f'[[source]]\nname = "{name}"\npilot = "{name}.npz"\ncapacity = 900\nprice = 0.5\n'
        )
    write_embeddings(tmp_path / "validation.npz", 60, 10)
    write_embeddings(tmp_path / "test.npz", 120, 11)
    path = tmp_path / "mixture.toml"
    path.write_text(
        "\n".join(sources)
        + '[validation]\nsource = "validation.npz"\n[test]\nsource = "test.npz"\n'
        + "[training]\nscales = [20, 40, 80]\npoints = 4\nrepeats = 1\n"
        + "[projection]\nsizes = [100, 400, 5000]\n"
    )
    return path


def test_project_prints_what_the_data_support_and_writes_what_it_is_asked_for(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "assay-home"
    order, found, out = (tmp_path / name for name in ("order.csv", "found.json", "copy"))
    asked = ["project", "--config", str(config)]
    more = ["--budget", "150", "--order", str(order), "--json", str(found), "--out", str(out)]
    assert main([*asked, *more]) == 0
    printed = capsys.readouterr().out
    for name in NAMES:
        assert name in printed
    assert "12 models trained at 20, 40, 80 images" in printed
    assert "120 images" in printed
    assert "Saturating law" in printed
    assert "projektor/CS" in printed
    assert "90 % interval" in printed
    assert "The best mix asked for" in printed
    assert "What more would bring" in printed
    assert "OT distances were not solved" not in printed
    assert "each doubling brings" in printed or "grows about as log N" in printed
    # 5,000 images are more than the sources have.
    assert "5,000" not in printed
    table = pd.read_csv(order)
    chosen = json.loads(found.read_text())["chosen"]
    assert table["images"].sum() == chosen["n"]
    assert table["cost"].sum() == pytest.approx(chosen["cost"])
    assert table["cost"].sum() <= 150
    (projection,) = list_projections(home)
    assert read_projection(out).record == projection.record

    assert main([*asked, "--images", "100"]) == 0
    printed = capsys.readouterr().out
    assert "was projected from the same data before" in printed
    assert "The best mix asked for" in printed


def test_distances_that_were_not_solved_are_counted() -> None:
    example = example_projection()
    count = len(example.tangents.ratios)
    missed = Projection(example.path, replace(example.record, converged=1 - 3 / count))
    sentence = f"3 of the {count} OT distances were not solved to their tolerance"
    assert sentence in summary(missed)
    solved = Projection(example.path, replace(example.record, converged=1.0))
    assert "were not solved" not in summary(solved)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--order", "x.csv"], "--order needs --images or --budget"),
        (["--images", "0"], "--images must be 1 or more"),
        (["--budget", "nan"], "--budget must be above 0"),
    ],
)
def test_wrong_usage_is_said_before_any_work(
    config: Path, tmp_path: Path, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["project", "--config", str(config), *more]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "assay-home" / "embeddings").exists()


def test_a_wrong_key_is_named_with_file_and_table(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("repeats = 1", "repetitions = 1"))
    assert main(["project", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert str(config) in said
    assert "[training] has the unknown key repetitions" in said


def test_a_pilot_that_is_not_there_fails_with_its_source(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.npz").unlink()
    assert main(["project", "--config", str(config)]) == 1
    assert 'Source "wrong"' in capsys.readouterr().err


def test_a_folder_that_is_not_free_is_refused_before_any_work(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["project", "--config", str(config), "--out", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert not (tmp_path / "assay-home" / "projections").exists()
