"""The HTTP routes: what they answer, what they refuse, and that they name no path."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import uuid

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.curation import open_store
from core.runs import home
from pages.ui.routes import MAX_BODY, MAX_EVENTS, ROUTES
from tests.factories import make_home_run

SAFE = {"X-Assay": "1"}


@pytest.fixture
def run():
    return make_home_run(home())


@pytest.fixture
def client():
    with TestClient(Starlette(routes=ROUTES)) as opened:
        yield opened


@pytest.fixture
def at(run):
    return f"/assay/runs/{run.id}"


def event(run, row: int = 0, verdict: str = "remove", **fields: object) -> dict[str, object]:
    image_id = run.values["id"].iloc[row]
    return {"event_id": uuid.uuid4().hex, "image_id": image_id, "verdict": verdict, **fields}


def post(client, at, events):
    return client.post(f"{at}/decisions", json=events, headers=SAFE)


def test_the_ranking_holds_every_image_and_its_place(client, at, run):
    body = client.get(f"{at}/ranking").json()
    assert body["ids"] == run.values["id"].tolist()
    assert body["order"] == np.argsort(run.values["value"].to_numpy(), kind="stable").tolist()
    assert body["classes"] == list(run.class_names)
    np.testing.assert_allclose(body["values"], run.values["value"], rtol=1e-5)


def test_the_ranking_is_sent_compressed_and_only_once(client, at):
    first = client.get(f"{at}/ranking", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(f"{at}/ranking", headers={"If-None-Match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(f"{at}/ranking", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == first.json()
    assert gzip.compress(b"") != plain.content


def test_a_picture_is_sent_as_it_is_stored_and_kept_for_good(client, at, run):
    answer = client.get(f"{at}/images/train/3?size=256")
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    with open(run.values["path"].iloc[3], "rb") as file:  # noqa: PTH123
        assert answer.content == file.read()
    tag = answer.headers["etag"]
    again = client.get(f"{at}/images/train/3?size=256", headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_validation_pictures_are_served_too(client, at):
    assert client.get(f"{at}/images/validation/0").status_code == 200


def test_a_large_picture_is_made_smaller(client, at, run):
    path = run.values["path"].iloc[5]
    Image.fromarray(np.zeros((900, 600, 3), np.uint8)).save(path)
    answer = client.get(f"{at}/images/train/5?size=128")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (85, 128)


def test_a_picture_that_no_browser_shows_is_converted(client, at, run):
    path = run.values["path"].iloc[6]
    Image.fromarray(np.arange(144, dtype=np.uint8).reshape(12, 12)).save(path, format="TIFF")
    answer = client.get(f"{at}/images/train/6?size=256")
    assert answer.headers["content-type"] == "image/webp"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"), dtype=int)
    assert abs(shown - np.arange(144).reshape(12, 12)).max() <= 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("images/train/60", 404),
        ("images/train/x", 404),
        ("images/test/0", 404),
        ("images/train/0?size=77", 400),
        ("evidence/60", 404),
        ("sensitivity/60", 404),
    ],
)
def test_what_is_not_there_is_refused(client, at, path, status):
    assert client.get(f"{at}/{path}").status_code == status


@pytest.mark.parametrize("name", ["0" * 16, "..", "%2e%2e", "x" * 16, "A" * 16])
@pytest.mark.parametrize(
    "what", ["ranking", "decisions", "images/train/0", "evidence/0", "sensitivity/0"]
)
def test_an_unknown_run_is_refused_without_looking_for_a_path(client, name, what):
    assert client.get(f"/assay/runs/{name}/{what}").status_code == 404


def test_pictures_whose_source_is_gone_say_so_and_the_rest_still_works(client, at, run):
    shutil.rmtree(run.record.train.source)
    answer = client.get(f"{at}/images/train/0")
    assert answer.status_code == 410
    assert answer.json()["error"].endswith(".")
    assert client.get(f"{at}/ranking").status_code == 200
    assert client.get(f"{at}/evidence/0").status_code == 200


def test_a_picture_that_broke_since_is_named(client, at, run):
    with open(run.values["path"].iloc[2], "wb") as file:  # noqa: PTH123
        file.write(b"no picture")
    answer = client.get(f"{at}/images/train/2")
    assert answer.status_code == 410
    assert run.values["id"].iloc[2] in answer.json()["error"]


def test_evidence_is_about_validation_images_and_splits_the_cost(client, at, run):
    body = client.get(f"{at}/evidence/7").json()
    label = run.values["label"].iloc[7]
    assert {item["label"] for item in body["own"]} == {label}
    assert [i["distance"] for i in body["overall"]] == sorted(
        i["distance"] for i in body["overall"]
    )
    assert [i["share"] for i in body["matched"]] == sorted(
        (i["share"] for i in body["matched"]), reverse=True
    )
    assert body["feature_cost"] >= 0
    assert body["label_cost"] >= 0


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, {}),
        (
            {"likely_fault": "noise", "fault_probability": 0.75},
            {"fault": {"kind": "noise", "probability": 0.75}},
        ),
        (
            {"suggested_label": 1, "suggested_probability": 0.75, "own_probability": 0.25},
            {"suggestion": {"label": 1, "probability": 0.75, "own": 0.25}},
        ),
    ],
    ids=("neither", "calibrated", "label posterior"),
)
def test_evidence_says_what_the_run_makes_of_fault_and_label(client, at, run, columns, expected):
    run.values.assign(**columns).to_parquet(run.path / "values.parquet")
    body = client.get(f"{at}/evidence/7").json()
    assert {name: body[name] for name in ("fault", "suggestion") if name in body} == expected


def test_the_sensitivity_runs_from_removal_to_double_weight(client, at):
    body = client.get(f"{at}/sensitivity/7").json()
    shares, predicted, actual = (np.array(body[name]) for name in ("shares", "predicted", "actual"))
    assert (shares[0], shares[10], shares[-1]) == (-1, 0, 1)
    np.testing.assert_allclose(predicted, predicted[-1] * shares, atol=1e-15)
    assert (actual - predicted).min() >= 0
    assert body["images"] == body["linear"]["images"] == [60, 30]
    assert body["whole"] is body["linear"]["whole"] is True
    assert body["holds"][0] <= 0 <= body["holds"][1]


def test_the_sensitivity_of_a_run_of_one_image_says_why_there_is_none(client):
    alone = make_home_run(home(), n=1)
    answer = client.get(f"/assay/runs/{alone.id}/sensitivity/0")
    assert answer.status_code == 422
    assert "single training image" in answer.json()["error"]


def test_decisions_are_recorded_in_order_and_read_back(client, at, run):
    first, second = event(run, 0), event(run, 0, "keep", reviewer="Ada")
    answer = post(client, at, [first, second]).json()
    assert (answer["saved"], answer["rejected"]) == (2, [])
    image_id = run.values["id"].iloc[0]
    assert answer["states"] == {image_id: ["keep", None]}
    assert client.get(f"{at}/decisions").json()["states"] == {image_id: ["keep", None]}
    row = open_store(home()).current(run.record.train.fingerprint).iloc[0]
    assert row["value"] == run.values["value"].iloc[0]
    assert (row["run_id"], row["reviewer"]) == (run.id, "Ada")


def test_sending_twice_records_once(client, at, run):
    events = [event(run), event(run, 1)]
    assert post(client, at, events).json() == post(client, at, events).json()
    history = open_store(home()).history(run.record.train.fingerprint, run.values["id"].iloc[0])
    assert len(history) == 1


def test_an_undo_is_an_event_like_others(client, at, run):
    first = event(run)
    undo = {"event_id": "u", "undoes": first["event_id"]}
    assert post(client, at, [first, undo]).json()["states"] == {first["image_id"]: ["clear", None]}
    redo = {"event_id": "r", "undoes": "u"}
    assert post(client, at, [redo]).json()["states"] == {first["image_id"]: ["remove", None]}


def test_what_can_be_undone_is_told_to_its_reviewer_only(client, at, run):
    post(client, at, [event(run, 0, reviewer="Ada"), event(run, 1, reviewer="Ben")])
    body = client.get(f"{at}/decisions?reviewer=Ada").json()
    assert [row["image_id"] for row in body["undoable"]] == [run.values["id"].iloc[0]]
    assert body["undoable"][0]["before"] == ["clear", None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_id": "../../etc/passwd"},
        {"image_id": 7},
        {"verdict": "burn"},
        {"verdict": "relabel", "new_label": "no such class"},
        {"event_id": None},
        {"note": "x" * 5000},
        {"event_id": "u", "undoes": "nothing"},
        {"event_id": ["u"], "undoes": "nothing"},
    ],
)
def test_one_wrong_event_is_named_and_holds_up_no_other(client, at, run, wrong):
    events = [event(run, 0), {**event(run, 1), **wrong}, event(run, 2)]
    answer = post(client, at, events)
    assert answer.status_code == 200
    assert len(answer.json()["rejected"]) == 1
    states = client.get(f"{at}/decisions").json()["states"]
    assert set(states) == {events[0]["image_id"], events[2]["image_id"]}


def test_a_request_that_another_site_could_forge_is_refused(client, at, run):
    body = json.dumps([event(run)])
    kind = {"Content-Type": "application/json"}
    assert client.post(f"{at}/decisions", content=body, headers=kind).status_code == 403
    forged = {**SAFE, "Content-Type": "text/plain"}
    assert client.post(f"{at}/decisions", content=body, headers=forged).status_code == 415
    assert client.get(f"{at}/decisions").json()["states"] == {}


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


def test_the_first_page_is_also_found_by_its_name(client):
    answer = client.get("/start?job=0123456789abcdef", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "/?job=0123456789abcdef"
    assert client.get("/start", follow_redirects=False).headers["location"] == "/"
