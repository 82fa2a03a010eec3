"""What was decided, noted, taken back and disputed about a run's images, and what stands now."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.curation import DecisionStore, NewStroke, RunDecisions, TakeBack
from core.errors import DataError
from core.runs import Run

_IDS = (f"event-{number}" for number in itertools.count())


def stroke(rows: int | list[int], verdict: str = "remove", **fields: Any) -> NewStroke:
    listed = [rows] if isinstance(rows, int) else rows
    return NewStroke(**{"event_id": next(_IDS), "rows": listed, "verdict": verdict, **fields})


def undo(of: NewStroke | TakeBack) -> TakeBack:
    return TakeBack(event_id=next(_IDS), undoes=of.event_id, reviewer=of.reviewer)


def record(decisions: RunDecisions, *events: NewStroke | TakeBack) -> None:
    recorded = decisions.record(events)
    assert recorded.rejected == ()
    assert recorded.saved == len(events)


def verdicts(decisions: RunDecisions) -> dict[int, str]:
    current = decisions.current()
    return dict(zip(current["row"].tolist(), current["verdict"].tolist(), strict=True))


def test_a_decision_is_read_back_with_everything_it_was_made_with(
    decisions: RunDecisions, run: Run
) -> None:
    made = stroke(7, "relabel", new_label="boot", note='=1,"\n\U0001f45f', reviewer="Ada")
    record(decisions, made)
    (row,) = decisions.current().to_dict("records")
    assert row.pop("at").utcoffset().total_seconds() == 0
    assert np.isnan(row.pop("carried_from"))
    assert row == {
        "row": 7,
        "image_id": run.values["id"][7],
        "verdict": "relabel",
        "new_label": "boot",
        "note": '=1,"\n\U0001f45f',
        "reviewer": "Ada",
        "run_id": run.id,
        "value": run.values["value"][7],
        "event_id": made.event_id,
        "disputed": False,
        "reviewers": ("Ada",),
    }


def test_nothing_decided_is_an_empty_table_with_all_columns(decisions: RunDecisions) -> None:
    for table in (decisions.current(), decisions.opinions(), decisions.history(0)):
        assert table.empty
        assert "verdict" in table
    assert decisions.strokes() == decisions.undone() == []
    assert decisions.find_notes("").tolist() == []
    assert decisions.carried() == {}


def test_recording_an_event_twice_changes_nothing(decisions: RunDecisions) -> None:
    first = stroke([3, 1, 2, 2])
    record(decisions, first, stroke(1, "keep"), first)
    record(decisions, first)
    assert verdicts(decisions) == {1: "keep", 2: "remove", 3: "remove"}
    assert len(decisions.history(1)) == 2


@pytest.mark.parametrize(
    "change",
    [{"rows": [2]}, {"rows": [1, 2]}, {"verdict": "keep"}, {"reviewer": "Ada"}],
)
def test_an_event_id_known_from_another_decision_is_refused(
    decisions: RunDecisions, change: dict[str, Any]
) -> None:
    first = stroke(1)
    record(decisions, first)
    fields = {"rows": [1], "verdict": "remove", "event_id": first.event_id, **change}
    (refused,) = decisions.record([NewStroke(**fields)]).rejected
    assert refused[0] == first.event_id
    assert "known from another decision" in refused[1]


def test_what_is_refused_holds_up_none_of_the_others(decisions: RunDecisions) -> None:
    bad = [stroke(60), stroke(-1), stroke(0, "relabel", new_label="car"), undo(stroke(0))]
    recorded = decisions.record([stroke(1), *bad, stroke(2, "keep")])
    assert recorded.saved == 2
    assert [event for event, _ in recorded.rejected] == [event.event_id for event in bad]
    assert recorded.rows.tolist() == [1, 2]
    assert verdicts(decisions) == {1: "remove", 2: "keep"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"verdict": "maybe"}, "must be one of"),
        ({"verdict": "relabel"}, "new label"),
        ({"new_label": "boot"}, "new label"),
        ({"event_id": ""}, "no event id"),
        ({"event_id": "a/1"}, 'no "/"'),
        ({"event_id": 3}, "must be text"),
        ({"reviewer": ""}, "no reviewer"),
        ({"reviewer": "a\0b"}, "NUL"),
        ({"note": "x" * 3000}, "3000 characters"),
        ({"verdict": "note"}, "comes with a note"),
        ({"note": "\ud800"}, "half a character"),
        ({"rows": []}, "1 to 100,000 images"),
    ],
)
def test_a_decision_that_makes_no_sense_cannot_be_made(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        NewStroke(**{"event_id": "e", "rows": [1], "verdict": "remove", **fields})


def test_each_row_of_the_log_remembers_the_state_before_it(decisions: RunDecisions) -> None:
    first = stroke(1, "relabel", new_label="boot")
    record(decisions, first, stroke([1, 2], "keep", reviewer="Ada"), undo(first))
    history = decisions.history(1)
    assert history["before_verdict"].tolist() == ["clear", "relabel", "keep"]
    assert history["before_label"].fillna("").tolist() == ["", "boot", ""]
    assert history["undone"].tolist() == [True, False, False]
    assert history["undoes"].fillna("").tolist() == ["", "", first.event_id]
    assert history["reviewer"].tolist() == ["reviewer", "Ada", "reviewer"]


# -- undo and redo -------------------------------------------------------------------------------


def test_undo_restores_what_was_before_and_redo_what_was_undone(decisions: RunDecisions) -> None:
    first, second = stroke(1, "keep"), stroke(1, "remove")
    back = undo(second)
    record(decisions, first, second, back)
    assert verdicts(decisions) == {1: "keep"}
    record(decisions, undo(first))
    assert verdicts(decisions) == {}
    record(decisions, undo(back))
    assert verdicts(decisions) == {1: "remove"}


def test_a_stroke_over_many_images_goes_and_comes_back_whole_across_restarts(
    url: str, run: Run
) -> None:
    many = stroke(list(range(50)))
    decisions = RunDecisions(DecisionStore(url), run)
    record(decisions, stroke(7, "keep"), many)
    decisions = RunDecisions(DecisionStore(url), run)
    (_, last) = decisions.strokes()
    assert (last.event_id, last.rows.tolist()) == (many.event_id, list(range(50)))
    assert last.before[7] == ("keep", None)
    back = undo(many)
    recorded = decisions.record([back])
    assert recorded.rows.tolist() == list(range(50))
    decisions = RunDecisions(DecisionStore(url), run)
    assert verdicts(decisions) == {7: "keep"}
    (redo,) = decisions.undone()
    assert (redo.event_id, len(redo.rows)) == (back.event_id, 50)
    record(decisions, undo(back))
    assert verdicts(decisions) == dict.fromkeys(range(50), "remove")
    assert decisions.undone() == []


def test_an_undo_is_idempotent_and_what_is_taken_back_stays_so(decisions: RunDecisions) -> None:
    made = stroke([1, 2])
    back = undo(made)
    record(decisions, made, back, back, undo(made))
    record(decisions, back)
    assert verdicts(decisions) == {}
    assert len(decisions.history(1)) == 2


def test_undo_does_not_overwrite_what_somebody_else_decided_since(decisions: RunDecisions) -> None:
    first = stroke(1, reviewer="Ada")
    record(decisions, first, stroke(1, "keep", reviewer="Ben"), undo(first))
    assert verdicts(decisions) == {1: "keep"}


def test_nobody_takes_back_what_another_reviewer_decided(decisions: RunDecisions) -> None:
    made = stroke(1, reviewer="Ada")
    record(decisions, made)
    theft = TakeBack(event_id="t", undoes=made.event_id, reviewer="Ben")
    ((_, reason),) = decisions.record([theft]).rejected
    assert "decided by Ada, who alone can take it back" in reason
    assert verdicts(decisions) == {1: "remove"}


def test_strokes_lists_what_the_reviewer_can_undo_oldest_first(decisions: RunDecisions) -> None:
    made = [stroke(1), stroke([2, 3]), stroke(4), stroke(5, reviewer="Ada")]
    record(decisions, *made, undo(made[2]))
    assert [item.event_id for item in decisions.strokes()] == [m.event_id for m in made[:2]]
    assert [item.event_id for item in decisions.strokes(limit=1)] == [made[1].event_id]
    assert [item.event_id for item in decisions.strokes("Ada")] == [made[3].event_id]


def test_nothing_is_redone_after_a_new_decision(decisions: RunDecisions) -> None:
    made = stroke(1)
    record(decisions, made, undo(made), stroke(2))
    assert decisions.undone() == []


# -- reviewers -----------------------------------------------------------------------------------


def test_the_latest_opinion_stands_and_differing_ones_are_disputed(decisions: RunDecisions) -> None:
    record(
        decisions,
        stroke([1, 2], "keep", reviewer="Ben"),
        stroke([1, 2, 3], "relabel", new_label="boot", reviewer="Ada"),
        stroke(2, "relabel", new_label="coat", reviewer="Ben"),
        stroke(3, "relabel", new_label="boot", reviewer="Ben"),
    )
    current = decisions.current().set_index("row")
    assert current["disputed"].to_dict() == {1: True, 2: True, 3: False}
    assert current["new_label"].to_dict() == {1: "boot", 2: "coat", 3: "boot"}
    assert current["reviewers"].to_dict() == {
        1: ("Ben", "Ada"),
        2: ("Ada", "Ben"),
        3: ("Ada", "Ben"),
    }
    opinions = decisions.opinions()
    assert len(opinions) == 6
    ada = opinions[opinions["reviewer"] == "Ada"]
    assert ada["row"].tolist() == [1, 2, 3]
    assert set(ada["verdict"]) == {"relabel"}


def test_clear_withdraws_ones_own_opinion_and_no_other(decisions: RunDecisions) -> None:
    record(decisions, stroke(1, reviewer="Ada"), stroke(1, "keep", reviewer="Ben"))
    record(decisions, stroke(1, "clear", reviewer="Ben"))
    (row,) = decisions.current().to_dict("records")
    assert (row["verdict"], row["disputed"], row["reviewers"]) == ("remove", False, ("Ada",))
    record(decisions, stroke(1, "clear", reviewer="Ada"))
    assert decisions.current().empty


# -- notes ---------------------------------------------------------------------------------------


def test_a_note_alone_leaves_the_image_undecided(decisions: RunDecisions) -> None:
    record(decisions, stroke(1, "clear", note="ask Ben", reviewer="Ada"))
    (row,) = decisions.current().to_dict("records")
    assert (row["verdict"], row["note"], row["reviewer"]) == ("clear", "ask Ben", "Ada")
    assert row["reviewers"] == ()
    assert decisions.counts() == {"keep": 0, "remove": 0, "relabel": 0, "unsure": 0}


def test_a_note_is_no_opinion_of_a_decision_that_somebody_else_made(
    decisions: RunDecisions,
) -> None:
    made = stroke(1, "relabel", new_label="boot", reviewer="Ada")
    noted = stroke(1, "note", note="is it?", reviewer="Ben")
    record(decisions, made, stroke(2, "keep", reviewer="Ben"), noted)
    (first, second) = decisions.current().itertuples()
    assert (first.verdict, first.new_label, first.reviewer) == ("relabel", "boot", "Ada")
    assert (first.note, first.reviewers, first.disputed) == ("is it?", ("Ada",), False)
    assert second.verdict == "keep"
    (last,) = [made for made in decisions.strokes("Ben") if 1 in made.rows]
    assert (last.verdicts, last.new_labels) == (("relabel",), ("boot",))
    assert last.before == (("relabel", "boot"),)
    record(decisions, undo(noted))
    assert decisions.current()["note"].tolist() == ["", ""]
    assert decisions.history(1)["verdict"].tolist() == ["relabel", "note", "relabel"]
    record(decisions, undo(made))
    assert decisions.current()["row"].tolist() == [2]


def test_an_erased_note_leaves_the_decision(decisions: RunDecisions) -> None:
    record(decisions, stroke(1, "keep", note="blurred?"), stroke(1, "note", note=""))
    (row,) = decisions.current().itertuples()
    assert (row.verdict, row.note) == ("keep", "")


def test_a_note_outlives_decisions_that_say_nothing_until_it_is_erased(
    decisions: RunDecisions,
) -> None:
    noted = stroke(1, "keep", note="blurred?")
    record(decisions, noted, stroke([1, 2], "remove"))
    assert decisions.current()["note"].tolist() == ["blurred?", ""]
    erased = stroke(1, "remove", note="")
    record(decisions, erased)
    assert decisions.current()["note"].tolist() == ["", ""]
    record(decisions, undo(erased))
    assert decisions.current()["note"].tolist() == ["blurred?", ""]
    record(decisions, undo(noted))
    assert decisions.current()["note"].tolist() == ["", ""]


def test_notes_are_found_in_any_case_whoever_wrote_them(decisions: RunDecisions) -> None:
    record(
        decisions,
        stroke(5, "keep", note="GRÜN.*"),
        stroke(5, "keep", note="no", reviewer="Ada"),
        stroke(3, "clear", note="grün.* too"),
        stroke(2, note="grün, gone"),
        stroke(2, note=""),
    )
    assert decisions.find_notes("grün.*").tolist() == [3, 5]
    assert decisions.find_notes("gone").tolist() == []


# -- against a model -----------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decide", "decide", "undo", "redo"]),
        st.sampled_from(["Ada", "Ben"]),
        st.sets(st.integers(0, 2), min_size=1),
        st.sampled_from(["keep", "remove", "clear"]),
    ),
    max_size=25,
)


class Stacks:
    """The textbook: for each reviewer a stack of strokes, and one of those undone."""

    def __init__(self) -> None:
        self.done: dict[str, list[tuple[int, NewStroke]]] = {"Ada": [], "Ben": []}
        self.undone: dict[str, list[tuple[int, NewStroke, str]]] = {"Ada": [], "Ben": []}
        self.time = 0

    def opinion(self, reviewer: str, row: int) -> tuple[int, str] | None:
        for time, made in reversed(self.done[reviewer]):
            if row in made.rows:
                return None if made.verdict == "clear" else (time, made.verdict)
        return None

    def states(self) -> dict[int, tuple[str, bool]]:
        found = {}
        for row in range(3):
            held = [x for name in self.done if (x := self.opinion(name, row)) is not None]
            if held:
                found[row] = (max(held)[1], len({verdict for _, verdict in held}) > 1)
        return found


@settings(max_examples=60)
@given(STEPS)
def test_any_mix_of_decisions_undo_and_redo_agrees_with_stacks_of_strokes(
    run: Run, steps: list[tuple[str, str, set[int], str]]
) -> None:
    store = DecisionStore("sqlite://")  # in memory
    decisions, model = RunDecisions(store, run), Stacks()
    for kind, name, rows, verdict in steps:
        model.time += 1
        before, length = model.states(), len(decisions.history(0))
        if kind == "decide":
            made = stroke(sorted(rows), verdict, reviewer=name)
            record(decisions, made)
            model.done[name].append((model.time, made))
            model.undone[name].clear()
        elif kind == "undo" and model.done[name]:
            time, made = model.done[name].pop()
            assert decisions.strokes(name)[-1].event_id == made.event_id
            back = undo(made)
            record(decisions, back)
            model.undone[name].append((time, made, back.event_id))
        elif kind == "redo" and model.undone[name]:
            time, made, event_id = model.undone[name].pop()
            assert decisions.undone(name)[-1].event_id == event_id
            record(decisions, TakeBack(event_id=next(_IDS), undoes=event_id, reviewer=name))
            model.done[name].append((time, made))
        current = decisions.current()
        found = zip(current["row"], current["verdict"], current["disputed"], strict=True)
        assert {row: (verdict, differs) for row, verdict, differs in found} == model.states()
        history = decisions.history(0)
        if len(history) > length:
            assert history["before_verdict"].iloc[-1] == before.get(0, ("clear",))[0]
    store.close()
