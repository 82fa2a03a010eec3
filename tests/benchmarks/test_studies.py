from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.studies import Measured, first_paragraph, markdown
from benchmarks.study_accuracy import TIMES, judge_copies, judge_rebalancing
from benchmarks.study_cases import CASES
from benchmarks.study_detection import judge_batches, judge_distance, judge_validation_size
from benchmarks.study_sets import judged, mislabelled, noisy
from core.lab.studies import Study


def study(n: int = 200) -> Study:
    rng = np.random.default_rng(0)
    return Study(
        x=rng.standard_normal((n, 4)).astype(np.float32),
        labels=np.arange(n) % 3,
        y=rng.standard_normal((30, 4)).astype(np.float32),
        y_labels=np.arange(30) % 3,
        n_classes=3,
    )


def series(accuracies: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fault": "wrong labels",
            "seed": 0,
            "corrupted": [0.0, 0.1, 0.2],
            "distance": [1.0, 1.5, 2.0],
            "accuracy": accuracies,
        }
    )


def test_a_claim_of_which_one_part_fails_agrees_in_part() -> None:
    assert judged("", True, True).agrees == "agrees"
    assert judged("", True, False).agrees == "in part"
    assert judged("", False).agrees == "disagrees"


def test_wrong_labels_are_never_the_true_ones_and_grow_by_inclusion() -> None:
    clean = study()
    few, many = (mislabelled(clean, share, 1) for share in (0.1, 0.4))
    assert few.faulty.sum() == 20
    assert (few.labels != clean.labels).tolist() == few.faulty.tolist()
    assert many.faulty[few.faulty].all()
    assert (many.labels[few.faulty] == few.labels[few.faulty]).all()


def test_noise_is_in_the_faulty_embeddings_alone() -> None:
    clean = study()
    found = noisy(clean, 0.25, 1)
    assert (found.x != clean.x).any(axis=1).tolist() == found.faulty.tolist()
    assert found.x.dtype == clean.x.dtype


@pytest.mark.parametrize(
    ("accuracies", "expected"), [([0.8, 0.7, 0.6], "agrees"), ([0.8, 0.8001, 0.9], "disagrees")]
)
def test_the_distance_stands_for_accuracy_where_one_rises_and_the_other_falls(
    accuracies: list[float], expected: str
) -> None:
    verdict = judge_distance(series(accuracies))
    assert verdict.agrees == expected
    assert "grows by 100%" in verdict.said


def test_a_method_ahead_of_lava_is_named() -> None:
    rows = [
        {
            "method": "lava",
            "validation_images": size,
            "recall_at_0.5": 0.9,
            "average_precision": 0.8,
        }
        for size in (200, 500, 2000, 5000, 10_000)
    ]
    rival = {**rows[1], "method": "prototypes", "average_precision": 0.85}
    verdict = judge_validation_size(pd.DataFrame([*rows, rival]))
    assert verdict.agrees == "in part"
    assert "behind" in verdict.said and "0.850" in verdict.said


def test_every_difference_between_batches_counts() -> None:
    rows = [
        {"fault": fault, "batch_size": 64, "batches": kind, "auroc": 0.9}
        for fault in ("wrong labels", "noisy features")
        for kind in ("random", "stratified")
    ]
    assert judge_batches(pd.DataFrame(rows)).agrees == "agrees"
    rows[3]["auroc"] = 0.95
    assert judge_batches(pd.DataFrame(rows)).agrees == "in part"


def test_a_gain_within_the_spread_over_seeds_is_none() -> None:
    rows = [
        {"order": order, "kept": kept, "seed": seed, "accuracy": accuracy + 0.02 * seed}
        for order, kept, accuracy in (
            ("lava", 1.0, 0.8),
            ("lava", 0.9, 0.81),
            ("lava", 0.5, 0.7),
            ("knn-shapley", 0.9, 0.8),
            ("random", 0.9, 0.8),
            ("random", 0.5, 0.75),
        )
        for seed in (0, 1)
    ]
    # A deviation of 0.014 over two seeds: 0.01 more is nothing, 0.02 is something.
    assert judge_rebalancing(pd.DataFrame(rows)).agrees == "in part"
    better = [{**row, "accuracy": row["accuracy"] + 0.01 * (row["kept"] == 0.9)} for row in rows]
    assert judge_rebalancing(pd.DataFrame(better)).agrees == "agrees"


def test_copies_of_all_must_change_nothing_and_those_of_one_something() -> None:
    rows = [
        {"what": what, "times": count, "change": slope * count}
        for what, slope in (("whole set", 0.0), ("whole set with noise", 1e-3), ("one image", 1e-2))
        for count in TIMES
    ]
    table = pd.DataFrame(rows)
    assert judge_copies(table).agrees == "agrees"
    assert judge_copies(table.assign(change=table["change"] * 20)).agrees == "in part"
    table.loc[table["times"] == TIMES[0], "change"] *= -1
    assert judge_copies(table).agrees == "in part"


def test_the_page_says_mean_and_deviation_and_counts_verdicts() -> None:
    table = series([0.8, 0.7, 0.6])
    both = pd.concat([table, table.assign(seed=1, accuracy=table["accuracy"] + 0.02)])
    text = markdown(both, ("fault", "corrupted"), ("distance", "accuracy"))
    assert "| wrong labels | 0.1 | 1.500 | 0.710 ± 0.014 |" in text.splitlines()
    case = next(case for case in CASES if case.name == "distance")
    said = first_paragraph([Measured(case, both), Measured(replace(case, title="Other"), table)])
    assert "2 agree with the paper" in said
    assert "do not" not in said
