from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import ConfigError
from core.evaluation import Effect
from core.lab.studies import (
    Study,
    detection_by_embedder,
    detection_by_label_distances,
    detection_by_setting,
    detection_by_validation_size,
    distance_against_accuracy,
    duplication,
    reduction,
    unbalanced_rows,
)

# Close enough for what is claimed here, and quick.
QUICK = {"relative_epsilon": 0.1, "tolerance": 0.01}


def study(share: float = 0.2, *, n: int = 90, m: int = 60, spread: float = 0.6) -> Study:
    """Return three clear classes, of which a share of the training labels is wrong."""
    rng = np.random.default_rng(0)
    centers = 3 * np.eye(3, 5)
    truth, y_labels = np.arange(n) % 3, np.arange(m) % 3
    faulty = rng.permutation(n) < share * n
    x = centers[truth] + spread * rng.standard_normal((n, 5))
    y = centers[y_labels] + spread * rng.standard_normal((m, 5))
    return Study(
        x=x.astype(np.float32),
        labels=np.where(faulty, (truth + 1) % 3, truth),
        y=y.astype(np.float32),
        y_labels=y_labels,
        n_classes=3,
        faulty=faulty,
    )


def test_a_huge_feature_weight_makes_lava_blind_to_labels() -> None:
    """LAVA, figure 9 (a): with a weight of 100 it finds wrong labels like a random order."""
    table = detection_by_setting(
        study(), "lava", [{**QUICK, "feature_weight": weight} for weight in (1.0, 100.0)]
    )
    assert table["feature_weight"].tolist() == [1.0, 100.0]
    assert table["auroc"][0] > 0.95
    assert table["auroc"][1] < table["auroc"][0]


def test_smaller_validation_sets_are_parts_of_larger_ones_with_all_classes() -> None:
    table = detection_by_validation_size(study(), "knn-shapley", [3, 60])
    assert table["validation_images"].tolist() == [3, 60]
    assert (table["auroc"] > 0.9).all()
    with pytest.raises(ConfigError, match="60 validation images"):
        detection_by_validation_size(study(), "knn-shapley", [61])


def test_embedders_are_compared_on_the_same_faults() -> None:
    clear, blurred = study(spread=0.3), study(spread=3.0)
    table = detection_by_embedder({"clear": clear, "blurred": blurred}, "knn-shapley")
    auroc = table.set_index("embedder")["auroc"]
    assert auroc["clear"] > auroc["blurred"]


def test_distance_grows_with_wrong_labels() -> None:
    shares = (0.0, 0.3, 0.6)
    table = distance_against_accuracy(
        [(share, study(share)) for share in shares],
        lambda one: 1.0 - one.faulty.mean(),
        settings=QUICK,
    )
    assert table["distance"].is_monotonic_increasing
    np.testing.assert_allclose(table["accuracy"], [1.0, 0.7, 0.4], atol=0.01)


def test_reduction_keeps_the_best_and_is_held_against_as_many_at_random() -> None:
    value = np.arange(20.0)
    table = reduction({"own": value}, lambda rows: Effect(float(rows.mean())), [0.5, 1.0])
    own = table[table["order"] == "own"].set_index("kept")
    chance = table[table["order"] == "random"].set_index("kept")
    assert own.loc[0.5, "accuracy"] == np.arange(10, 20).mean()
    assert own.loc[0.5, "images"] == 10
    assert own.loc[0.5, "gain"] == own.loc[0.5, "accuracy"] - chance.loc[0.5, "accuracy"]
    assert own.loc[1.0, "gain"] == 0
    assert (chance["gain"] == 0).all()


def test_the_distance_knows_no_copies_of_the_whole_set_but_of_a_single_image() -> None:
    """LAVA, table 3: a distribution is the same however often all of it is written down."""
    table = duplication(study(0.0), [1, 3], noise=0.001, settings=QUICK).set_index(
        ["what", "times"]
    )["distance"]
    np.testing.assert_allclose(table["whole set", 3], table["whole set", 1], rtol=1e-2)
    np.testing.assert_allclose(table["whole set with noise", 3], table["whole set", 1], rtol=2e-2)
    more = duplication(study(0.0), [1], single=[50], settings=QUICK).set_index("what")["distance"]
    assert more["one image"] > 1.2 * more["whole set"]


def test_an_unbalanced_set_has_one_class_that_many_times() -> None:
    labels = np.arange(90) % 3
    rows = unbalanced_rows(labels, 1, 2.0, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [15, 30, 15]
    assert (np.diff(rows) > 0).all()
    with pytest.raises(ConfigError, match="factor"):
        unbalanced_rows(labels, 1, 0.5, np.random.default_rng(0))


def test_detection_needs_truth() -> None:
    with pytest.raises(ConfigError, match="faulty"):
        detection_by_setting(replace(study(), faulty=None), "random", [{}])


def test_label_distances_of_the_whole_sets_give_savas_own_values() -> None:
    """The loop that makes label distances anew for each pair is SAVA's but for those."""
    data = study(n=300, m=120)
    settings = {"batch_size": 60, "tolerance": 1e-4}
    own = detection_by_setting(data, "sava", [settings])
    table = detection_by_label_distances(data, batch_size=60).set_index("label_distances")
    # Each pair is solved to 1e-4 either way, in calls of other sizes.
    np.testing.assert_allclose(table["auroc"]["whole sets"], own["auroc"][0], atol=2e-3)
    assert table["problems"].to_dict() == {"whole sets": 9, "first pair": 9, "each pair": 90}
    assert table["auroc"].min() > 0.6


def test_a_class_that_the_first_pair_lacks_is_refused() -> None:
    data = study(n=90, m=60)
    with pytest.raises(ConfigError, match="larger batches"):
        detection_by_label_distances(data, ["first pair"], batch_size=2)
