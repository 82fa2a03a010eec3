"""The routes of decisions: strokes over rows, in order, once, and none that could be forged."""

from __future__ import annotations

import json
import uuid

import pytest

from core.curation import RunDecisions, open_store
from core.runs import home
from pages.ui.routes_decisions import MAX_BODY, MAX_EVENTS, MAX_ROWS

SAFE = {"X-Assay": "1"}


def event(rows=(0,), verdict: str = "remove", **fields: object) -> dict[str, object]:
    return {"event_id": uuid.uuid4().hex, "rows": list(rows), "verdict": verdict, **fields}


def post(client, at, events):
    return client.post(f"{at}/decisions", json=events, headers=SAFE)


def states(client, at) -> dict[int, list[object]]:
    """Return verdict, new label, disputed and noted of each image by row."""
    body = client.get(f"{at}/decisions").json()
    return {row: [verdict, label] for row, verdict, label, *_ in body["states"]}


def test_decisions_are_recorded_in_order_and_read_back(client, at, run):
    answer = post(client, at, [event(), event(verdict="keep", reviewer="Ada")]).json()
    assert (answer["saved"], answer["rejected"]) == (2, [])
    assert answer["states"][0][:3] == [0, "keep", None]
    body = client.get(f"{at}/decisions").json()
    row, verdict, label, who, *_ = body["states"][0]
    assert (row, verdict, label, body["reviewers"][who]) == (0, "keep", None, "Ada")
    kept = RunDecisions(open_store(home()), run).current().iloc[0]
    assert kept["value"] == run.values["value"].iloc[0]
    assert (kept["run_id"], kept["image_id"]) == (run.id, run.values["id"].iloc[0])


def test_a_stroke_over_many_images_is_undone_together(client, at):
    stroke = event(range(10), "relabel", new_label="boot")
    post(client, at, [stroke])
    assert states(client, at) == {row: ["relabel", "boot"] for row in range(10)}
    undoable = client.get(f"{at}/decisions").json()["undoable"]
    assert [u["event_id"] for u in undoable] == [stroke["event_id"]]
    assert undoable[0]["rows"][3] == [3, "relabel", "boot", "clear", None]
    answer = post(client, at, [{"event_id": "u", "undoes": stroke["event_id"]}]).json()
    assert [state[:2] for state in answer["states"]] == [[row, "clear"] for row in range(10)]
    assert states(client, at) == {}
    post(client, at, [{"event_id": "r", "undoes": "u"}])
    assert len(states(client, at)) == 10


def test_sending_twice_records_once(client, at):
    events = [event(), event([1, 2])]
    first = post(client, at, events).json()
    assert post(client, at, events).json()["states"] == first["states"]
    assert len(client.get(f"{at}/history/0").json()) == 1


def test_what_can_be_undone_is_told_to_its_reviewer_only(client, at):
    post(client, at, [event([0], reviewer="Ada"), event([1], reviewer="Ben")])
    body = client.get(f"{at}/decisions?reviewer=Ada").json()
    assert [stroke["rows"] for stroke in body["undoable"]] == [[[0, "remove", None, "clear", None]]]


def test_the_history_tells_who_when_why_and_what_was_taken_back(client, at, run):
    first = event([4], reviewer="Ada", note="blurred")
    post(client, at, [first, {"event_id": "u", "undoes": first["event_id"], "reviewer": "Ada"}])
    post(client, at, [event([4], "keep", reviewer="Ben")])
    told = client.get(f"{at}/history/4").json()
    assert [(h["reviewer"], h["verdict"], h["note"], h["undone"]) for h in told] == [
        ("Ada", "remove", "blurred", True),
        ("Ben", "keep", "", False),
    ]
    assert told[0]["value"] == run.values["value"].iloc[4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": [60]},
        {"rows": [-1]},
        {"rows": ["../../etc/passwd"]},
        {"rows": [True]},
        {"rows": []},
        {"rows": 7},
        {"rows": [2**70]},
        {"rows": [-1, 2**63]},
        {"verdict": "burn"},
        {"verdict": "relabel", "new_label": "no such class"},
        {"event_id": None},
        {"note": "x" * 5000},
        {"note": {}},
        {"reviewer": ["Ada"]},
        {"verdict": ["keep"]},
        {"verdict": "relabel", "new_label": ["boot"]},
        {"event_id": "u", "undoes": 7},
        {"event_id": "u", "undoes": "nothing"},
        {"event_id": ["u"], "undoes": "nothing"},
    ],
)
def test_one_wrong_event_is_named_and_holds_up_no_other(client, at, wrong):
    answer = post(client, at, [event([0]), {**event([1]), **wrong}, event([2])])
    assert answer.status_code == 200
    assert len(answer.json()["rejected"]) == 1
    assert set(states(client, at)) == {0, 2}


def test_who_decides_is_told_by_the_proxy_where_there_is_one(client, at, run, monkeypatch):
    trusted = {"X-Forwarded-User": "name"}
    monkeypatch.setattr("pages.ui.reviewer.st.get_option", lambda name: trusted)
    headers = {**SAFE, "X-Forwarded-User": "Ada  Lovelace"}
    client.post(f"{at}/decisions", json=[event(reviewer="Mallory")], headers=headers)
    current = RunDecisions(open_store(home()), run).current()
    assert current["reviewer"].tolist() == ["Ada Lovelace"]


def test_a_request_that_another_site_could_forge_is_refused(client, at):
    body = json.dumps([event()])
    kind = {"Content-Type": "application/json"}
    assert client.post(f"{at}/decisions", content=body, headers=kind).status_code == 403
    forged = {**SAFE, "Content-Type": "text/plain"}
    assert client.post(f"{at}/decisions", content=body, headers=forged).status_code == 415
    assert states(client, at) == {}


@pytest.mark.parametrize("body", ["", "{", "{}", "[1]", "null", "\ud800"])
def test_a_body_that_is_no_list_of_events_is_refused(client, at, body):
    headers = {**SAFE, "Content-Type": "application/json"}
    content = body.encode("utf-8", "surrogatepass")
    answer = client.post(f"{at}/decisions", content=content, headers=headers)
    assert answer.status_code == 400


def test_too_much_at_once_is_refused(client, at):
    headers = {**SAFE, "Content-Type": "application/json"}
    large = client.post(f"{at}/decisions", content=b" " * (MAX_BODY + 1), headers=headers)
    assert large.status_code == 413
    assert post(client, at, [{}] * (MAX_EVENTS + 1)).status_code == 413
    assert post(client, at, [event([0] * (MAX_ROWS + 1))]).status_code == 413
