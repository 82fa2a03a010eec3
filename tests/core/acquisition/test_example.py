"""The bundled example: its lists are what they say."""

from __future__ import annotations

import pandas as pd
import pytest

from core.acquisition import (
    ProjectionSpec,
    example_folder,
    example_projection,
    order_table,
    read_mixture,
)
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


def test_the_fitted_example_is_of_these_sources_small_and_of_no_place(lists) -> None:
    projection = example_projection()
    asked = read_mixture(example_folder() / "mixture.toml")
    made = ProjectionSpec.from_configuration(projection.record.configuration)
    assert (made.sources, made.validation, made.test) == (
        asked.sources,
        asked.validation,
        asked.test,
    )
    assert [one.pilot.images for one in projection.record.offers] == [600, 600, 600]
    files = list(projection.path.iterdir())
    assert sum(path.stat().st_size for path in files) < 300_000
    for path in projection.path.glob("*.json"):
        assert str(example_folder().parents[1]) not in path.read_text(encoding="utf-8")


def test_the_fitted_example_answers_at_once() -> None:
    projection = example_projection()
    mix = projection.described(projection.best(2000))
    assert mix.low < mix.accuracy < mix.high
    assert order_table(projection.record, mix.counts)["images"].sum() == 2000
    # Clean images of all classes are worth more than those with wrong labels.
    clean, _, wrong = projection.fitted().predict([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], 2000)
    assert clean > wrong
