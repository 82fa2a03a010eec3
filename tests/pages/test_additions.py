"""Overview: images are added to a run, and what came of it is said."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.curation import NewStroke, RunDecisions, open_store
from core.runs import Run, ValueSpec, append_at_home, job_status, list_jobs, value_at_home
from pages.ui import state
from tests.factories import make_images
from tests.pages.conftest import Open, texts

SOURCE, CHECK, START = (f"overview__add_{name}" for name in ("source", "check", "start"))


@pytest.fixture
def run(assay_home: Path, tmp_path: Path) -> Run:
    """A run of pictures, embedded by their pixels: torch is spared most of the time."""
    for name, n in (("week1", 45), ("validation", 30)):
        make_images(tmp_path / name, n, 3, seed=n)
    spec = ValueSpec(
        train=str(tmp_path / "week1"),
        validation=str(tmp_path / "validation"),
        embedder="pixels",
        settings="published",
    )
    return value_at_home(spec, assay_home)[0]


@pytest.fixture
def week2(tmp_path: Path) -> str:
    make_images(tmp_path / "week2", 12, 3, seed=7)
    for path in (tmp_path / "week2").rglob("*.png"):
        path.rename(path.with_name(f"new-{path.name}"))
    return str(tmp_path / "week2")


def _check(app: object, source: str) -> None:
    app.text_input(key=SOURCE).set_value(source)  # type: ignore[attr-defined]
    app.button(key=CHECK).click().run()  # type: ignore[attr-defined]


def test_images_are_checked_added_and_followed(
    open_page: Open, assay_home: Path, run: Run, week2: str
) -> None:
    app = open_page("overview", run=run.id)
    _check(app, week2)
    assert not app.error
    assert "12 images of 3 classes" in texts(app)
    assert app.button(key=START).label == "Add 12 images"
    app.button(key=START).click().run()
    assert not app.exception
    (job,) = list_jobs(assay_home)
    assert "Adding" in texts(app)
    assert app.button(key=f"jobs__cancel__{job.id}")
    until = time.monotonic() + 60
    while not (status := job_status(assay_home, job.id)).ended:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert status.state == "done", status.error
    app.run()
    assert not app.exception
    assert app.query_params["run"] == status.run_id
    assert "What was added: 12 images" in texts(app)
    assert app.text_input(key=SOURCE).value == ""


@pytest.mark.parametrize(
    ("source", "said"), [("", "Name the new images"), ("/no/such", "no such file")]
)
def test_a_source_that_cannot_be_added_is_explained(
    open_page: Open, run: Run, source: str, said: str
) -> None:
    app = open_page("overview", run=run.id)
    _check(app, source)
    assert not app.exception
    (error,) = app.error
    assert said in error.value.replace("\\", "")
    assert not [button for button in app.button if button.key == START]


def test_images_that_are_there_already_are_not_offered(open_page: Open, run: Run) -> None:
    app = open_page("overview", run=run.id)
    _check(app, run.record.train.source)
    (error,) = app.error
    assert "nothing to add" in error.value


def test_a_changed_source_needs_a_new_check(open_page: Open, run: Run, week2: str) -> None:
    app = open_page("overview", run=run.id)
    _check(app, week2)
    app.text_input(key=SOURCE).set_value("/elsewhere").run()
    assert not [button for button in app.button if button.key == START]


def test_the_new_run_says_what_was_added_and_shows_old_decisions(
    open_page: Open, assay_home: Path, run: Run, week2: str
) -> None:
    decision = NewStroke(event_id="e", rows=[0], verdict="remove")
    RunDecisions(open_store(assay_home), run).record([decision])
    made, _ = append_at_home(run, week2, assay_home)
    app = open_page("overview", run=made.id)
    assert not app.exception
    said = texts(app)
    assert "What was added: 12 images" in said
    assert "to a run of 45 images" in said
    assert "rank correlation" in said
    assert "week1 + week2" in said.replace("\\", "")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Training images"] == "57"
    assert metrics["Reviewed"] == "1"
    assert not [item for item in app.warning if "did not converge" in item.value]


def test_an_addition_far_from_the_rest_is_warned_of(
    open_page: Open, assay_home: Path, run: Run, week2: str
) -> None:
    made, _ = append_at_home(run, week2, assay_home)
    added = {**made.record.details["added"], "shift": 0.6, "rank_correlation": 0.7}
    record = replace(made.record, details={**made.record.details, "added": added})
    (made.path / "run.json").write_text(record.to_json())
    app = open_page("overview", run=made.id)
    (warning,) = [item for item in app.warning if "rank correlation" in item.value]
    assert "Value all images together" in warning.value


def test_an_added_run_is_not_called_unconverged(
    open_page: Open, run: Run, assay_home: Path, week2: str
) -> None:
    append_at_home(run, week2, assay_home)
    (table,) = open_page("start").dataframe
    assert table.value["state"].tolist() == ["Added to", "Converged"]


def test_a_method_that_cannot_be_added_to_says_why(open_page: Open, run: Run) -> None:
    (run.path / "run.json").write_text(replace(run.record, method="exact").to_json())
    app = open_page("overview", run=run.id)
    assert not app.exception
    assert "Value all of them together" in texts(app)
    assert not [item for item in app.text_input if item.key == SOURCE]


def test_the_end_of_another_job_does_not_lead_away(open_page: Open, run: Run) -> None:
    app = open_page("overview", run=run.id)
    app.session_state[state.FOLLOWED_JOB] = "f" * 16
    app.run()
    assert not app.exception
    assert app.query_params["run"] in (run.id, [run.id])
