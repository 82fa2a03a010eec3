from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.errors import DataError
from core.evaluation import ALL_FAULTS, recommend, summarize


def detection(scores: dict[str, list[float]], *, seconds: dict[str, float] | None = None, **kinds):
    """Return a table of methods by their average precisions, one for each seed."""
    rows = [
        {
            "method": method,
            "seed": seed,
            "fault": fault,
            "faults": 100,
            "images": 1000,
            "auroc": 0.5 + score / 2,
            "average_precision": score,
            "recall_at_0.1": score,
            "seconds": (seconds or {}).get(method, 1.0),
        }
        for fault, table in {ALL_FAULTS: scores, **kinds}.items()
        for method, each in table.items()
        for seed, score in enumerate(each)
    ]
    return pd.DataFrame(rows)


def test_means_and_spreads_are_over_seeds_and_the_best_comes_first() -> None:
    table = summarize(detection({"a": [0.5, 0.7], "b": [0.8, 0.9]}))
    assert table["method"].tolist() == ["b", "a"]
    np.testing.assert_allclose(table["average_precision"], [0.85, 0.6])
    np.testing.assert_allclose(
        table["average_precision_spread"], [np.std([0.8, 0.9], ddof=1), np.std([0.5, 0.7], ddof=1)]
    )
    assert table["repetitions"].tolist() == [2, 2]


def test_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="all faults"):
        summarize(detection({"a": [0.5]}), "noise")


def test_methods_that_rise_and_fall_together_are_told_apart() -> None:
    """Seeds differ by far more than the methods do, but in the same way: pairing shows it."""
    a = [0.50, 0.70, 0.60]
    answer = recommend(detection({"a": a, "b": [x - 0.03 for x in a]}))
    assert answer.method == "a"
    assert answer.evidence["as_good"].tolist() == [True, False]
    np.testing.assert_allclose(answer.evidence["behind"], [0, 0.03], atol=1e-12)
    np.testing.assert_allclose(answer.evidence["error"].iloc[1], 0, atol=1e-12)


def test_methods_that_take_turns_are_not_told_apart() -> None:
    answer = recommend(detection({"a": [0.5, 0.7, 0.6], "b": [0.6, 0.6, 0.58]}))
    assert answer.evidence["as_good"].all()
    assert any("cannot be told apart" in note for note in answer.notes)


def test_with_one_seed_small_differences_are_left_undecided() -> None:
    answer = recommend(detection({"a": [0.80], "b": [0.79], "c": [0.70]}))
    assert answer.evidence["as_good"].tolist() == [True, True, False]
    assert "±" not in answer.sentence


def test_a_method_as_good_in_a_fraction_of_the_time_is_named() -> None:
    table = detection({"slow": [0.80], "fast": [0.79]}, seconds={"slow": 60.0, "fast": 2.0})
    assert any("takes 2.0 s" in note for note in recommend(table).notes)


def test_where_nothing_beats_chance_no_method_is_recommended() -> None:
    table = detection({"a": [0.1, 0.101], "b": [0.09, 0.1]})
    table["auroc"] = 0.5
    answer = recommend(table)
    assert answer.method is None
    assert "random order" in answer.sentence


def test_a_kind_at_which_another_method_is_better_is_named() -> None:
    table = detection(
        {"a": [0.8, 0.8], "b": [0.7, 0.7]},
        noise={"a": [0.2, 0.3], "b": [0.6, 0.6]},
        backdoor={"a": [0.9, 0.9], "b": [0.5, 0.5]},
    )
    notes = " ".join(recommend(table, {"b": "The other"}).notes)
    assert 'Of the kind "noise" alone, The other finds more' in notes
    assert "backdoor" not in notes


def test_the_sentence_says_what_a_perfect_order_would_find() -> None:
    table = detection({"a": [0.8]}).assign(faults=500)
    assert "of the 20 % that a perfect order would" in recommend(table).sentence


def test_a_method_that_a_seed_lacks_leaves_the_others_their_intervals() -> None:
    table = detection({"a": [0.9, 0.91, 0.89], "b": [0.8, 0.83, 0.8], "c": [0.7, 0.7, 0.74]})
    table = table[~((table["method"] == "c") & (table["seed"] == 2))]
    evidence = recommend(table).evidence.set_index("method")
    assert np.isfinite(evidence["error"]).all()
    assert evidence.loc["b", "behind"] == pytest.approx(0.09)
