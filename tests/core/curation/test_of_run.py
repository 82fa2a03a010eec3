"""Decisions hold in every run that an image is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.curation import NewDecision, RunDecisions, decision_table, open_store
from core.errors import DataError
from core.runs import Run, ValueSpec, append_run, value_run
from tests.factories import write_set


@pytest.fixture
def run(tmp_path: Path) -> Run:
    spec = ValueSpec(
        train=write_set(tmp_path / "week1.npz", 240, 1),
        validation=write_set(tmp_path / "validation.npz", 120, 2),
        settings="published",
    )
    return value_run(spec, tmp_path / "run", cache_dir=tmp_path / "cache")


@pytest.fixture
def week2(tmp_path: Path) -> str:
    return write_set(tmp_path / "week2.npz", 60, 3)


def decide(home: Path, run: Run, image_id: str, verdict: str, **more: str) -> None:
    open_store(home).record(
        NewDecision(
            event_id=f"{run.id}-{image_id}-{verdict}",
            dataset=RunDecisions(open_store(home), run).dataset_of(image_id),
            image_id=image_id,
            verdict=verdict,  # type: ignore[arg-type]
            **more,  # type: ignore[arg-type]
        )
    )


def test_decisions_hold_in_both_runs_whichever_they_were_made_on(
    tmp_path: Path, run: Run, week2: str
) -> None:
    home = tmp_path / "home"
    decide(home, run, "week1-0000", "remove")
    made = append_run(run, week2, tmp_path / "new")
    old, new = (RunDecisions(open_store(home), item) for item in (run, made))
    assert new.states() == {"week1-0000": ("remove", None)}
    decide(home, made, "week1-0010", "keep")
    decide(home, made, "week2-0000", "relabel", new_label="bag")
    assert old.states() == {"week1-0000": ("remove", None), "week1-0010": ("keep", None)}
    assert new.counts() == {"keep": 1, "remove": 1, "relabel": 1, "unsure": 0}
    assert new.states(["week2-0000", "week1-0001"]) == {"week2-0000": ("relabel", "bag")}
    table = decision_table(made, new.current()).set_index("id")
    assert table.loc["week2-0000", "new_label"] == "bag"
    assert table.loc["week1-0000", "verdict"] == "remove"
    assert [row.image_id for row in new.undoable()] == ["week1-0000", "week1-0010", "week2-0000"]
    # The new set valued by itself shares what was decided on it in the joined run.
    alone = value_run(
        ValueSpec(train=week2, validation=run.record.validation.source, settings="published"),
        tmp_path / "alone",
        cache_dir=tmp_path / "cache",
    )
    assert RunDecisions(open_store(home), alone).states() == {"week2-0000": ("relabel", "bag")}


def test_a_stroke_over_old_and_new_images_is_taken_back_whole(
    tmp_path: Path, run: Run, week2: str
) -> None:
    home = tmp_path / "home"
    made = append_run(run, week2, tmp_path / "new")
    for image_id in ("week1-0003", "week1-0004", "week2-0005"):
        decide(home, made, image_id, "remove", batch_id="stroke")
    decisions = RunDecisions(open_store(home), made)
    event = f"{made.id}-week2-0005-remove"
    assert len(decisions.take_back(event, event_id="undo")) == 3
    assert decisions.states() == {}
    assert decisions.take_back(event, event_id="undo") == []
    assert len(decisions.take_back("undo", event_id="redo")) == 3
    assert decisions.counts()["remove"] == 3
    with pytest.raises(DataError, match="not in the log"):
        decisions.take_back("nobody", event_id="x")


def test_a_decision_on_an_image_that_the_run_did_not_take_does_not_show(
    tmp_path: Path, run: Run, week2: str
) -> None:
    """The grown set holds the old images too, under the same ids but another fingerprint."""
    made = append_run(run, week2, tmp_path / "new")
    other = made.record.parts[1].fingerprint
    store = open_store(tmp_path / "home")
    store.record(NewDecision(event_id="e", dataset=other, image_id="week1-0000", verdict="remove"))
    decisions = RunDecisions(store, made)
    assert decisions.states() == {}
    assert decisions.states(["week1-0000"]) == {}
    assert decisions.current().empty
    assert decisions.undoable() == []
