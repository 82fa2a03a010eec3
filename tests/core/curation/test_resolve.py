"""What a plan does to the OT distance is solved as the run was, and only once."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from core.curation import (
    PlanSettings,
    ResolveSpec,
    Subset,
    found_effect,
    found_without_sources,
    make_plan,
    plan_job,
    resolve_plan,
)
from core.curation.resolve import resolve_job
from core.errors import Cancelled, ConfigError, DataError, RunError
from core.progress import silent
from core.runs import ValueSpec, job_status, start_job, value_at_home
from core.runs.kinds import read_spec, written_spec
from tests.core.curation.exports.cases import decided
from tests.factories import write_set


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A real run of clear classes, every tenth label of which is wrong, and its home."""
    root = tmp_path_factory.mktemp("solved")
    home = root / "home"
    spec = ValueSpec(
        train=write_set(root / "train.npz", 90, 0),
        validation=write_set(root / "validation.npz", 45, 1),
        settings="published",
    )
    return value_at_home(spec, home)[0], home


def worst(run, count: int):
    return make_plan(run, decided(run, {}), PlanSettings(budget="count", amount=count))


def test_before_pruning_the_distance_is_that_of_the_run(solved):
    run, home = solved
    effect = resolve_plan(run, worst(run, 9), home)
    assert effect.before.images == 90
    assert effect.before.transport_cost == pytest.approx(run.record.transport_cost, rel=1e-6)
    own = np.diagonal(run.label_distances)
    expected = dict(zip(run.class_names, own.tolist(), strict=True))
    assert effect.before.own_class == pytest.approx(expected, rel=1e-6)


def test_label_distances_follow_the_training_images_whatever_the_cost_compares(solved):
    run, home = solved
    configuration = {**run.record.configuration, "label_distance_kind": "validation"}
    other = type(run)(run.path, replace(run.record, id="0" * 16, configuration=configuration))
    effect = resolve_plan(other, worst(run, 9), home)
    assert effect.after.own_class != effect.before.own_class


def test_removing_wrong_labels_brings_the_sets_closer(solved):
    run, home = solved
    effect = resolve_plan(run, worst(run, 9), home)
    assert effect.after.images == 81
    assert effect.after.transport_cost < 0.8 * effect.before.transport_cost
    assert all(effect.after.own_class[k] < effect.before.own_class[k] for k in run.class_names)


def test_correcting_wrong_labels_brings_them_closer_too(solved):
    run, home = solved
    wrong = np.arange(0, 90, 10)
    names = run.class_names
    frame = decided(run, dict.fromkeys(wrong.tolist(), "relabel"))
    frame["new_label"] = [names[(run.values["label"].iloc[r] - 1) % 3] for r in wrong]
    effect = resolve_plan(run, make_plan(run, frame), home)
    assert effect.after.images == 90
    assert effect.after.transport_cost < 0.8 * effect.before.transport_cost


def test_a_solution_is_found_again_and_another_plan_is_not(solved, monkeypatch):
    run, home = solved
    plan = worst(run, 9)
    first = resolve_plan(run, plan, home)
    monkeypatch.setattr("core.curation.resolve.solve_subset", lambda *_: pytest.fail("solved"))
    assert resolve_plan(run, plan, home).facts() == first.facts()
    assert found_effect(run, plan, home).facts() == first.facts()
    assert found_effect(run, worst(run, 8), home) is None


def test_a_damaged_solution_is_solved_anew(solved):
    run, home = solved
    plan = worst(run, 7)
    resolve_plan(run, plan, home)
    path = home / "resolved" / run.id / f"{Subset.of(plan).id(run)}.json"
    path.write_text("{")
    assert found_effect(run, plan, home) is None
    assert resolve_plan(run, plan, home).after.images == 83


def test_equal_subsets_have_equal_ids_and_labels_tell_them_apart(solved):
    run, _ = solved
    plan = worst(run, 5)
    row = int(np.flatnonzero(plan.kept)[0])
    relabelled = plan.labels.copy()
    relabelled[row] = (relabelled[row] + 1) % 3
    assert Subset.of(plan).id(run) == Subset.of(worst(run, 5)).id(run)
    assert Subset.of(replace(plan, labels=relabelled)).id(run) != Subset.of(plan).id(run)


def test_a_job_solves_in_a_process_of_its_own(solved):
    run, home = solved
    plan = worst(run, 4)
    job = start_job(plan_job(run, plan, home), home)
    while not (status := job_status(home, job)).ended:
        time.sleep(0.05)
    assert status.state == "done", status.error
    assert found_effect(run, plan, home).after.images == 86


def test_a_job_solves_without_each_source(solved):
    run, home = solved
    half = replace(run.record.train, images=45)
    several = type(run)(run.path, replace(run.record, parts=(half, replace(half, source="/b"))))
    plan = make_plan(several, decided(several, {0: "remove"}))
    spec = plan_job(several, plan, home, by_source=True)
    resolve_job(spec, home, lambda *_: None, lambda _: None)
    first, second = found_without_sources(several, plan, home)
    assert (first.images, second.images) == (45, 44)


def test_cancelling_leaves_no_solution(solved):
    run, home = solved
    plan = worst(run, 3)

    def stop(stage: str, done: float, detail: str = "") -> None:
        if "what stays" in stage:
            raise Cancelled("Cancelled; nothing was written.")

    with pytest.raises(Cancelled):
        resolve_plan(run, plan, home, stop)
    assert found_effect(run, plan, home) is None


def test_a_plan_that_keeps_nothing_is_refused(solved):
    run, home = solved
    plan = make_plan(run, decided(run, dict.fromkeys(range(90), "remove")))
    with pytest.raises(DataError, match="No image is left"):
        plan_job(run, plan, home)


@pytest.mark.parametrize(("left", "count"), [(b"", 21), (b"PK\x03\x04 nothing", 22)])
def test_starting_again_mends_a_damaged_subset(solved, left, count):
    """What was there was never written again, so the advice to start again led nowhere."""
    run, home = solved
    spec = plan_job(run, worst(run, count), home)
    path = home / "resolved" / run.id / f"{spec.subsets[1]}.npz"
    path.write_bytes(left)
    with pytest.raises(RunError, match="start from the Export page again"):
        resolve_job(spec, home, silent, print)
    resolve_job(plan_job(run, worst(run, count), home), home, silent, print)
    assert found_effect(run, worst(run, count), home) is not None


def test_a_home_that_cannot_be_written_to_is_explained(solved, tmp_path):
    """The page showed a traceback: the error of the file system came through as it was."""
    run, _ = solved
    (tmp_path / "resolved").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be written"):
        plan_job(run, worst(run, 5), tmp_path)


def test_a_spec_is_read_back_and_takes_no_path(solved):
    run, _ = solved
    spec = ResolveSpec(run=run.id, subsets=("0" * 32,))
    assert read_spec(written_spec(spec)) == spec
    for subsets in ((), ("../../etc/passwd",), ("0" * 31,)):
        with pytest.raises(ConfigError, match="subsets"):
            ResolveSpec(run=run.id, subsets=subsets)
    with pytest.raises(ConfigError, match="run id"):
        ResolveSpec(run="../x", subsets=("0" * 32,))
