"""What is opened once for the pages and the routes together."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from core.runs import home
from pages.ui import cache, http


def test_the_pages_and_the_routes_share_an_opened_run(run):
    """Each had a cache of its own, so the tables of a run were in memory twice."""
    request = Request({"type": "http", "path_params": {"run": run.id}})
    assert http.opened(request).run is cache.opened_run(home(), run.id)


def test_what_the_statistics_need_is_made_once(run, monkeypatch: pytest.MonkeyPatch):
    """The Overview drew the audit sample again whenever it was drawn."""
    first = cache.ground(cache.opened(home(), run.id))
    monkeypatch.setattr(cache, "reviewable", lambda _: pytest.fail("made again"))
    assert cache.ground(cache.opened(home(), run.id)) is first
