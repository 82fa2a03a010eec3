from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.acquisition import Offer, ProjectionSpec, projection_id, projection_job
from core.errors import ConfigError
from core.runs.kinds import KINDS, read_spec, written_spec

SPEC = ProjectionSpec(
    sources=(Offer(name="a", pilot="/data/a", capacity=100, price=0.5), Offer(name="b", pilot="b")),
    validation="sample:val",
    scales=(40, 20, 40),
)


def test_a_spec_survives_json_and_the_folder_of_a_job() -> None:
    raw = json.loads(json.dumps(written_spec(SPEC)))
    assert read_spec(raw) == SPEC
    assert KINDS[SPEC.kind].load_work() is projection_job


def test_where_the_data_lie_says_nothing_about_the_id() -> None:
    first, second = SPEC.sources
    moved = replace(SPEC, sources=(replace(first, pilot="/other/a"), second), validation="/val")
    assert projection_id(moved, "x", "y") == projection_id(SPEC, "x", "y")


@pytest.mark.parametrize(
    "changed",
    [
        replace(SPEC, seed=1),
        replace(SPEC, scales=(20,)),
        replace(SPEC, predictor="linear"),
        replace(SPEC, sources=(replace(SPEC.sources[0], price=0.6), SPEC.sources[1])),
        replace(SPEC, sources=(replace(SPEC.sources[0], capacity=101), SPEC.sources[1])),
        replace(SPEC, sources=SPEC.sources[::-1]),
    ],
)
def test_what_decides_the_result_decides_the_id(changed: ProjectionSpec) -> None:
    assert projection_id(changed, "x", "y") != projection_id(SPEC, "x", "y")
    assert projection_id(SPEC, "x", "z") != projection_id(SPEC, "x", "y")


def test_a_relative_path_is_made_absolute_and_sizes_are_sorted() -> None:
    assert SPEC.sources[1].pilot == str(Path("b").absolute())
    assert SPEC.scales == (20, 40)


def test_unknown_terms_are_no_limit_and_no_price() -> None:
    assert SPEC.capacity.tolist() == [100.0, float("inf")]
    assert SPEC.price.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sources": ()},
        {"sources": SPEC.sources[:1] * 2},
        {"scales": (0,)},
        {"points": 0},
        {"repeats": 0},
        {"seed": -1},
        {"currency": " "},
        {"test_ids": "ids.csv"},
        {"table": "accuracies.csv"},
        {"device": "abacus"},
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        replace(SPEC, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b"},
        {"name": "accuracy"},
        {"name": "two\nlines"},
        {"name": " "},
        {"capacity": 0},
        {"price": float("nan")},
        {"pilot": " "},
    ],
)
def test_terms_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        replace(SPEC.sources[0], **wrong)
