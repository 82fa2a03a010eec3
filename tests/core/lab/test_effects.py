"""Removal and attacks on pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corruption import PlantedFault
from core.datasets import align_classes, open_source
from core.embedding import embed_pair
from core.errors import DataError
from core.evaluation import learner_named
from core.lab import ExperimentSpec
from core.lab.effects import RANDOM, TRUTH, WORST_SHARES, effects_table, make_bench
from core.lab.folder import SUGGESTED
from core.lab.planting import Planted, fault_of, open_sets, plant
from tests.factories import CLASSES, make_images, write_set

SQUARE = PlantedFault("trojan-square", 0.25, {"target": CLASSES[0]})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    """Return a bench on clear pictures of which a quarter has a backdoor, and who is faulty."""
    folder = tmp_path_factory.mktemp("attack")
    for side, n, seed in (("train", 160, 0), ("validation", 80, 1)):
        make_images(folder / side, n, 4, seed)
    spec = ExperimentSpec(
        train=str(folder / "train"),
        validation=str(folder / "validation"),
        embedder="pixels",
        # What takes a class away is planted first, whatever the order here.
        faults=(SQUARE, PlantedFault("irrelevant", 0.05, {"removed": CLASSES[3]})),
        methods=("random",),
        seeds=(0,),
    )
    planted = plant(open_sets(spec), 0)
    pair = embed_pair(*align_classes(planted.train, planted.validation), "pixels", cache_dir=None)
    made = make_bench(learner_named("linear"), pair, planted, None, seed=0, device="cpu")
    return made, fault_of(pair.train, planted.truth) != ""


def test_the_trigger_is_tried_on_images_of_other_classes(bench) -> None:
    made, _ = bench
    (attack,) = made.attacks
    assert made.attacks[0].target == list(CLASSES[:3]).index(CLASSES[0])
    assert not (attack.labels == attack.target).any()
    assert attack.inputs.shape == (40, made.inputs.shape[1])


def test_a_backdoor_works_until_its_images_are_gone(bench) -> None:
    made, faulty = bench
    table = effects_table(made, {"blind": np.arange(len(faulty), dtype=float)}, faulty)
    table = table.set_index(["order", "end", "share"])["attack_success"]
    before, after = table[TRUTH, "worst", 0.0], table[TRUTH, "worst", float(faulty.mean())]
    # In pictures of 12 pixels the square alone leads a few of them astray.
    assert before > 0.9
    assert after < before / 2


def test_every_order_starts_from_all_images_and_random_has_all_shares(bench) -> None:
    made, faulty = bench
    table = effects_table(made, {"own": -faulty.astype(float)}, faulty)
    assert table[table["share"] == 0.0].groupby("order").size().eq(1).all()
    assert sorted(table.loc[table["order"] == RANDOM, "share"]) == list(WORST_SHARES)
    assert table["accuracy"].between(0, 1).all()


def test_all_that_is_suggested_is_removed_in_one_go(bench) -> None:
    made, faulty = bench
    values = {"own": -faulty.astype(float)}
    table = effects_table(made, values, faulty, suggested={"own": faulty})
    row = table[table["end"] == SUGGESTED].iloc[0]
    best = table[table["order"] == TRUTH].set_index("share").loc[float(faulty.mean())]
    assert row["removed"] == faulty.sum()
    assert row["share"] == faulty.mean()
    assert row[["accuracy", "attack_success"]].equals(best[["accuracy", "attack_success"]])


def test_where_everything_is_suggested_nothing_is_tried(bench) -> None:
    made, faulty = bench
    values = {"own": -faulty.astype(float)}
    table = effects_table(made, values, faulty, suggested={"own": np.ones(len(faulty), bool)})
    assert not (table["end"] == SUGGESTED).any()


def test_a_test_set_takes_the_place_of_the_validation_images(tmp_path: Path, bench) -> None:
    from core.datasets import open_source

    make_images(tmp_path / "test", 30, 3, 5)
    make_images(tmp_path / "train", 30, 3, 6)
    make_images(tmp_path / "validation", 30, 3, 7)
    train, validation, test = (
        open_source(str(tmp_path / name)) for name in ("train", "validation", "test")
    )
    spec = ExperimentSpec(
        train=str(tmp_path / "train"),
        validation=str(tmp_path / "validation"),
        faults=(PlantedFault("noisy-labels", 0.2),),
        methods=("random",),
    )
    planted = plant(open_sets(spec), 0)
    pair = embed_pair(*align_classes(train, validation), "pixels", cache_dir=None)
    made = make_bench(learner_named("linear"), pair, planted, test, seed=0, device="cpu")
    assert made.test_inputs.shape == (30, pair.y.shape[1])
    np.testing.assert_array_equal(made.test_labels, test.labels)
    assert not np.array_equal(made.test_inputs, pair.y)


def test_a_test_set_of_other_classes_is_refused(tmp_path: Path) -> None:
    for name, n, classes in (
        ("train", 60, CLASSES[:2]),
        ("validation", 30, CLASSES[:2]),
        ("test", 20, CLASSES[2:4]),
    ):
        write_set(tmp_path / f"{name}.npz", n, 0, names=classes)
    train, validation, test = (
        open_source(str(tmp_path / f"{name}.npz")) for name in ("train", "validation", "test")
    )
    pair = embed_pair(train, validation, "precomputed", cache_dir=None)
    planted = Planted(
        train=train,
        validation=validation,
        train_source=train.source,
        validation_source=validation.source,
        truth=pd.DataFrame(),
    )
    with pytest.raises(DataError, match="no image of this test set"):
        make_bench(learner_named("linear"), pair, planted, test, seed=0, device="cpu")


def test_no_attack_is_tried_where_every_image_is_of_its_target(tmp_path: Path) -> None:
    make_images(tmp_path / "train", 40, 4, 0)
    make_images(tmp_path / "validation", 40, 4, 1)
    shutil.copytree(tmp_path / "validation" / CLASSES[0], tmp_path / "test" / CLASSES[0])
    spec = ExperimentSpec(
        train=str(tmp_path / "train"),
        validation=str(tmp_path / "validation"),
        embedder="pixels",
        faults=(SQUARE,),
        methods=("random",),
        seeds=(0,),
    )
    planted = plant(open_sets(spec), 0)
    pair = embed_pair(*align_classes(planted.train, planted.validation), "pixels", cache_dir=None)
    test = open_source(str(tmp_path / "test"))
    made = make_bench(learner_named("linear"), pair, planted, test, seed=0, device="cpu")
    assert len(made.test_labels) == 10
    assert made.attacks == []
