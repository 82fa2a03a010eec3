"""The routes of pictures and ranking: what they answer, refuse, and that they name no path."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.curation import import_scores, read_scores
from core.runs import home, suggestions
from tests.factories import make_home_run

TYPES = {
    "order": "<u4", "value": "<f4", "label": "<u2", "looks_like": "<u2", "source": "<u2",
    "suggested": "<u2", "suggested_confidence": "<f4",
}  # fmt: skip


def column(client, at, key):
    answer = client.get(f"{at}/columns/{key}")
    assert answer.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(answer.content, TYPES.get(key, "<f4"))


def test_columns_hold_every_image_in_the_order_of_the_run(client, at, run):
    body = client.get(f"{at}/ranking").json()
    assert (body["n"], body["classes"]) == (60, list(run.class_names))
    value = run.values["value"].to_numpy()
    np.testing.assert_array_equal(column(client, at, "order"), np.argsort(value, kind="stable"))
    np.testing.assert_array_equal(column(client, at, "value"), value.astype(np.float32))
    np.testing.assert_array_equal(column(client, at, "label"), run.values["label"])
    np.testing.assert_array_equal(column(client, at, "looks_like"), run.values["looks_like"])
    np.testing.assert_array_equal(column(client, at, "source"), np.zeros(60))


def test_suggested_labels_are_a_column_with_their_confidence(client, at, run):
    found = suggestions(run)
    np.testing.assert_array_equal(column(client, at, "suggested"), found.label)
    np.testing.assert_array_equal(column(client, at, "suggested_confidence"), found.confidence)


def test_scores_of_another_tool_are_columns_listed_by_the_ranking(client, at, run, tmp_path):
    scores = np.arange(60, dtype=np.float32)
    table = pd.DataFrame({"id": run.values["id"][::-1], "quality": scores, "bad": scores < 10})
    table.to_csv(tmp_path / "tool.csv", index=False)
    read = read_scores(tmp_path / "tool.csv")
    import_scores(home(), run, read, column="quality", better="higher", flag="bad")
    listed = client.get(f"{at}/ranking").json()["columns"]
    assert [column["kind"] for column in listed] == ["score", "flag"]
    np.testing.assert_array_equal(column(client, at, listed[0]["key"]), scores[::-1])
    flags = client.get(f"{at}/columns/{listed[1]['key']}").content
    np.testing.assert_array_equal(np.frombuffer(flags, "u1"), (scores < 10)[::-1])


def test_text_is_found_in_notes_too(client, at):
    noted = {"event_id": "e", "rows": [5], "verdict": "clear", "note": "Blurred?"}
    client.post(f"{at}/decisions", json=[noted], headers={"X-Assay": "1"})
    found = client.get(f"{at}/find", params={"text": "blur"}).content
    np.testing.assert_array_equal(np.frombuffer(found, "<u4"), [5])


def test_a_large_column_is_sent_compressed_and_only_once(client):
    large = make_home_run(home(), n=3000, pictures=False)
    url = f"/assay/runs/{large.id}/columns/label"
    first = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(url, headers={"If-None-Match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content


def test_ids_and_rows_lead_to_each_other(client, at, run):
    ids = client.get(f"{at}/ids?rows=7,3").json()
    assert ids == run.values["id"].iloc[[7, 3]].tolist()
    assert client.get(f"{at}/row", params={"id": ids[0]}).json() == {"row": 7}


def test_text_is_found_in_ids_in_any_case_and_taken_literally(client, at, run):
    def found(text):
        return np.frombuffer(client.get(f"{at}/find", params={"text": text}).content, "<u4")

    expected = np.flatnonzero(run.values["id"].str.startswith("bag/"))
    np.testing.assert_array_equal(found("BAG/"), expected)
    assert len(found(".*")) == 0


def test_ids_of_any_kind_are_found_again(client, run):
    table = pd.read_parquet(run.path / "values.parquet")
    hostile = ["a\"b'c", "line\nbreak", "../../etc/passwd", "Grüße 猫", "x" * 300, "a&b=c%2f#?"]
    table.loc[: len(hostile) - 1, "id"] = hostile
    table.to_parquet(run.path / "values.parquet", index=False)
    at = f"/assay/runs/{run.id}"
    assert client.get(f"{at}/ids?rows=0,1,2,3,4,5").json() == hostile
    for row, image_id in enumerate(hostile):
        assert client.get(f"{at}/row", params={"id": image_id}).json() == {"row": row}


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
        ("columns/nothing", 404),
        ("columns/score:../../x", 404),
        ("ids", 400),
        ("ids?rows=-1", 400),
        ("ids?rows=60", 404),
        ("row?id=../../etc/passwd", 404),
        ("history/60", 404),
        ("evidence/60", 404),
        ("sensitivity/60", 404),
    ],
)
def test_what_is_not_there_is_refused(client, at, path, status):
    assert client.get(f"{at}/{path}").status_code == status


@pytest.mark.parametrize("name", ["0" * 16, "..", "%2e%2e", "x" * 16, "A" * 16])
@pytest.mark.parametrize(
    "what", ["ranking", "columns/order", "decisions", "images/train/0", "evidence/0", "history/0"]
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


def test_the_first_page_is_also_found_by_its_name(client):
    answer = client.get("/start?job=0123456789abcdef", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "/?job=0123456789abcdef"
    assert client.get("/start", follow_redirects=False).headers["location"] == "/"
