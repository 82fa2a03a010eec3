"""Databases of decisions: SQLite, and a PostgreSQL server where one is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.curation import DecisionStore, RunDecisions
from core.runs import Run
from tests.factories import make_run
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'assay.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Sixty images of three classes, without pictures."""
    return make_run(tmp_path_factory.mktemp("home") / "runs" / "r", pictures=False)


@pytest.fixture
def decisions(tmp_path: Path, run: Run) -> Iterator[RunDecisions]:
    """What was decided about `run`: nothing yet; SQLite."""
    store = DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}")
    yield RunDecisions(store, run)
    store.close()
