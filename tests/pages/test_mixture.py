"""The Mixture page around its component: which projection it shows, and what leads to others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from core.acquisition import (
    Projection,
    copy_projection,
    example_folder,
    list_projections,
    read_mixture,
)
from core.acquisition.folder import FOLDER, read_projection
from core.runs import JobStatus
from tests.core.acquisition.offers import small_spec
from tests.pages.conftest import Open, texts
from tests.pages.ui.mixtures import planted

EXAMPLE = "Example: three sources made of the sample"
GONE = "The projection in this address is not here"


def plant(home: Path, m: int, **record: object) -> Projection:
    """Write a projection of m sources to `home`, with some entries of its record changed."""
    made = home.parent / "made" / f"{m:016x}"
    pattern = read_projection(made) if made.is_dir() else planted(made.parent, m)
    found = copy_projection(pattern, home / FOLDER / str(record.get("id", pattern.id)))
    path = found.path / "projection.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | record))
    return read_projection(found.path)


def named(app: AppTest) -> str:
    """Return the projection in the address: a list where the test wrote it."""
    found = app.query_params["projection"]
    return found if isinstance(found, str) else found[0]


def choice(app: AppTest) -> Selectbox:
    return app.selectbox(key="mixture__projection")


def has_form(app: AppTest) -> bool:
    return any(button.key == "mixture__check" for button in app.button)


def test_without_a_projection_of_its_own_a_home_shows_the_example(open_page: Open) -> None:
    app = open_page("mixture")
    assert not app.exception
    assert not app.error
    assert named(app) == "example"
    assert choice(app).options == [EXAMPLE]
    assert choice(app).value == "example"
    assert "Pilots of 600 + 600 + 600 images against 1,000 images" in texts(app)
    assert not has_form(app)


def test_the_latest_projection_is_shown_and_any_other_can_be_chosen(
    open_page: Open, assay_home: Path
) -> None:
    older = plant(assay_home, 2)
    newer = plant(assay_home, 10, created="2026-11-23T00:00:00+00:00")
    app = open_page("mixture")
    assert not app.exception
    assert named(app) == newer.id
    assert "Pilots of 90 + 60 + 90 + 60 + 6 more images against 60 images" in texts(app)
    first, second, third = choice(app).options
    assert first == EXAMPLE
    assert second.startswith("Source 0, Source 1 + 8 more · 23 Nov")
    assert third.startswith("Source 0, Source 1 · 22 Nov")
    choice(app).set_value(older.id).run()
    assert named(app) == older.id
    assert "Pilots of 90 + 60 images against 60 images" in texts(app)
    choice(app).set_value("example").run()
    assert named(app) == "example"
    assert not app.exception


def test_projections_that_were_made_alike_are_told_apart(open_page: Open, assay_home: Path) -> None:
    twins = [plant(assay_home, 2, id=letter * 16) for letter in "abc"]
    app = open_page("mixture")
    assert len(set(choice(app).options)) == 4
    for twin in twins:
        choice(app).set_value(twin.id).run()
        assert not app.exception
        assert choice(app).value == twin.id
        assert named(app) == twin.id


def test_what_was_set_for_one_projection_leaves_the_address_with_it(
    open_page: Open, assay_home: Path
) -> None:
    one = plant(assay_home, 2)
    settings = {"mix": "80,20", "images": "700", "by": "linear", "money": "9", "locked": "1"}
    app = open_page("mixture", projection=one.id, **settings, **{"with": "50,50"})
    assert set(settings) <= set(app.query_params)  # for the component to find
    choice(app).set_value("example").run()
    assert set(app.query_params) == {"projection"}


@pytest.mark.parametrize("unknown", ["f" * 16, "../../etc", "<b>x", "example ", "0" * 15])
def test_an_unknown_projection_is_said_to_be_and_the_latest_is_shown(
    open_page: Open, assay_home: Path, unknown: str
) -> None:
    known = plant(assay_home, 2)
    app = open_page("mixture", projection=unknown)
    assert not app.exception
    (error,) = app.error
    assert GONE in error.value
    assert named(app) == known.id
    app.run()
    assert not app.error  # said once


def test_a_projection_that_goes_while_it_is_open_gives_way_to_the_example(
    open_page: Open, assay_home: Path
) -> None:
    known = plant(assay_home, 2)
    app = open_page("mixture", projection=known.id)
    assert not app.error
    known.path.rename(assay_home / "elsewhere")
    app.run()
    assert not app.exception
    assert GONE in app.error[0].value
    assert named(app) == "example"


def test_a_damaged_projection_is_not_offered(open_page: Open, assay_home: Path) -> None:
    damaged = plant(assay_home, 2)
    (damaged.path / "projection.json").write_text("{")
    app = open_page("mixture", projection=damaged.id)
    assert not app.exception
    assert GONE in app.error[0].value
    assert choice(app).options == [EXAMPLE]


def test_own_sources_lead_to_the_form_and_a_projection_leads_back(
    open_page: Open, assay_home: Path
) -> None:
    known = plant(assay_home, 2)
    app = open_page("mixture")
    assert not has_form(app)
    app.button(key="mixture__new").click().run()
    assert not app.exception
    assert has_form(app)
    assert named(app) == "new"
    assert app.button(key="mixture__new").disabled
    assert choice(app).value is None
    assert "Pilots of" not in texts(app)
    choice(app).set_value(known.id).run()
    assert not has_form(app)
    assert named(app) == known.id


def test_a_projection_is_changed_in_the_form_that_it_came_from(open_page: Open) -> None:
    app = open_page("mixture", projection="example")
    app.button(key="mixture__change").click().run()
    assert not app.exception
    assert named(app) == "new"
    assert has_form(app)
    example = read_mixture(example_folder() / "mixture.toml")
    typed = [one.value for one in app.text_input if "mixture__name__" in str(one.key)]
    assert typed == [offer.name for offer in example.sources]
    prices = [one.value for one in app.number_input if "mixture__price__" in str(one.key)]
    assert prices == [offer.price for offer in example.sources]
    assert "mixture__change" not in {button.key for button in app.button}


def test_settings_that_are_not_known_are_said_to_be_and_no_other_form_opens(
    open_page: Open, assay_home: Path
) -> None:
    later = {"currency": "EUR", "table": None, "learner": "linear", "weather": "fine"}
    known = plant(assay_home, 2, configuration=later)
    app = open_page("mixture", projection=known.id)
    app.button(key="mixture__change").click().run()
    assert not app.exception
    (error,) = app.error
    assert "weather" in error.value
    assert not has_form(app)
    assert named(app) == known.id
    app.run()
    assert not app.error  # said once


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "Linear head on the embedding · embedder precomputed"),
        ("/data/own.csv", "your own table · embedder precomputed"),
    ],
)
def test_what_the_accuracies_are_of_stands_in_the_header(
    open_page: Open, assay_home: Path, table: str | None, said: str
) -> None:
    own = {"currency": "EUR", "table": table, "learner": "linear"}
    app = open_page("mixture", projection=plant(assay_home, 2, configuration=own).id)
    assert said in texts(app)


def test_a_projection_that_goes_while_the_page_is_drawn_is_a_sentence(
    open_page: Open, assay_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = plant(assay_home, 2)

    def listed(home: Path) -> list[Projection]:
        found = list_projections(home)
        shutil.rmtree(known.path)
        return found

    monkeypatch.setattr("core.acquisition.list_projections", listed)
    app = open_page("mixture", projection=known.id)
    assert not app.exception
    (error,) = app.error
    assert known.id in error.value


def test_another_page_and_back_show_what_was_open(open_page: Open, assay_home: Path) -> None:
    plant(assay_home, 2)
    older = plant(assay_home, 3, created="2026-11-01T00:00:00+00:00")
    app = open_page("mixture", projection=older.id)
    del app.query_params["projection"]
    app.switch_page("../start.py").run()
    assert "projection" not in app.query_params
    app.switch_page("../mixture.py").run()
    assert not app.error
    assert named(app) == older.id


@pytest.mark.parametrize("page", ["example", "new"])
def test_a_projection_that_was_waited_for_opens_when_it_is_done(
    open_page: Open,
    assay_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    made = plant(assay_home, 2)
    job = JobStatus(
        id="b" * 16,
        state="done",
        spec=small_spec(tmp_path),
        started="2026-01-01",
        result={"projection": made.id},
    )
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)
    app = open_page("mixture", projection=page, job=job.id, mix="50,30,20")
    assert not app.exception
    assert named(app) == made.id
    assert "job" not in app.query_params
    assert "mix" not in app.query_params
    assert "Pilots of 90 + 60 images" in texts(app)
    choice(app).set_value("example").run()
    assert named(app) == "example"  # it does not lead there again
