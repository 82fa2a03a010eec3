"""The bundled example: its lists are what they say."""

from __future__ import annotations

import pandas as pd
import pytest

from core.acquisition import example_folder, read_mixture
from core.datasets import open_source, sample_truth_path

LISTS = ("balanced.csv", "few-classes.csv", "wrong-labels.csv", "test.csv")


@pytest.fixture(scope="module")
def lists() -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(example_folder() / name, dtype=str) for name in LISTS}


def test_no_image_is_in_two_lists_or_has_a_planted_fault(lists) -> None:
    ids = pd.concat(list(lists.values()))["id"]
    assert ids.is_unique
    assert not ids.isin(pd.read_csv(sample_truth_path(), dtype=str)["id"]).any()


def test_the_sources_are_what_their_names_say(lists) -> None:
    sample = open_source("sample:train")
    true = pd.Series([sample.class_names[u] for u in sample.labels], index=sample.ids.astype(str))

    def wrong(name: str) -> float:
        return float((true.loc[lists[name]["id"]].to_numpy() != lists[name]["label"]).mean())

    assert [wrong(name) for name in LISTS] == [0.0, 0.0, 0.3, 0.0]
    assert lists["balanced.csv"]["label"].value_counts().tolist() == [60] * 10
    assert lists["few-classes.csv"]["label"].nunique() == 3
    assert lists["test.csv"]["label"].value_counts().tolist() == [100] * 10


def test_the_configuration_names_no_place_of_this_machine() -> None:
    spec = read_mixture(example_folder() / "mixture.toml")
    named = [*(text for one in spec.sources for text in (one.pilot, one.ids)), spec.test_ids]
    assert not [text for text in (*named, spec.validation, spec.test) if str(text).startswith("/")]
    assert spec.names == ("Balanced and clean", "Few classes", "30 % wrong labels")
