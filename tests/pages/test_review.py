"""The review page around its component; the component itself is tested in a browser."""

from __future__ import annotations

from pages.ui.state import Keys
from tests.factories import make_home_run
from tests.pages.conftest import texts


def test_without_a_run_it_says_what_to_do(open_page):
    app = open_page("review")
    assert not app.exception
    assert "No run is open" in texts(app)


def test_an_unknown_run_is_explained(open_page):
    app = open_page("review", run="0" * 16)
    assert not app.exception
    assert app.error


def test_with_a_run_it_offers_its_classes_and_takes_the_filter_of_the_address(
    open_page, assay_home
):
    run = make_home_run(assay_home)
    app = open_page("review", run=run.id, **{"class": run.class_names[1]})
    assert not app.exception
    labelled = app.selectbox(key="class")
    assert labelled.options == list(run.class_names)
    assert labelled.value == run.class_names[1]


def test_a_link_to_certain_images_forgets_the_filters_of_an_earlier_visit(open_page, assay_home):
    run = make_home_run(assay_home)
    app = open_page("review", run=run.id, order="Best first", find="7", show="Removed")
    assert app.selectbox(key=Keys.REVIEW_ORDER).value == "best"
    app.query_params.clear()
    app.query_params.update({"run": run.id, "fresh": "1"})
    app.run()
    assert not app.exception
    assert app.selectbox(key=Keys.REVIEW_ORDER).value == "worst"
    assert app.text_input(key=Keys.REVIEW_FIND).value == ""
    assert app.selectbox(key=Keys.REVIEW_STATE).value == "all"
    assert "fresh" not in app.query_params


def test_the_value_slider_spans_all_values(open_page, assay_home):
    run = make_home_run(assay_home)
    app = open_page("review", run=run.id)
    low, high = app.slider(key=Keys.REVIEW_VALUE).value
    assert low <= run.values["value"].min()
    assert high >= run.values["value"].max()


def test_a_run_whose_values_are_all_equal_opens(open_page, assay_home):
    run = make_home_run(assay_home)
    table = run.values.assign(value=0.0)
    table.to_parquet(run.path / "values.parquet", index=False)
    assert not open_page("review", run=run.id).exception
