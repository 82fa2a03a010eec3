"""Requests that ask for what they must not have: every route, as bytes on the wire."""

from __future__ import annotations

import http.client
import json
import re
import shutil
from urllib.parse import quote

import pytest

from pages.ui.routes import ROUTES
from tests.factories import make_home_run

PRIVATE = "what nobody may read"
OUT = [
    "..",
    "../..",
    "../outside",
    "..\\outside",
    "./",
    "/etc/passwd",
    "....//outside",
    "%2e%2e/outside",
    "\0",
    "x\r\nX-Injected: 1",
    "\u202e\u0000",
    "<img src=x onerror=window.__owned=1>",
    "'; DROP TABLE decisions; --",
    "\u2025/outside",
    "a" * 5000,
]
ROWS = [
    "-1",
    "60",
    "1000000",
    "9" * 30,
    "1e3",
    "0x1",
    "nan",
    "%00",
    "1.0",
    "\u0661",
    "+1",
    "1/..",
    "",
]


@pytest.fixture(scope="module")
def run(app):
    """A run, and beside the state folder's runs a copy of it that no request may open."""
    made = make_home_run(app.home, n=60, seed=41)
    shutil.copytree(made.path, app.home / "outside")
    (app.home / "private.json").write_text(PRIVATE)
    return made


def ask(app, path, method="GET", body=None):
    """Send `path` just as it is; return status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    headers = {} if body is None else {"X-Assay": "1", "Content-Type": "application/json"}
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    content = b"" if body is None else json.dumps(body).encode()
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    answer = connection.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return told


def encodings(text):
    """The ways to write `text` into a path: escaped, escaped twice, and as it is."""
    yield quote(text, safe="")
    yield quote(quote(text, safe=""), safe="")
    if text.isascii() and text.isprintable() and " " not in text:
        yield text


def addresses(run_id):
    """Every route with each of its parameters replaced by each of what must not work there."""
    proper = {"run": run_id, "side": "train", "row": "0", "key": "order", "name": "0" * 16}
    for route in ROUTES:
        method = "POST" if "POST" in route.methods else "GET"
        for name in re.findall(r"\{(\w+)", route.path):
            for wrong in ROWS if name == "row" else OUT:
                for text in encodings(wrong):
                    filled = {**proper, name: text}
                    yield method, re.sub(r"\{(\w+)[^}]*\}", lambda m, f=filled: f[m[1]], route.path)


def test_no_route_leads_out_of_its_run(app, run):
    asked = list(addresses(run.id))
    assert len(asked) > 500
    shell = ask(app, "/")[2]  # what Streamlit answers where no route fits: the empty page
    for method, path in asked:
        status, headers, body = ask(app, path, method, [] if method == "POST" else None)
        refused = status in (301, 307, 308, 400, 404, 405, 414, 422, 431)
        assert refused or (status == 200 and body == shell), (method, path, status)
        assert "X-Injected" not in headers
        assert PRIVATE.encode() not in body and b"root:" not in body
        assert b"PAR1" not in body and run.values["id"][0].encode() not in body
        if status in (301, 307, 308):
            assert headers["location"].startswith((f"{app.url}/", "/")), path
            assert not headers["location"].startswith("//"), path


QUERIES = [
    "ids?rows=-1", "ids?rows=60", "ids?rows=1e3", f"ids?rows={'9' * 40}", "ids?rows=",
    "ids?rows=1,,2", "ids?rows=%D9%A1", "ids", "row?id=..%2F..%2Foutside", "row?id=", "row",
    "row?id=%00",
    "images/train/0?size=-1", "images/train/0?size=99999", "images/train/0?size=../..",
    "images/other/0", "images/..%2Ftrain/0", "columns/score:../../private", "columns/flag:%00",
    "selections/..%2F..%2Fprivate.json", "map/..%2F..%2Fprivate.json/positions",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_nonsense_is_told_so_in_a_sentence(app, run, query):
    status, headers, body = ask(app, f"/assay/runs/{run.id}/{query}")
    assert status in (400, 404, 422), query
    if headers.get("content-type") == "application/json":  # else Streamlit has refused it before
        assert re.search(r"^[A-Z].*\.$", json.loads(body)["error"], re.DOTALL)
    assert PRIVATE.encode() not in body


def test_text_of_any_kind_is_looked_for_and_nothing_else(app, run):
    for text in [*OUT, "(", ".*", "%", "_", "\ud7ff", "'", '"', "\\"]:
        status, _, body = ask(app, f"/assay/runs/{run.id}/find?text={quote(text, safe='')}")
        found = [i for i, name in enumerate(run.values["id"]) if text.lower() in name]
        assert status == 200
        assert len(body) == 4 * len(found), text
        assert ask(app, f"/assay/runs/{run.id}/decisions?reviewer={quote(text)}")[0] in (200, 422)


WRONG = [
    {"rows": ["../x"]}, {"rows": [-1]}, {"rows": [60]}, {"rows": [2**70]}, {"rows": [1.5]},
    {"rows": [True]}, {"rows": []}, {"rows": "1"}, {"rows": [[1]]}, {"rows": None},
    {"verdict": "drop"}, {"verdict": None}, {"verdict": ["keep"]}, {"new_label": "<b>"},
    {"verdict": "relabel"}, {"verdict": "relabel", "new_label": "../x"},
    {"verdict": "relabel", "new_label": ["bag"]}, {"event_id": "../x"}, {"event_id": ""},
    {"event_id": 7}, {"event_id": None}, {"event_id": "x" * 201}, {"note": 7}, {"note": "n" * 2001},
    {"note": "\0"}, {"note": "\ud800"}, {"reviewer": "x" * 201}, {"reviewer": 7},
    {"reviewer": "\0"}, {"reviewer": ["x"]}, {"undoes": 7}, {"undoes": "nothing"},
    {"undoes": "../x" * 90},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: json.dumps(wrong)[:40])
def test_a_decision_of_nonsense_is_refused_and_writes_nothing(app, run, wrong):
    before = len(app.store().log())
    event = {"event_id": "e", "rows": [1], "verdict": "keep", **wrong}
    status, _, body = ask(app, f"/assay/runs/{run.id}/decisions", "POST", [event])
    assert status == 200
    told = json.loads(body)
    assert told["saved"] == 0
    assert re.search(r"^[A-Z].*\.$", told["rejected"][0]["reason"], re.DOTALL)
    assert len(app.store().log()) == before
