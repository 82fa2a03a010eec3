from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DataError
from core.evaluation import detection_curve, evaluate


def test_a_perfect_ranking_lies_on_the_optimal_line() -> None:
    curve = detection_curve(np.arange(10.0), np.arange(10) < 3)
    np.testing.assert_array_equal(curve.found, curve.optimal)
    assert (curve.auroc, curve.average_precision, curve.recall_at(0.3)) == (1.0, 1.0, 1.0)


def test_an_inverted_ranking_finds_everything_last() -> None:
    curve = detection_curve(-np.arange(10.0), np.arange(10) < 3)
    np.testing.assert_array_equal(curve.found, [0] * 8 + [1, 2, 3])
    assert curve.auroc == 0.0


def test_found_counts_faults_among_the_lowest_values() -> None:
    rng = np.random.default_rng(0)
    value, faulty = rng.standard_normal(200), rng.random(200) < 0.2
    curve = detection_curve(value, faulty)
    order = np.argsort(value)
    for count in (0, 1, 17, 100, 200):
        assert curve.found[count] == faulty[order[:count]].sum()
    np.testing.assert_allclose(curve.recall_at(0.1), faulty[order[:20]].sum() / faulty.sum())
    np.testing.assert_allclose(curve.precision_at(0.1), faulty[order[:20]].mean())


@given(st.permutations(list(range(12))))
def test_ties_are_shared_evenly_in_any_order(order: list[int]) -> None:
    """A ranking whose values are all equal is random, whatever the order of the input."""
    faulty = np.arange(12) < 4
    curve = detection_curve(np.zeros(12), faulty[order])
    np.testing.assert_allclose(curve.found, curve.random)
    assert curve.auroc == 0.5


@pytest.mark.parametrize(("faulty", "word"), [(np.zeros(3), "None"), (np.ones(3), "All")])
def test_without_both_kinds_there_is_nothing_to_detect(faulty: np.ndarray, word: str) -> None:
    with pytest.raises(DataError, match=word):
        detection_curve(np.arange(3.0), faulty)


def values(n: int = 10) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"i{k}" for k in range(n)], "value": np.arange(float(n))})


def test_kinds_are_held_against_sound_images_only() -> None:
    truth = pd.DataFrame({"id": ["i0", "i1", "i5"], "fault": ["noise", "noise", "label"]})
    result = evaluate(values(), truth)
    assert result.by_fault["noise"].images == 9
    assert result.by_fault["noise"].auroc == 1.0
    assert result.by_fault["label"].images == 8
    np.testing.assert_allclose(result.by_fault["label"].auroc, 4 / 7)
    table = result.table(share=0.2)
    assert table["fault"].tolist() == ["all faults", "noise", "label"]
    np.testing.assert_allclose(table["recall"], [2 / 3, 1.0, 0.0])


def test_ids_that_the_run_lacks_are_reported() -> None:
    truth = pd.DataFrame({"id": ["i0", "gone"], "fault": ["noise", "noise"]})
    assert evaluate(values(), truth).unmatched == ("gone",)


def test_a_truth_about_other_images_is_an_error() -> None:
    truth = pd.DataFrame({"id": ["gone"], "fault": ["noise"]})
    with pytest.raises(DataError, match="'gone' is not among"):
        evaluate(values(), truth)
