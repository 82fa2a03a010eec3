"""A run of a method without transport: whole, opened again, and honest about what it lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cli.value import summary
from core.curation import Subset
from core.curation.resolve import solve_subset
from core.errors import ConfigError, RunError
from core.runs import Run, RunEvidence, ValueSpec, estimate, ground_cost, open_run, value_run
from core.runs.intake import require_extendable
from core.valuation import METHODS, Method
from tests.factories import make_run, write_set


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("without")
    spec = ValueSpec(
        train=write_set(folder / "train.npz", 60, 0),
        validation=write_set(folder / "validation.npz", 30, 1),
        method="prototypes",
    )
    value_run(spec, folder / "run", cache_dir=folder / "cache")
    return open_run(folder / "run")


def test_it_is_whole_and_keeps_only_what_there_is(run: Run) -> None:
    kept = {path.name for path in run.path.iterdir()}
    assert not kept & {"potentials.npz", "label_distances.parquet"}
    assert "calibrated_gradient" not in run.values
    assert "value" not in run.validation
    assert run.record.solution is None
    assert json.loads((run.path / "run.json").read_text())["transport_cost"] is None
    worst = run.values.nsmallest(6, "value")["id"]
    assert set(worst) == {f"train-{i:04d}" for i in range(0, 60, 10)}


def test_what_needs_a_plan_says_that_there_is_none(run: Run) -> None:
    for what in ("label_distances", "potentials"):
        with pytest.raises(RunError, match="Supervised prototypes has no transport plan"):
            getattr(run, what)
    assert not run.ranks_by_gradient
    with pytest.raises(RunError, match="Images can be added to runs of LAVA"):
        require_extendable(run)


def test_the_evidence_is_of_neighbors_alone(run: Run) -> None:
    found = RunEvidence(run, run.open_images).of(0)
    assert found.flagged
    assert found.reasons[0].startswith("It looks like ")
    assert "plan" not in " ".join(found.reasons)
    assert len(found.plan.matched) == len(found.plan.class_mass) == 0
    assert found.plan.feature_cost is found.plan.label_cost is None
    assert len(found.plan.nearest) >= 7
    assert ground_cost(run).label_distances is None


def test_pruning_is_solved_for_as_published(run: Run) -> None:
    whole = solve_subset(run, Subset.whole(run))
    kept = run.values["value"].to_numpy() > np.sort(run.values["value"])[5]
    less = solve_subset(run, replace(Subset.whole(run), kept=kept))
    assert less.transport_cost < whole.transport_cost


def test_the_command_line_says_that_there_is_no_distance(run: Run) -> None:
    said = summary(run)
    assert "none: the method has no transport plan" in said
    assert "values are cosine distance" in said
    assert "Marginal error" not in said


def test_values_that_only_rank_are_neutral_in_the_middle(run: Run, tmp_path: Path) -> None:
    assert run.neutral_value == run.values["value"].median()
    assert make_run(tmp_path / "run").neutral_value == 0.0


def test_a_method_that_cannot_be_used_is_refused_before_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {name: getattr(METHODS["prototypes"], name) for name in Method.__slots__}
    monkeypatch.setitem(METHODS, "prototypes", Method(**{**parts, "most_images": 50}))
    spec = ValueSpec(
        train=write_set(tmp_path / "train.npz", 60, 0),
        validation=write_set(tmp_path / "validation.npz", 30, 1),
        method="prototypes",
    )
    with pytest.raises(ConfigError, match="50 training images at most"):
        value_run(spec, tmp_path / "run", cache_dir=None)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_an_estimate(name: str) -> None:
    spec = ValueSpec(train="sample:train", validation="sample:val", method=name)
    small, large = (estimate(spec, n, 500, d=64).seconds for n in (1000, 4000))
    assert 0 < small <= large
