from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import RunError
from core.lab import ALL_FAULTS, Experiment, list_experiments, open_experiment
from core.runs import list_runs
from tests.experiments import KINDS, METHODS, make_experiment
from tests.factories import make_home_run


def made(home: Path, name: int = 0, *, data: int = 0, **settings: object) -> Experiment:
    """Write an experiment of its own id about the images of the run number `data`."""
    known = [run for run in list_runs(home) if run.record.seed == data]
    run = known[0] if known else make_home_run(home, n=60, pictures=False, seed=data)
    return make_experiment(home, run, experiment_id=f"{name:016x}", **settings)  # type: ignore[arg-type]


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    written = made(tmp_path)
    found = open_experiment(tmp_path, written.id)
    assert found.record == written.record
    assert set(found.detection["fault"]) == {ALL_FAULTS, *KINDS}
    assert len(found.detection) == len(METHODS) * 3 * 3
    assert found.record.titles["label-posterior"] == "Label posterior"


def test_curves_and_detection_tell_the_same(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    curves, table = experiment.curves, experiment.detection
    for row in table.to_dict("records"):
        curve = curves.of(row["method"], row["fault"])[curves.seeds.index(row["seed"])]
        assert curve[0] == 0.0
        np.testing.assert_allclose(curve[-1], 1.0)
        # The curve is sampled, the table rounds to whole images.
        np.testing.assert_allclose(curve[100], row["recall_at_0.1"], atol=0.1)
        assert (curve <= curves.optimal[curves.kinds.index(row["fault"])] + 1e-9).all()


def test_the_band_is_mean_and_deviation_over_seeds(tmp_path: Path) -> None:
    curves = made(tmp_path).curves
    mean, deviation = curves.band("lava")
    np.testing.assert_allclose(mean, curves.of("lava").mean(axis=0))
    np.testing.assert_allclose(deviation, curves.of("lava").std(axis=0, ddof=1))
    single = made(tmp_path, 1, seeds=(0,)).curves
    np.testing.assert_array_equal(single.band("lava")[1], 0)


def test_a_ranking_starts_with_the_worst(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    ranked = experiment.ranked("lava")
    assert ranked["lava"].is_monotonic_increasing
    assert (ranked["fault"].head(3) != "").all()


def test_experiments_are_listed_by_the_data_set_newest_first(tmp_path: Path) -> None:
    old = made(tmp_path, 1, created="2026-01-01T00:00:00+00:00")
    new = made(tmp_path, 2)
    other = made(tmp_path, 3, data=5)
    listed = list_experiments(tmp_path, old.record.train.fingerprint)
    assert [one.id for one in listed] == [new.id, old.id]
    assert {one.id for one in list_experiments(tmp_path)} == {old.id, new.id, other.id}
    assert list_experiments(tmp_path / "nothing here") == []


def test_one_that_was_stopped_is_not_listed(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    (experiment.path / "experiment.json").unlink()
    assert list_experiments(tmp_path) == []
    with pytest.raises(RunError, match="no experiment"):
        open_experiment(tmp_path, experiment.id)


@pytest.mark.parametrize("name", ["../../etc", "ABC", ""])
def test_an_id_that_is_none_opens_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="16 hexadecimal"):
        open_experiment(tmp_path, name)


def test_a_later_version_is_refused_in_words(tmp_path: Path) -> None:
    path = made(tmp_path).path / "experiment.json"
    text = path.read_text().replace('"schema_version": 1', '"schema_version": 9')
    path.write_text(text)
    with pytest.raises(RunError, match="schema version"):
        open_experiment(tmp_path, path.parent.name)
