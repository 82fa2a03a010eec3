"""Decisions as the browser knows them: rows of a run for images, strokes of one image or many."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from core.curation import DEFAULT_REVIEWER, NewStroke, RunDecisions, Stroke, TakeBack
from core.errors import DataError

MOST_UNDOABLE = 200  # strokes that a browser can take back without asking again
MOST_UNDOABLE_IMAGES = 100_000  # in all of them, beyond the latest


def standing(decisions: RunDecisions, reviewer: str) -> dict[str, Any]:
    """Return what is decided now, what `reviewer` could undo and redo, ready for JSON."""
    states, reviewers = _states(decisions.current())
    return {
        "reviewers": reviewers,
        "states": states,
        "undoable": _latest(decisions.strokes(reviewer, MOST_UNDOABLE)),
        "redoable": _latest(decisions.undone(reviewer, MOST_UNDOABLE)),
        "carried": decisions.carried(),
    }


def _states(current: pd.DataFrame) -> tuple[list[list[Any]], list[str]]:
    """Return the state of each image of the table `current`, and the reviewers named in it.

    A state is row, verdict, new label, position of the reviewer whose decision stands, whether
    standing opinions differ, whether there is a note, positions of all with a standing opinion.
    """
    reviewers: dict[str, int] = {}

    def position(name: str) -> int:
        return reviewers.setdefault(name, len(reviewers))

    label = current["new_label"].astype(object)
    states = [
        list(state)
        for state in zip(
            current["row"].tolist(),
            current["verdict"].tolist(),
            label.where(current["new_label"].notna(), None).tolist(),
            map(position, current["reviewer"].tolist()),
            current["disputed"].astype(int).tolist(),
            (current["note"] != "").astype(int).tolist(),
            ([position(name) for name in names] for names in current["reviewers"].tolist()),
            strict=True,
        )
    ]
    return states, list(reviewers)


def _latest(strokes: list[Stroke]) -> list[dict[str, Any]]:
    """Return the newest strokes ready for JSON, oldest first: at least one, not too much in all."""
    kept: list[dict[str, Any]] = []
    images = 0
    for stroke in reversed(strokes):
        images += len(stroke.rows)
        if kept and images > MOST_UNDOABLE_IMAGES:
            break
        changes = zip(
            stroke.rows.tolist(), stroke.verdicts, stroke.new_labels, stroke.before, strict=True
        )
        rows = [[row, verdict, label, *before] for row, verdict, label, before in changes]
        kept.append({"event_id": stroke.event_id, "rows": rows})
    return kept[::-1]


def record_events(decisions: RunDecisions, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Record `events` in order; one that cannot be recorded is named and holds up no other."""
    checked: list[NewStroke | TakeBack] = []
    rejected: list[tuple[str, str]] = []
    for event in events:
        try:
            checked.append(_event(event))
        except DataError as problem:
            rejected.append((str(event.get("event_id")), str(problem)))
    recorded = decisions.record(checked)
    rejected += recorded.rejected
    states, reviewers = _states(decisions.current(recorded.rows))
    known = {state[0] for state in states}
    states += [
        [row, "clear", None, 0, 0, 0, []] for row in recorded.rows.tolist() if row not in known
    ]
    return {
        "saved": recorded.saved,
        "rejected": [{"event_id": event, "reason": reason} for event, reason in rejected],
        "reviewers": reviewers,
        "states": states,
    }


def _event(event: dict[str, Any]) -> NewStroke | TakeBack:
    """Return what a browser asks for; the types of texts are checked by what it becomes."""
    event_id = cast(str, event.get("event_id"))
    reviewer = event.get("reviewer") or DEFAULT_REVIEWER
    if event.get("undoes") is not None:
        return TakeBack(event_id=event_id, undoes=event["undoes"], reviewer=reviewer)
    rows = event.get("rows")
    # numpy would take True for 1 and "1" for a text; who knows the run checks the range.
    if not isinstance(rows, list) or not all(type(row) is int for row in rows):
        raise DataError("A decision names the images that it is about as a list of rows.")
    return NewStroke(
        event_id=event_id,
        rows=rows,
        verdict=cast(Any, event.get("verdict")),
        new_label=event.get("new_label"),
        note=event.get("note"),
        reviewer=reviewer,
    )


def history(decisions: RunDecisions, row: int) -> list[dict[str, Any]]:
    """Return what was decided about a training image, oldest first, ready for JSON."""
    frame = decisions.history(row)
    frame = frame[frame["undoes"].isna()].astype(object)
    entries = frame.where(frame.notna(), None).to_dict("records")
    kept = ("reviewer", "verdict", "new_label", "note", "value")
    return [
        {
            "at": entry["at"].isoformat(),
            **{name: entry[name] for name in kept},
            "run": entry["run_id"],
            "undone": bool(entry["undone"]),
            "before": [entry["before_verdict"], entry["before_label"]],
        }
        for entry in entries
    ]
