"""The map of a run: made once, kept by what it depends on, never half written."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from core.embedding import Layout, LayoutConfig
from core.errors import ConfigError, RunError
from core.runs import MapSpec, Run, find_map, job_status, map_at_home, map_key, open_run, start_job
from tests.factories import make_home_run, make_run

CONFIG = LayoutConfig()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_home_run(tmp_path, pictures=False)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random positions: what is kept, and when, does not hang on UMAP, which takes long to load."""

    def lay_out(x: np.ndarray, y: np.ndarray, *_: object) -> Layout:
        rng = np.random.default_rng()
        train, validation = (rng.random((len(part), 2), np.float32) for part in (x, y))
        return Layout(train, validation, len(x) + len(y))

    monkeypatch.setattr("core.runs.maps.lay_out", lay_out)


@pytest.mark.usefixtures("quick")
def test_a_map_is_made_once_and_found_again(tmp_path: Path, run: Run) -> None:
    assert find_map(run, tmp_path, CONFIG) is None
    made, known = map_at_home(run, tmp_path, CONFIG)
    again, known_again = map_at_home(run, tmp_path, CONFIG)
    assert (known, known_again) == (False, True)
    np.testing.assert_array_equal(made.train, again.train)
    assert made.train.shape == (len(run.values), 2)
    assert made.validation.shape == (len(run.validation), 2)
    assert [path.name for path in (tmp_path / "maps").iterdir()] == [
        f"{map_key(run, CONFIG)}.npz"
    ], "nothing half written is left"


def test_runs_of_the_same_embeddings_share_a_map_and_others_do_not(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", pictures=False, run_id="1" * 16)
    two = make_run(tmp_path / "two", pictures=False, run_id="2" * 16)
    other = make_run(tmp_path / "other", pictures=False, seed=5)
    assert map_key(one, CONFIG) == map_key(two, CONFIG)
    assert map_key(one, CONFIG) != map_key(other, CONFIG)
    assert map_key(one, CONFIG) != map_key(one, LayoutConfig(neighbours=30))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a map", None])
def test_a_damaged_map_is_made_again(tmp_path: Path, run: Run, damage: bytes | None) -> None:
    path = tmp_path / "maps" / f"{map_key(run, CONFIG)}.npz"
    path.parent.mkdir()
    if damage is None:  # whole, but of other images
        np.savez(path, train=np.zeros((3, 2)), validation=np.zeros((1, 2)), fitted=4)
    else:
        path.write_bytes(damage)
    assert find_map(run, tmp_path, CONFIG) is None
    made, known = map_at_home(run, tmp_path, CONFIG)
    assert not known
    assert made.train.shape == (len(run.values), 2)


@pytest.mark.usefixtures("quick")
def test_a_map_that_cannot_be_written_says_so(tmp_path: Path, run: Run) -> None:
    (tmp_path / "maps").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be written"):
        map_at_home(run, tmp_path, CONFIG)


@pytest.mark.slow
def test_a_job_makes_the_map(tmp_path: Path, run: Run) -> None:
    job = start_job(MapSpec(run=run.id), tmp_path)
    until = time.monotonic() + 120
    while not (status := job_status(tmp_path, job)).ended:
        assert time.monotonic() < until, status
        time.sleep(0.05)
    assert status.state == "done", status.error
    assert status.run_id is None
    assert status.result == {"map": map_key(run, CONFIG)}
    assert find_map(open_run(run.path), tmp_path, CONFIG) is not None


def test_settings_are_checked_when_a_map_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="Neighbours"):
        MapSpec(run="a" * 16, neighbours=1)
