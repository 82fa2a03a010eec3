"""Decisions are kept: in order, once each, whatever happens to the process that wrote them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.curation import DecisionStore, NewDecision, open_store
from core.errors import DataError

REPO = Path(__file__).resolve().parents[3]


def new(image_id: str = "a.png", verdict: str = "remove", **fields: object) -> NewDecision:
    defaults = {"event_id": uuid.uuid4().hex, "dataset": "d"}
    return NewDecision(**{**defaults, "image_id": image_id, "verdict": verdict, **fields})


@pytest.fixture
def store(tmp_path):
    opened = DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}")
    yield opened
    opened.close()


def states(store: DecisionStore) -> dict[str, str]:
    return {k: v for k, (v, _) in store.states("d").items()}


def test_a_decision_is_read_back_with_everything_it_was_made_with(store):
    written = store.record(
        new("a,b\n=1.png", "relabel", new_label="coat", note="sleeves", reviewer="Ada", value=-0.5)
    )
    row = store.current("d").iloc[0]
    assert row["image_id"] == "a,b\n=1.png"
    assert (row["verdict"], row["new_label"], row["note"]) == ("relabel", "coat", "sleeves")
    assert (row["reviewer"], row["value"]) == ("Ada", -0.5)
    assert row["at"].to_pydatetime() == written.at
    assert written.at.utcoffset().total_seconds() == 0


def test_recording_an_event_twice_changes_nothing(store):
    decision = new()
    first = store.record(decision)
    store.record(new("a.png", "keep"))
    assert store.record(decision) == first
    assert states(store) == {"a.png": "keep"}
    assert len(store.history("d", "a.png")) == 2


def test_an_event_id_used_for_another_decision_is_refused(store):
    store.record(new(event_id="e"))
    with pytest.raises(DataError, match="known from another decision"):
        store.record(new("b.png", event_id="e"))


def test_a_batch_with_one_bad_event_writes_nothing(store):
    store.record(new(event_id="e"))
    with pytest.raises(DataError):
        store.record_many([new("b.png"), new("c.png", event_id="e")])
    assert states(store) == {"a.png": "remove"}


def test_each_row_remembers_the_state_before_it(store):
    store.record(new("a.png", "relabel", new_label="coat"))
    later = store.record(new("a.png", "keep"))
    assert (later.previous_verdict, later.previous_label) == ("relabel", "coat")
    assert store.history("d", "a.png")[0].previous_verdict is None


def test_undo_restores_what_was_before_and_redo_what_was_undone(store):
    store.record(new("a.png", "keep"))
    store.record(new("a.png", "remove"))
    store.undo("d")
    assert states(store) == {"a.png": "keep"}
    store.undo("d")
    assert states(store) == {}
    store.redo("d")
    assert states(store) == {"a.png": "keep"}
    store.redo("d")
    assert states(store) == {"a.png": "remove"}
    assert store.redo("d") == []
    assert len(store.history("d", "a.png")) == 6


def test_nothing_is_redone_after_a_new_decision(store):
    store.record(new("a.png"))
    store.undo("d")
    store.record(new("b.png"))
    assert store.redo("d") == []


def test_undo_of_a_batch_takes_all_of_it_back_and_redo_brings_all_back(store):
    store.record(new("a.png", "keep"))
    names = [f"{i}.png" for i in range(700)] + ["a.png"]
    store.record_many([new(name, "remove", batch_id="stroke") for name in names])
    rows = store.undo("d")
    assert len(rows) == 701
    assert states(store) == {"a.png": "keep"}
    store.redo("d")
    assert set(states(store).values()) == {"remove"}
    assert len(states(store)) == 701


def test_undo_takes_back_only_the_reviewers_own_decisions(store):
    store.record(new("a.png", "remove", reviewer="Ada"))
    store.record(new("b.png", "remove", reviewer="Ben"))
    store.undo("d", "Ada")
    assert states(store) == {"b.png": "remove"}
    assert store.undo("d", "Ada") == []


def test_undo_does_not_overwrite_what_somebody_else_decided_since(store):
    store.record(new("a.png", "remove", reviewer="Ada"))
    store.record(new("a.png", "keep", reviewer="Ben"))
    store.undo("d", "Ada")
    assert states(store) == {"a.png": "keep"}


def test_taking_back_by_event_is_idempotent_and_works_on_an_undo_too(store):
    done = store.record(new())
    undone = store.take_back("d", done.event_id, event_id="u")
    assert len(undone) == 1
    assert store.take_back("d", done.event_id, event_id="u") == []
    assert store.take_back("d", done.event_id, event_id="u2") == []
    store.take_back("d", "u", event_id="r")
    assert states(store) == {"a.png": "remove"}


def test_taking_back_an_unknown_event_or_one_of_another_set_is_refused(store):
    done = store.record(new())
    for dataset, target in (("d", "nowhere"), ("other", done.event_id)):
        with pytest.raises(DataError, match="not in the log"):
            store.take_back(dataset, target, event_id="u")


def test_undoable_lists_what_still_stands_oldest_first(store):
    for name in ("a.png", "b.png", "c.png"):
        store.record(new(name))
    store.undo("d")
    assert [row.image_id for row in store.undoable("d")] == ["a.png", "b.png"]
    assert [row.image_id for row in store.undoable("d", limit=1)] == ["b.png"]


def test_data_sets_do_not_see_each_others_decisions(store):
    store.record(new())
    assert store.current("other").empty
    assert store.counts("d") == {"keep": 0, "remove": 1, "relabel": 0, "unsure": 0}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"verdict": "maybe"}, "must be one of"),
        ({"verdict": "relabel"}, "new label"),
        ({"new_label": "coat"}, "new label"),
        ({"event_id": ""}, "no event id"),
        ({"image_id": ""}, "no image id"),
        ({"image_id": "a\0b"}, "NUL"),
        ({"image_id": 3}, "must be text"),
        ({"note": "x" * 3000}, "3000 characters"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(fields, reason):
    with pytest.raises(DataError, match=reason):
        new(**fields)


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "assay.db") as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(DataError, match="newer Assay"):
        DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}")


def test_one_process_opens_one_store_for_a_home(tmp_path):
    assert open_store(tmp_path) is open_store(tmp_path)
    assert (tmp_path / "assay.db").is_file()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decide", "bulk", "undo", "redo"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["keep", "remove", "unsure", "clear"]),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_mix_of_decisions_undo_and_redo_agrees_with_a_plain_undo_stack(steps):
    """The model is the textbook one: a stack of snapshots, and one of undone snapshots."""
    store = DecisionStore("sqlite://")  # in memory
    done: list[dict[str, str]] = [{}]
    undone: list[dict[str, str]] = []
    for kind, image_id, verdict in steps:
        if kind == "undo":
            if len(done) > 1:
                undone.append(done.pop())
            store.undo("d")
        elif kind == "redo":
            if undone:
                done.append(undone.pop())
            store.redo("d")
        else:
            names = [image_id] if kind == "decide" else ["a", "b", "c"]
            done.append({**done[-1], **dict.fromkeys(names, verdict)})
            undone.clear()
            batch = uuid.uuid4().hex
            store.record_many([new(name, verdict, batch_id=batch) for name in names])
        assert states(store) == {k: v for k, v in done[-1].items() if v != "clear"}
    store.close()


WRITER = """
import sys
from core.curation import DecisionStore, NewDecision
store = DecisionStore(sys.argv[1])
for i in range(100000):
    store.record(NewDecision(event_id=f"{sys.argv[2]}-{i}", dataset="d", image_id=f"{i}",
                             verdict="remove", reviewer=sys.argv[2]))
    print(i, flush=True)
    if i + 1 == int(sys.argv[3]):
        break
"""


def start_writer(url: str, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, name, str(count)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_sigkill_of_a_writer_loses_no_decision_that_it_confirmed(tmp_path):
    url = f"sqlite:///{tmp_path / 'assay.db'}"
    writer = start_writer(url, "w", -1)
    for _ in range(50):
        confirmed = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait()
    confirmed = max([confirmed, *(int(line) for line in rest)])
    kept = states(DecisionStore(url))
    assert set(kept) >= {str(i) for i in range(confirmed + 1)}
    assert len(kept) <= confirmed + 2  # at most one was written and not yet confirmed


def test_two_processes_write_at_once_and_every_decision_arrives(tmp_path):
    url = f"sqlite:///{tmp_path / 'assay.db'}"
    writers = [start_writer(url, name, 60) for name in ("w1", "w2")]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    store = DecisionStore(url)
    rows = [row for i in range(60) for row in store.history("d", str(i))]
    assert len(rows) == 120
    # Each row knows the one before it, across processes: nobody wrote on a stale view.
    for i in range(60):
        first, second = store.history("d", str(i))
        assert (first.previous_verdict, second.previous_verdict) == (None, "remove")


def test_threads_share_one_store(store):
    def write(k: int) -> None:
        for i in range(20):
            store.record(new(f"{k}-{i}"))

    threads = [threading.Thread(target=write, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(states(store)) == 120


def test_text_that_no_database_can_encode_is_refused():
    """Half a character from a browser failed the whole request, and every retry of it."""
    with pytest.raises(DataError, match="half a character"):
        new(note="\ud800")
