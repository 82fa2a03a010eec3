"""`python -m core map`: the map ahead of time, and its positions as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.cli import main
from core.embedding import Layout, LayoutConfig
from core.runs import Run, find_map, home
from tests.factories import make_home_run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A run in a home of its own; its map is made without UMAP, which takes long to load."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))

    def lay_out(x: np.ndarray, y: np.ndarray, config: LayoutConfig, _: object) -> Layout:
        rng = np.random.default_rng(config.seed)
        train, validation = (rng.random((len(part), 2), np.float32) for part in (x, y))
        return Layout(train, validation, len(x) + len(y))

    monkeypatch.setattr("core.runs.maps.lay_out", lay_out)
    return make_home_run(home(), pictures=False)


def test_the_map_that_the_dashboard_shows_is_drawn_ahead(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", "--run", run.id]) == 0
    assert "drawn now" in capsys.readouterr().out
    assert find_map(run, home(), LayoutConfig()) is not None
    assert main(["map", "--run", str(run.path)]) == 0
    assert "drawn before" in capsys.readouterr().out


def test_positions_are_written_with_the_ids_of_both_sets(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "map.parquet"
    assert main(["map", "--run", run.id, "--seed", "4", "--out", str(out)]) == 0
    table = pd.read_parquet(out)
    assert table["id"].tolist() == run.values["id"].tolist() + run.validation["id"].tolist()
    assert table["set"].value_counts().to_dict() == {"train": 60, "validation": 30}
    layout = find_map(run, home(), LayoutConfig(seed=4))
    assert layout is not None
    np.testing.assert_array_equal(table[["x", "y"]].to_numpy()[:60], layout.train)


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (["--out", "map.txt"], 2, ".parquet"),
        (["--neighbours", "1"], 2, "Neighbours must be 2 to 200"),
        (["--min-dist", "nan"], 2, "Min dist must be 0 to 1"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    run: Run, capsys: pytest.CaptureFixture[str], given: list[str], status: int, said: str
) -> None:
    assert main(["map", "--run", run.id, *given]) == status
    assert said in capsys.readouterr().err


def test_a_file_that_is_there_is_never_overwritten(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "map.parquet"
    out.write_text("mine")
    assert main(["map", "--run", run.id, "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "mine"
