"""Every page: cold, with data, with an address that names nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import make_home_run
from tests.pages.conftest import Open, texts

RUN_PAGES = ("overview", "classes", "review", "map", "detection", "export")


def test_start_without_any_run_says_what_to_do(open_page: Open) -> None:
    app = open_page("start")
    assert not app.exception
    assert app.button(key="start__sample").label == "Value the sample"
    assert "Faults are planted in it" in texts(app)
    assert "None yet" in texts(app)


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_page_without_a_run_says_what_to_do(open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert "No run is open" in texts(app)


@pytest.mark.parametrize("page", RUN_PAGES)
@pytest.mark.parametrize(
    ("run_id", "said"),
    [
        ("../../etc", "16 hexadecimal digits"),
        ("zzz", "16 hexadecimal digits"),
        ("0" * 16, "There is no run"),
    ],
)
def test_a_run_id_that_names_nothing_is_explained(
    open_page: Open, page: str, run_id: str, said: str
) -> None:
    app = open_page(page, run=run_id)
    assert not app.exception
    assert [said in error.value for error in app.error] == [True]


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_page_shows_the_run_of_its_address(open_page: Open, assay_home: Path, page: str) -> None:
    run = make_home_run(assay_home)
    app = open_page(page, run=run.id)
    assert not app.exception
    assert not app.error
    assert app.query_params["run"] == run.id
    assert app.title[0].value.lower() == page


def test_a_switch_of_page_keeps_the_run(open_page: Open, assay_home: Path) -> None:
    run = make_home_run(assay_home)
    app = open_page("overview", run=run.id)
    app.query_params.clear()  # what Streamlit does to the address on a switch of page
    app.switch_page("../classes.py").run()
    assert not app.exception
    assert app.query_params["run"] == run.id


def test_the_sidebar_switches_to_another_run(open_page: Open, assay_home: Path) -> None:
    first = make_home_run(assay_home, seed=1)
    second = make_home_run(assay_home, seed=2)
    app = open_page("overview", run=first.id)
    app.selectbox(key="shell__run").set_value(second.id).run()
    assert not app.exception
    assert app.query_params["run"] == second.id


@pytest.mark.parametrize("page", RUN_PAGES)
def test_a_damaged_run_is_explained(open_page: Open, assay_home: Path, page: str) -> None:
    run = make_home_run(assay_home)
    (run.path / "values.parquet").write_bytes(b"not parquet")
    (run.path / "label_distances.parquet").write_bytes(b"not parquet")
    app = open_page(page, run=run.id)
    assert not app.exception
