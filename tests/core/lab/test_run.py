"""Whole experiments on small sets of embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corruption import Corrupted, PlantedFault, write_corrupted
from core.datasets import open_source, sample_truth_path
from core.errors import Cancelled, ConfigError, DataError
from core.lab import (
    ALL_FAULTS,
    Experiment,
    ExperimentSpec,
    bench_of,
    list_experiments,
    run_experiment,
)
from core.lab.planting import open_sets, plant
from core.runs import ValueSpec, find_run, value_at_home, value_pair
from core.valuation import Valuation
from tests.factories import write_set

METHODS = ("label-posterior", "knn-shapley", "random")


def asked(folder: Path, **changes: object) -> ExperimentSpec:
    """Return an experiment on clear classes; every tenth training label is wrong beforehand."""
    settings = {
        "train": write_set(folder / "train.npz", 240, 0),
        "validation": write_set(folder / "validation.npz", 90, 1),
        "faults": (PlantedFault("noisy-labels", 0.2),),
        "methods": METHODS,
        "seeds": (0, 1),
        **changes,
    }
    return ExperimentSpec(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExperimentSpec, Experiment]:
    folder = tmp_path_factory.mktemp("lab")
    spec = asked(folder)
    experiment, reused = run_experiment(spec, folder / "home")
    assert not reused
    return folder / "home", spec, experiment


def test_every_contender_is_measured_in_every_repetition(done) -> None:
    _, _, experiment = done
    rows = experiment.detection[experiment.detection["fault"] == ALL_FAULTS]
    assert sorted(zip(rows["method"], rows["seed"], strict=True)) == sorted(
        (method, seed) for method in METHODS for seed in (0, 1)
    )
    assert (rows["faults"] == 48).all()
    assert experiment.record.faults == {"wrong label": 48}


def test_methods_beat_a_random_order(done) -> None:
    _, _, experiment = done
    rows = experiment.detection[experiment.detection["fault"] == ALL_FAULTS]
    auroc = rows.groupby("method")["auroc"].mean()
    assert auroc["label-posterior"] > 0.85
    assert auroc["knn-shapley"] > 0.85
    assert 0.3 < auroc["random"] < 0.7


def test_the_values_are_those_of_the_images_that_the_run_shows(done) -> None:
    home, _, experiment = done
    run = find_run(home, experiment.record.run)
    values = experiment.values
    assert values["id"].tolist() == run.values["id"].tolist()
    assert values["row"].tolist() == list(range(len(run.values)))
    np.testing.assert_allclose(values["label-posterior"], run.values["value"], rtol=1e-6)
    truth = pd.read_csv(experiment.path / "data" / "truth.csv", dtype=str)
    assert set(values.loc[values["fault"] != "", "id"]) == set(truth["id"])


def test_the_original_is_untouched_and_the_copy_has_the_faults(done) -> None:
    _, spec, experiment = done
    before, after = open_source(spec.train), open_source(experiment.record.data.source)
    assert before.fingerprint == experiment.record.train.fingerprint
    assert after.fingerprint == experiment.record.data.fingerprint
    assert (before.labels != after.labels).sum() == 48


def test_removal_is_measured_for_every_order(done) -> None:
    _, _, experiment = done
    effects = experiment.effects
    assert set(effects["order"]) == {*METHODS, "random", "truth"}
    assert effects["accuracy"].between(0, 1).all()
    assert effects["attack_success"].isna().all()
    start = effects[effects["share"] == 0]
    # The same learner on the same images, whatever would go first.
    assert (start.groupby("seed")["accuracy"].nunique() == 1).all()
    assert (effects["removed"] == (effects["share"] * 240).round()).all()


def test_a_finished_experiment_can_be_taken_up_again(done) -> None:
    home, _, experiment = done
    bench = bench_of(experiment, home, "linear")
    measured = bench.measure(np.arange(240))
    effects = experiment.effects
    first = effects[(effects["seed"] == 0) & (effects["share"] == 0)]
    assert measured.accuracy == first["accuracy"].iloc[0]


def test_faults_are_planted_in_the_sample_without_those_that_it_brings() -> None:
    brought = set(pd.read_csv(sample_truth_path(), dtype=str)["id"])
    spec = ExperimentSpec(
        train="sample:train",
        validation="sample:val",
        faults=(PlantedFault("noisy-labels", 0.2),),
    )
    sets = open_sets(spec)
    assert len(sets.train) == len(open_source("sample:train")) - len(brought)
    assert not brought & set(sets.train.ids.tolist())
    known = replace(spec, faults=(), truth="sample")
    assert brought <= set(open_sets(known).train.ids.tolist())


def test_a_learner_of_pictures_is_refused_before_anything_is_valued(tmp_path: Path) -> None:
    spec = asked(tmp_path, learner="convnet")
    with pytest.raises(ConfigError, match="choose the linear head on the embedding"):
        open_sets(spec)
    assert open_sets(replace(spec, removal=False)).train is not None


def test_the_same_experiment_is_found_again(done) -> None:
    home, spec, experiment = done
    again, reused = run_experiment(spec, home)
    assert reused
    assert again.id == experiment.id


def test_it_is_listed_with_the_clean_set_and_with_the_corrupted_one(done) -> None:
    home, _, experiment = done
    record = experiment.record
    for fingerprint in (record.train.fingerprint, record.data.fingerprint):
        assert [one.id for one in list_experiments(home, fingerprint)] == [experiment.id]


def test_truth_that_is_brought_along_needs_no_copy(tmp_path: Path) -> None:
    spec = asked(tmp_path, faults=(), truth=str(tmp_path / "truth.csv"), seeds=(0,))
    ids = open_source(spec.train).ids[::10]
    pd.DataFrame({"id": ids, "fault": "wrong label"}).to_csv(tmp_path / "truth.csv", index=False)
    experiment, _ = run_experiment(spec, tmp_path / "home")
    assert experiment.record.data.source == spec.train
    assert not (experiment.path / "data").exists()
    assert experiment.record.faults == {"wrong label": 24}
    rows = experiment.detection
    assert rows.loc[rows["method"] == "label-posterior", "auroc"].min() > 0.95


def test_truth_about_other_images_is_refused(tmp_path: Path) -> None:
    spec = asked(tmp_path, faults=(), truth=str(tmp_path / "truth.csv"), seeds=(0,))
    pd.DataFrame({"id": ["somewhere/else.png"]}).to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(DataError, match="none of these images"):
        run_experiment(spec, tmp_path / "home")
    assert list_experiments(tmp_path / "home") == []


def test_a_part_of_the_set_has_the_classes_shares_whatever_the_order(tmp_path: Path) -> None:
    sets = open_sets(asked(tmp_path, images=60))
    assert len(sets.train) == 60
    np.testing.assert_allclose(sets.train.class_counts / 60, [1 / 3] * 3, atol=0.03)
    assert sets.train_fingerprint == open_source(sets.spec.train).fingerprint


def test_a_class_that_is_spread_over_the_others_leaves_the_validation_set(tmp_path: Path) -> None:
    spec = asked(
        tmp_path,
        faults=(PlantedFault("irrelevant", 0.1, {"removed": "boot"}),),
        methods=("random",),
        seeds=(3,),
    )
    experiment, _ = run_experiment(spec, tmp_path / "home")
    assert experiment.record.removed_classes == ("boot",)
    run = find_run(tmp_path / "home", experiment.record.run)
    assert "boot" not in run.record.class_names
    assert "boot" not in set(run.validation["class_name"])


def test_a_stopped_experiment_leaves_nothing_to_list_and_can_be_done_again(
    tmp_path: Path,
) -> None:
    spec = asked(tmp_path, methods=("random",), seeds=(0,), removal=False)
    home = tmp_path / "home"

    def stop(stage: str, done: float, detail: str = "") -> None:
        if stage == "Random order":
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run_experiment(spec, home, stop)
    assert list_experiments(home) == []
    assert list((home / "experiments").iterdir())
    experiment, reused = run_experiment(spec, home)
    assert not reused
    assert len(experiment.effects) == 0


def test_the_same_seed_plants_the_same_faults(tmp_path: Path) -> None:
    sets = open_sets(asked(tmp_path))
    first, again, other = (plant(sets, seed) for seed in (0, 0, 1))
    assert first.train.fingerprint == again.train.fingerprint != other.train.fingerprint


def test_a_method_that_cannot_value_the_images_takes_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: ValueSpec, *args: object, **settings: object) -> tuple[Valuation, ValueSpec]:
        if spec.method == "knn-shapley":
            raise DataError("these images cannot be valued")
        return value_pair(spec, *args, **settings)

    monkeypatch.setattr("core.lab.run.value_pair", refuse)
    spec = asked(tmp_path, methods=("knn-shapley", "random"), seeds=(0,))
    experiment, _ = run_experiment(spec, tmp_path / "home")
    assert experiment.record.skipped == {"knn-shapley": "these images cannot be valued"}
    assert experiment.record.methods == ("random",)
    assert set(experiment.detection["method"]) == {"random"}
    assert set(experiment.effects["order"]) == {"random", "truth"}
    assert find_run(tmp_path / "home", experiment.record.run).record.method == "random"


def test_the_run_that_is_shown_is_that_of_a_valuation_already_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def count(spec: ValueSpec, *args: object, **settings: object) -> tuple[Valuation, ValueSpec]:
        made.append((spec.method, spec.seed))
        return value_pair(spec, *args, **settings)

    monkeypatch.setattr("core.lab.run.value_pair", count)
    monkeypatch.setattr("core.runs.pipeline.value_pair", count)
    spec = asked(tmp_path, methods=("random", "lava"), seeds=(4,), removal=False)
    experiment, _ = run_experiment(spec, tmp_path / "home")
    assert made == [("random", 4), ("lava", 4)]
    # It is the run that anybody would get who valued these images so.
    of_its_data = replace(
        spec.value_spec("lava", 4),
        train=experiment.record.data.source,
        embedder=experiment.record.embedder,
    )
    run, reused = value_at_home(of_its_data, tmp_path / "home")
    assert reused
    assert run.id == experiment.record.run
    fresh, _ = value_at_home(of_its_data, tmp_path / "elsewhere")
    assert fresh.id == run.id
    pd.testing.assert_frame_equal(fresh.values, run.values)
    assert fresh.record.configuration == run.record.configuration
    assert fresh.record.train == run.record.train


def test_truth_that_names_all_images_is_refused(tmp_path: Path) -> None:
    spec = asked(tmp_path, faults=(), truth=str(tmp_path / "truth.csv"), seeds=(0,))
    pd.DataFrame({"id": open_source(spec.train).ids}).to_csv(tmp_path / "truth.csv", index=False)
    with pytest.raises(DataError, match="all of these images are faulty"):
        run_experiment(spec, tmp_path / "home")


def test_the_same_experiment_started_twice_writes_its_data_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = open_sets(asked(tmp_path))
    folder = tmp_path / "home" / "experiments" / sets.id

    def overtaken(corrupted: Corrupted, out: Path, **settings: object) -> Path:
        write_corrupted(corrupted, out)  # by the other one
        return write_corrupted(corrupted, out)

    monkeypatch.setattr("core.lab.planting.write_corrupted", overtaken)
    planted = plant(sets, 0, folder=folder)
    assert planted.train_source == str(folder / "data" / "train.npz")
    assert planted.train.fingerprint == plant(sets, 0).train.fingerprint


def test_noise_in_pictures_is_not_looked_for_in_embeddings_that_were_brought(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    for name, n in (("train", 40), ("validation", 20)):
        np.savez(
            tmp_path / f"{name}.npz",
            images=rng.integers(0, 256, (n, 8, 8), dtype=np.uint8),
            embeddings=rng.standard_normal((n, 4)),
            labels=np.arange(n) % 2,
        )
    spec = ExperimentSpec(
        train=str(tmp_path / "train.npz"),
        validation=str(tmp_path / "validation.npz"),
        faults=(PlantedFault("noisy-features", 0.2),),
    )
    assert open_sets(spec).spec.embedder == "convnet"
    wrong = (PlantedFault("noisy-labels", 0.2),)
    assert open_sets(replace(spec, faults=wrong)).spec.embedder == "precomputed"
    with pytest.raises(ConfigError, match="works from pictures"):
        open_sets(replace(spec, embedder="precomputed"))
