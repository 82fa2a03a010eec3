"""A run, and a client of the routes that serve it."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.runs import home
from pages.ui.routes import ROUTES
from tests.factories import make_home_run


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
