"""Decisions as the browser knows them: rows of a run for images, strokes of one image or many."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from core.curation import (
    DEFAULT_REVIEWER,
    Decision,
    DecisionStore,
    NewDecision,
    RunDecisions,
)
from core.errors import AssayError, DataError
from pages.ui.review_columns import row_of_id, rows_of_ids
from pages.ui.review_data import OpenedRun

Row = list[Any]


def standing(opened: OpenedRun, store: DecisionStore, reviewer: str) -> dict[str, Any]:
    """Return what is decided now and what `reviewer` could undo, ready for JSON."""
    decisions = RunDecisions(store, opened.run)
    states, reviewers = _states(opened, decisions.current())
    return {
        "reviewers": reviewers,
        "states": states,
        "undoable": _strokes(opened, decisions.undoable(reviewer)),
        "carried": {},
    }


def _states(opened: OpenedRun, current: pd.DataFrame) -> tuple[list[Row], list[str]]:
    """Return the state of each image of the table `current`, and the reviewers named in it."""
    rows = rows_of_ids(opened, current["image_id"].tolist())
    who, reviewers = pd.factorize(current["reviewer"])
    states = [
        [int(row), verdict, label, int(name), 0, int(bool(note)), [int(name)]]
        for row, verdict, label, note, name in zip(
            rows,
            current["verdict"],
            current["new_label"].astype(object).where(current["new_label"].notna(), None),
            current["note"],
            who,
            strict=True,
        )
        if row >= 0
    ]
    return states, [str(name) for name in reviewers]


def _strokes(opened: OpenedRun, log: list[Decision]) -> list[dict[str, Any]]:
    """Group rows of the log that were written together."""
    strokes: list[dict[str, Any]] = []
    last = None
    for entry in log:
        row = row_of_id(opened, entry.image_id)
        if row is None:
            continue
        if entry.batch_id is None or entry.batch_id != last:
            strokes.append({"event_id": entry.event_id, "rows": []})
        last = entry.batch_id
        before = [entry.previous_verdict or "clear", entry.previous_label]
        strokes[-1]["rows"].append([row, entry.verdict, entry.new_label, *before])
    return strokes


def record_events(
    opened: OpenedRun, store: DecisionStore, events: list[dict[str, Any]]
) -> dict[str, Any]:
    """Record `events` in order; one that cannot be recorded is named and holds up no other."""
    decisions = RunDecisions(store, opened.run)
    rejected: list[dict[str, str]] = []
    touched: set[int] = set()
    for event in events:
        try:
            if event.get("undoes") is not None:
                taken = decisions.take_back(**_undo(event))
                touched.update(int(r) for r in rows_of_ids(opened, [t.image_id for t in taken]))
            else:
                store.record_many(_new_decisions(opened, decisions, event))
                touched.update(event["rows"])
        except DataError as problem:
            rejected.append(_refusal(event, problem))
    states, reviewers = _states(opened, decisions.current())
    kept = {state[0]: state for state in states if state[0] in touched}
    return {
        "saved": len(events) - len(rejected),
        "rejected": rejected,
        "reviewers": reviewers,
        "states": [kept.get(row, [row, "clear", None, 0, 0, 0, []]) for row in sorted(touched)],
    }


def _refusal(event: dict[str, Any], problem: AssayError) -> dict[str, str]:
    return {"event_id": str(event.get("event_id")), "reason": str(problem)}


def _undo(event: dict[str, Any]) -> dict[str, str]:
    fields = {name: event.get(name) for name in ("undoes", "event_id", "reviewer")}
    fields["reviewer"] = fields["reviewer"] or DEFAULT_REVIEWER
    for name, text in fields.items():
        if not isinstance(text, str) or not 0 < len(text) <= 200:
            raise DataError(f"An undo needs a text of at most 200 characters as {name}.")
    return cast(dict[str, str], fields)


def _new_decisions(
    opened: OpenedRun, decisions: RunDecisions, event: dict[str, Any]
) -> list[NewDecision]:
    """Check an event against the run: the images must be in it, the new label a class of it."""
    rows = event.get("rows")
    if not isinstance(rows, list) or not rows or not all(type(row) is int for row in rows):
        raise DataError("A decision names the images that it is about as a list of rows.")
    if not 0 <= min(rows) <= max(rows) < opened.n:
        raise DataError("The decision is about an image that this run does not hold.")
    new_label = event.get("new_label")
    if new_label is not None and new_label not in opened.run.class_names:
        raise DataError("The new label is not a class of this run.")
    ids = opened.run.values["id"].iloc[rows].tolist()
    value = opened.run.values["value"].to_numpy(dtype=np.float64)
    event_id = cast(str, event.get("event_id"))
    return [
        NewDecision(
            event_id=event_id if position == 0 else f"{event_id}/{position}",
            dataset=decisions.dataset_of(image_id),
            image_id=image_id,
            verdict=cast(Any, event.get("verdict")),
            new_label=new_label,
            note=event.get("note") or "",
            reviewer=event.get("reviewer") or DEFAULT_REVIEWER,
            run_id=opened.run.id,
            value=float(value[row]),
            batch_id=event_id if len(rows) > 1 else None,
        )
        for position, (row, image_id) in enumerate(zip(rows, ids, strict=True))
    ]


def history(opened: OpenedRun, store: DecisionStore, row: int) -> list[dict[str, Any]]:
    """Return what was decided about a training image, oldest first, ready for JSON."""
    image_id = opened.run.values["id"].iloc[row]
    dataset = RunDecisions(store, opened.run).dataset_of(image_id)
    log = store.history(dataset, image_id)
    undone = {entry.undoes for entry in log if entry.undoes}
    return [
        {
            "at": entry.at.isoformat(),
            "reviewer": entry.reviewer,
            "verdict": entry.verdict,
            "new_label": entry.new_label,
            "note": entry.note,
            "value": entry.value,
            "run": entry.run_id,
            "undone": entry.event_id in undone,
            "before": [entry.previous_verdict or "clear", entry.previous_label],
        }
        for entry in log
        if entry.undoes is None
    ]
