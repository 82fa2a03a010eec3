"""Decisions hold in every run that an image is in: by its data set, or by what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.curation import DecisionStore, NewStroke, RunDecisions, TakeBack
from core.runs import Run, ValueSpec, append_run, open_run, value_run
from tests.factories import write_set


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DecisionStore]:
    opened = DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}")
    yield opened
    opened.close()


def valued(tmp_path: Path, train: str, name: str) -> Run:
    validation = str(tmp_path / "validation.npz")
    if not Path(validation).exists():
        write_set(Path(validation), 120, 2)
    spec = ValueSpec(train=train, validation=validation, settings="published")
    return value_run(spec, tmp_path / name, cache_dir=tmp_path / "cache")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return valued(tmp_path, write_set(tmp_path / "week1.npz", 240, 1), "run")


@pytest.fixture
def week2(tmp_path: Path) -> str:
    return write_set(tmp_path / "week2.npz", 60, 3)


def decide(store: DecisionStore, run: Run, ids: list[str], verdict: str, **more: str) -> str:
    event_id = f"{run.id}-{ids[0]}-{verdict}"
    rows = run.rows_of(ids)
    made = NewStroke(event_id=event_id, rows=rows, verdict=verdict, **more)  # type: ignore[arg-type]
    assert RunDecisions(store, run).record([made]).saved == 1
    return event_id


def verdicts(store: DecisionStore, run: Run) -> dict[str, str]:
    current = RunDecisions(store, run).current()
    return dict(zip(current["image_id"], current["verdict"], strict=True))


def changed(path: str, name: str, **arrays: np.ndarray) -> str:
    """Write a copy of a set with other arrays; rows of all are taken in the order `rows`."""
    with np.load(path) as archive:
        content = {**archive, **arrays}
    rows = content.pop("rows", np.arange(len(content["ids"])))
    for part in ("embeddings", "labels", "ids"):
        content[part] = content[part][rows]
    out = str(Path(path).with_name(name))
    np.savez(out, **content)
    return out


def test_decisions_hold_before_and_after_images_were_added(
    tmp_path: Path, store: DecisionStore, run: Run, week2: str
) -> None:
    decide(store, run, ["week1-0000"], "remove")
    made = append_run(run, week2, tmp_path / "new")
    assert verdicts(store, made) == {"week1-0000": "remove"}
    decide(store, made, ["week1-0010"], "keep")
    decide(store, made, ["week2-0000"], "relabel", new_label="boot")
    assert verdicts(store, run) == {"week1-0000": "remove", "week1-0010": "keep"}
    assert RunDecisions(store, made).counts() == {"keep": 1, "remove": 1, "relabel": 1, "unsure": 0}
    assert RunDecisions(store, made).carried() == {}
    # The new set valued by itself shares what was decided on it in the joined run.
    alone = valued(tmp_path, week2, "alone")
    assert verdicts(store, alone) == {"week2-0000": "relabel"}
    assert RunDecisions(store, alone).carried() == {}


def test_a_stroke_over_old_and_new_images_is_taken_back_whole_from_either_side(
    tmp_path: Path, store: DecisionStore, run: Run, week2: str
) -> None:
    made = append_run(run, week2, tmp_path / "new")
    event = decide(store, made, ["week1-0003", "week1-0004", "week2-0005"], "remove")
    old, new = RunDecisions(store, run), RunDecisions(store, made)
    assert len(old.strokes()[0].rows) == 2
    assert old.record([TakeBack(event_id="undo", undoes=event)]).rows.tolist() == [3, 4]
    assert new.current().empty
    assert new.record([TakeBack(event_id="redo", undoes="undo")]).rows.tolist() == [3, 4, 245]
    assert new.counts()["remove"] == 3
    assert new.history(245)["before_verdict"].tolist() == ["clear", "remove", "clear"]


def test_decisions_carry_over_to_a_re_ordered_extended_and_thinned_copy(
    tmp_path: Path, store: DecisionStore, run: Run
) -> None:
    source = run.record.train.source
    decide(store, run, ["week1-0001", "week1-0002", "week1-0200"], "remove")
    order = np.random.default_rng(0).permutation(240)
    thinned = changed(source, "thinned.npz", rows=order[order != 1])
    copy = valued(tmp_path, thinned, "copy")
    assert copy.record.train.fingerprint != run.record.train.fingerprint
    assert verdicts(store, copy) == {"week1-0002": "remove", "week1-0200": "remove"}
    decisions = RunDecisions(store, copy)
    assert decisions.carried() == {run.record.train.fingerprint: 2}
    assert set(decisions.current()["carried_from"]) == {run.record.train.fingerprint}
    # And back: what is decided on the copy holds in the first run.
    decide(store, copy, ["week1-0200"], "keep", reviewer="Ada")
    first = RunDecisions(store, run).current().set_index("image_id")
    assert first.loc["week1-0200", "verdict"] == "keep"
    assert first["disputed"].to_dict()["week1-0200"]
    assert RunDecisions(store, run).carried() == {copy.record.train.fingerprint: 1}
    longer = changed(write_set(tmp_path / "more.npz", 20, 5), "extended.npz")
    with np.load(source) as old, np.load(longer) as new:
        both = {part: np.concatenate([old[part], new[part]]) for part in ("embeddings", "labels")}
        ids = np.concatenate([old["ids"], new["ids"]])
    extended = changed(source, "extended.npz", ids=ids, **both)
    assert len(verdicts(store, valued(tmp_path, extended, "extended"))) == 3


def test_a_decision_ends_where_the_image_its_label_or_its_id_is_another(
    tmp_path: Path, store: DecisionStore, run: Run
) -> None:
    source = run.record.train.source
    decide(store, run, ["week1-0001", "week1-0002", "week1-0003", "week1-0004"], "remove")
    with np.load(source) as old:
        embeddings, labels, ids = old["embeddings"].copy(), old["labels"].copy(), old["ids"].copy()
    embeddings[1] += 1.0
    labels[2] = (labels[2] + 1) % 3
    ids[3] = "renamed"
    copy = changed(source, "copy.npz", embeddings=embeddings, labels=labels, ids=ids)
    assert verdicts(store, valued(tmp_path, copy, "copy")) == {"week1-0004": "remove"}


def test_labels_are_compared_by_name_not_by_number(
    tmp_path: Path, store: DecisionStore, run: Run
) -> None:
    decide(store, run, ["week1-0001"], "remove")
    source = run.record.train.source
    with np.load(source) as old:
        labels, names = 2 - old["labels"], old["class_names"][::-1]
    copy = changed(source, "copy.npz", labels=labels, class_names=names)
    assert verdicts(store, valued(tmp_path, copy, "copy")) == {"week1-0001": "remove"}


def test_a_run_made_before_contents_were_kept_shares_decisions_by_data_set_alone(
    tmp_path: Path, store: DecisionStore, run: Run
) -> None:
    source = run.record.train.source
    other = valued(tmp_path, changed(source, "copy.npz", rows=np.arange(239, -1, -1)), "copy")
    run.values.drop(columns="content").to_parquet(run.path / "values.parquet", index=False)
    old = open_run(run.path)
    decide(store, old, ["week1-0001"], "remove")
    assert verdicts(store, other) == {}
    assert verdicts(store, open_run(run.path)) == {"week1-0001": "remove"}


def test_two_pictures_of_one_content_are_two_images(
    tmp_path: Path, store: DecisionStore, run: Run
) -> None:
    source = run.record.train.source
    with np.load(source) as old:
        embeddings, labels = old["embeddings"].copy(), old["labels"].copy()
    embeddings[6], labels[6] = embeddings[5], labels[5]
    twins = valued(
        tmp_path, changed(source, "twins.npz", embeddings=embeddings, labels=labels), "twins"
    )
    assert twins.content[5] == twins.content[6]
    decide(store, twins, ["week1-0005"], "remove")
    assert verdicts(store, twins) == {"week1-0005": "remove"}
