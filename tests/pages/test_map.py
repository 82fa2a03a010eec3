"""The map page: what it offers before there is a map, while one is drawn, and after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.embedding import Layout, LayoutConfig
from core.runs import JobStatus, MapSpec, Run, map_at_home
from tests.factories import make_home_run
from tests.pages.conftest import Open, texts


@pytest.fixture
def run(assay_home: Path) -> Run:
    return make_home_run(assay_home)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[MapSpec]:
    """What was asked for; no process is started."""
    asked: list[MapSpec] = []

    def start_job(spec: MapSpec, home: Path) -> str:
        asked.append(spec)
        return "a" * 16

    monkeypatch.setattr("pages.ui.jobs.start_job", start_job)
    return asked


def job_of(run: Run, state: str, **known: str) -> JobStatus:
    spec = MapSpec(run=run.id)
    return JobStatus(id="b" * 16, state=state, spec=spec, started="2026-01-01", **known)


def test_without_a_map_the_page_says_what_it_takes_and_draws_it_on_request(
    open_page: Open, run: Run, started: list[MapSpec]
) -> None:
    app = open_page("map", run=run.id)
    assert not app.exception
    assert "The map has not been drawn yet" in texts(app)
    assert "90 images" in texts(app)
    assert "on a busy machine" in texts(app)
    app.button(key="map__draw").click().run()
    assert started == [MapSpec(run=run.id)]


def test_while_it_is_drawn_the_page_shows_how_far_it_is(
    open_page: Open, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(run, "running", stage="Layout", detail="round 20 of 200")
    monkeypatch.setattr("pages.ui.jobs.list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)
    app = open_page("map", run=run.id)
    assert not app.exception
    assert "Drawing the map" in texts(app)
    assert run.id not in job.spec.what
    assert not [button for button in app.button if button.key == "map__draw"]


@pytest.mark.parametrize(("done", "bars"), [(0.0, 0), (0.1, 1)])
def test_a_stage_that_cannot_say_how_far_it_is_shows_no_empty_bar(
    open_page: Open, run: Run, monkeypatch: pytest.MonkeyPatch, done: float, bars: int
) -> None:
    job = replace(job_of(run, "running", stage="Loading UMAP", detail="Compiled first"), done=done)
    monkeypatch.setattr("pages.ui.jobs.list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)
    app = open_page("map", run=run.id)
    assert not app.exception
    assert len(app.get("progress")) == bars
    assert ("Loading UMAP · Compiled first" in texts(app)) == (not bars)


def test_a_failed_map_says_why_and_can_be_tried_again(
    open_page: Open, run: Run, started: list[MapSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(run, "failed", error="The disk is full")
    forgotten: list[str] = []
    monkeypatch.setattr("pages.ui.jobs.list_jobs", lambda home: [job])
    monkeypatch.setattr("core.runs.forget_job", lambda home, job_id: forgotten.append(job_id))
    app = open_page("map", run=run.id)
    assert [error.value for error in app.error] == ["The disk is full"]
    assert app.button(key="map__draw").label == "Try again"
    app.button(key="map__draw").click().run()
    assert forgotten == [job.id]
    assert started == [MapSpec(run=run.id)]


def test_with_a_map_the_page_offers_nothing_and_shows_it(
    open_page: Open, run: Run, assay_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(np.zeros((60, 2), np.float32), np.zeros((30, 2), np.float32), 90)
    monkeypatch.setattr("core.runs.maps.lay_out", lambda *_: layout)
    map_at_home(run, assay_home, LayoutConfig())
    app = open_page("map", run=run.id)
    assert not app.exception
    assert not app.button
