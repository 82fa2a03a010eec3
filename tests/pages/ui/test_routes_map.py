"""The routes of the map: positions once, selections under a name, nothing for a forged request."""

from __future__ import annotations

import numpy as np
import pytest

from core.embedding import Layout, LayoutConfig
from core.runs import home, map_at_home, map_key

OWN = {"X-Assay": "1", "Content-Type": "application/json"}


@pytest.fixture
def drawn(run, monkeypatch):
    """A map of the run, made without UMAP; its key."""
    rng = np.random.default_rng(0)
    layout = Layout(rng.random((60, 2), np.float32), rng.random((30, 2), np.float32), 90)
    monkeypatch.setattr("core.runs.maps.lay_out", lambda *_: layout)
    map_at_home(run, home(), LayoutConfig())
    return map_key(run, LayoutConfig()), layout


def test_positions_are_sent_as_floats_training_first_and_kept_for_good(client, at, drawn):
    key, layout = drawn
    answer = client.get(f"{at}/map/{key}/positions")
    sent = np.frombuffer(answer.content, "<f4").reshape(-1, 2)
    np.testing.assert_array_equal(sent, np.concatenate([layout.train, layout.validation]))
    assert "immutable" in answer.headers["cache-control"]
    known = {"If-None-Match": answer.headers["etag"]}
    again = client.get(f"{at}/map/{key}/positions", headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("key", ["0" * 64, "x", "..%2F..%2Fassay"])
def test_a_key_of_no_map_is_not_found(client, at, drawn, key):
    assert client.get(f"{at}/map/{key}/positions").status_code == 404


def test_a_map_that_was_never_drawn_is_not_found(client, at, run):
    answer = client.get(f"{at}/map/{map_key(run, LayoutConfig())}/positions")
    assert answer.status_code == 404
    assert "not been drawn" in answer.json()["error"]


def test_validation_images_are_named_and_labelled(client, at, run):
    labels = np.frombuffer(client.get(f"{at}/map/validation/labels").content, "<u2")
    np.testing.assert_array_equal(labels, run.validation["label"])
    answer = client.get(f"{at}/map/validation/ids/4")
    assert answer.json() == {"id": run.validation["id"][4]}
    assert client.get(f"{at}/map/validation/ids/30").status_code == 404


def test_a_selection_is_kept_and_read_back(client, at):
    name = client.post(f"{at}/selections", json=[9, 2, 40], headers=OWN).json()["selection"]
    rows = np.frombuffer(client.get(f"{at}/selections/{name}").content, "<u4")
    np.testing.assert_array_equal(rows, [2, 9, 40])


@pytest.mark.parametrize("body", [{"rows": [1]}, ["1"], [1.5], [True], [10**30], "x"])
def test_what_is_no_list_of_rows_is_refused(client, at, body):
    assert client.post(f"{at}/selections", json=body, headers=OWN).status_code == 400


@pytest.mark.parametrize("rows", [[], [60], [-1]])
def test_rows_that_the_run_does_not_have_are_explained(client, at, rows):
    answer = client.post(f"{at}/selections", json=rows, headers=OWN)
    assert answer.status_code == 410
    assert answer.json()["error"]


def test_a_request_of_another_origin_keeps_nothing(client, at):
    assert client.post(f"{at}/selections", json=[1]).status_code == 403
    plain = {"X-Assay": "1", "Content-Type": "text/plain"}
    assert client.post(f"{at}/selections", content=b"[1]", headers=plain).status_code == 415
    assert not (home() / "selections").exists()


@pytest.mark.parametrize("name", ["0" * 16, "..", "%2e%2e%2fruns"])
def test_a_name_of_no_selection_is_not_found(client, at, name):
    assert client.get(f"{at}/selections/{name}").status_code == 404
