"""The form that asks for a projection: it keeps what is typed, checks it, and starts the work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.acquisition import Offer, ProjectionSpec, example_folder, read_mixture, write_mixture
from core.projection import PREDICTORS
from core.runs import JobStatus, ValueSpec
from tests.core.acquisition.offers import (
    NAMES,
    small_spec,
    spec_of_pictures,
    three_offers,
    write_embeddings,
)
from tests.pages.conftest import texts


def page() -> None:
    import streamlit as st

    from pages.ui import jobs, mixture_form, state

    if (finished := jobs.finished_projection()) is not None:
        st.query_params[state.PROJECTION] = finished
        st.markdown(f"Shown: {finished}")
        st.stop()
    mixture_form.draw()


@pytest.fixture
def app(assay_home: Path) -> AppTest:
    return AppTest.from_function(page, default_timeout=60)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ProjectionSpec]:
    """What was asked for; no process is started."""
    asked: list[ProjectionSpec] = []

    def start_job(spec: ProjectionSpec, home: Path) -> str:
        asked.append(spec)
        return "a" * 16

    monkeypatch.setattr("pages.ui.jobs.start_job", start_job)
    return asked


def let_jobs_be(monkeypatch: pytest.MonkeyPatch, job: JobStatus) -> None:
    monkeypatch.setattr("pages.ui.mixture_form.list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)


def job_of(spec: object, state: str, **known: object) -> JobStatus:
    return JobStatus(id="b" * 16, state=state, spec=spec, started="2026-01-01", **known)  # type: ignore[arg-type]


def type_row(app: AppTest, row: int, offer: Offer) -> None:
    app.text_input(key=f"mixture__name__{row}").set_value(offer.name)
    app.text_input(key=f"mixture__pilot__{row}").set_value(offer.pilot)
    app.number_input(key=f"mixture__capacity__{row}").set_value(offer.capacity)
    app.number_input(key=f"mixture__price__{row}").set_value(offer.price)


def type_in(app: AppTest, spec: ProjectionSpec) -> None:
    """Type what `spec` asks for, as a person would."""
    app.run()
    for _ in spec.sources[2:]:
        app.button(key="mixture__add").click().run()
    for row, offer in enumerate(spec.sources):
        type_row(app, row, offer)
    app.text_input(key="mixture__validation").set_value(spec.validation)
    app.text_input(key="mixture__test").set_value(spec.test or "")
    app.text_input(key="mixture__scales").set_value(", ".join(map(str, spec.scales)))
    app.number_input(key="mixture__points").set_value(spec.points)
    app.number_input(key="mixture__repeats").set_value(spec.repeats)
    app.run()


def check(app: AppTest) -> None:
    app.button(key="mixture__check").click().run()
    assert not app.exception


def buttons(app: AppTest) -> set[str | None]:
    return {button.key for button in app.button}


def test_what_is_typed_is_checked_and_started_as_it_was_asked(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    spec = small_spec(tmp_path)
    type_in(app, spec)
    assert not app.exception
    assert "mixture__start" not in buttons(app)
    check(app)
    assert not app.error
    said = texts(app)
    assert "**24 models to train**: 4 mixes of the sources at each of 3 sizes" in said
    assert "(20, 40 and 80 images), 2 repeats of each." in said
    assert "Accuracy is measured on 120 images; mixes are compared with 60 images" in said
    assert "About " in said
    shown = app.dataframe[0].value
    assert shown["source"].tolist() == list(NAMES)
    assert shown["images"].tolist() == [90, 90, 90]
    assert shown["missing"].tolist() == ["none", "coat", "none"]
    assert shown["capacity"].tolist() == ["4,000"] * 3
    assert shown["price"].tolist() == ["0.5 EUR"] * 3
    app.button(key="mixture__start").click().run()
    assert started == [spec]


def test_of_a_table_it_is_not_said_what_accuracy_is_measured_on(
    app: AppTest, tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("good,narrow,wrong,accuracy\n10,10,0,0.5\n20,0,20,0.6\n")
    dear = three_offers(tmp_path, price=1_234_567.0)
    spec = replace(small_spec(tmp_path), sources=dear, test=None, scales=(), points=None)
    type_in(app, spec)
    app.text_input(key="mixture__table").set_value(str(table)).run()
    check(app)
    assert not app.error
    said = texts(app)
    assert "Nothing is trained: the table has **2 accuracies** of 2 mixes" in said
    assert "Mixes are compared with 60 images of 3 classes." in said
    assert "measured on" not in said
    assert "half of the validation set" not in said
    assert app.dataframe[0].value["price"].tolist() == ["1,234,567 EUR"] * 3


def test_nothing_is_started_before_it_was_checked_as_it_is_now(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    type_in(app, small_spec(tmp_path))
    check(app)
    app.number_input(key="mixture__repeats").set_value(5).run()
    assert "mixture__start" not in buttons(app)
    app.number_input(key="mixture__repeats").set_value(2).run()
    assert "mixture__start" in buttons(app)


def test_another_price_needs_no_other_check(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    type_in(app, small_spec(tmp_path))
    check(app)
    app.number_input(key="mixture__price__1").set_value(0.25).run()
    app.number_input(key="mixture__capacity__1").set_value(None).run()
    app.text_input(key="mixture__currency").set_value("USD").run()
    shown = app.dataframe[0].value
    assert shown["price"].tolist() == ["0.5 USD", "0.25 USD", "0.5 USD"]
    assert shown["capacity"].tolist() == ["4,000", "not known", "4,000"]
    app.button(key="mixture__start").click().run()
    assert [offer.price for offer in started[0].sources] == [0.5, 0.25, 0.5]
    assert started[0].sources[1].capacity is None


def test_rows_come_and_go_and_the_others_keep_what_was_typed(app: AppTest, tmp_path: Path) -> None:
    offers = [Offer(name=name, pilot=f"/data/{name}", price=2.5) for name in "ABC"]
    app.run()
    assert [one.key for one in app.text_input if "name" in str(one.key)] == [
        "mixture__name__0",
        "mixture__name__1",
    ]
    app.button(key="mixture__add").click().run()
    for row, offer in enumerate(offers):
        type_row(app, row, offer)
    app.button(key="mixture__remove__1").click().run()
    names = [one.value for one in app.text_input if "__name__" in str(one.key)]
    pilots = [one.value for one in app.text_input if "__pilot__" in str(one.key)]
    assert (names, pilots) == (["A", "C"], ["/data/A", "/data/C"])
    app.button(key="mixture__remove__2").click().run()
    assert app.button(key="mixture__remove__0").disabled
    for _ in range(2):
        app.button(key="mixture__add").click().run()
    names = [one.value for one in app.text_input if "__name__" in str(one.key)]
    assert names == ["A", "", ""], "a row that was removed came back with its words"
    assert [one.value for one in app.number_input if "__price__" in str(one.key)] == [
        2.5,
        None,
        None,
    ]


def test_there_are_50_sources_at_most(app: AppTest, tmp_path: Path) -> None:
    offers = tuple(Offer(name=f"S{i}", pilot=f"/data/{i}") for i in range(50))
    path = tmp_path / "many.toml"
    path.write_text(write_mixture(ProjectionSpec(sources=offers, validation="/v")))
    app.run()
    app.text_input(key="mixture__file").set_value(str(path))
    app.button(key="mixture__read").click().run()
    assert not app.exception
    assert app.text_input(key="mixture__name__49").value == "S49"
    assert app.button(key="mixture__add").disabled
    app.button(key="mixture__remove__7").click().run()
    assert not app.button(key="mixture__add").disabled


def test_the_example_is_filled_in_and_asks_for_what_its_file_does(
    app: AppTest, started: list[ProjectionSpec]
) -> None:
    app.run()
    app.button(key="mixture__example").click().run()
    assert not app.exception
    assert app.text_input(key="mixture__ids__1").value == "example:few-classes.csv"
    assert app.text_input(key="mixture__sizes").value.startswith("1000, 2000")
    check(app)
    assert "**153 models to train**" in texts(app)
    assert "without 27 for which a pilot is too small" in texts(app)
    assert "is looked at once they are embedded" in texts(app)
    app.button(key="mixture__start").click().run()
    assert started == [read_mixture(example_folder() / "mixture.toml")]


def test_a_file_fills_the_form_with_every_setting_that_it_has(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    spec = replace(
        small_spec(tmp_path),
        embedder="precomputed",
        predictor="linear",
        sizes=(100, 900),
        currency="GBP",
        seed=7,
        device="cpu",
    )
    path = tmp_path / "own.toml"
    path.write_text(write_mixture(spec))
    app.run()
    app.button(key="mixture__example").click().run()
    app.text_input(key="mixture__file").set_value(str(path))
    app.button(key="mixture__read").click().run()
    assert not app.error
    check(app)
    app.button(key="mixture__start").click().run()
    assert started == [spec]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "it cannot be read"),
        ("[[source]]\nname = 1", r"name must be text"),
        ("\x00 = ", "it is no TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_form_stays_as_it_is(
    app: AppTest, tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "broken.toml"
    if text is not None:
        path.write_text(text)
    app.run()
    app.text_input(key="mixture__name__0").set_value("Mine").run()
    app.text_input(key="mixture__file").set_value(str(path))
    app.button(key="mixture__read").click().run()
    assert not app.exception
    (error,) = app.error
    assert said in error.value.replace("\\", "")
    assert app.text_input(key="mixture__name__0").value == "Mine"


def test_an_empty_form_says_what_is_missing_only_when_it_is_checked(app: AppTest) -> None:
    app.run()
    assert not app.error
    check(app)
    assert "Name at least one source" in app.error[0].value.replace("\\", "")
    type_row(app, 0, Offer(name="A", pilot="/none"))
    check(app)
    assert "Name the validation set" in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mixture__name__1", "", "Source 2: A source needs a name, such as"),
        ("mixture__name__1", "good", "Each source needs a name of its own"),
        ("mixture__name__1", "=1+1", "a spreadsheet would compute"),
        ("mixture__pilot__0", "", "Source 1 needs a pilot"),
        ("mixture__pilot__0", "/none/at/all", 'Source "good"'),
        ("mixture__pilot__0", "~no-such-user/x", "Source 1: ~no-such-user/x: there is no user"),
        ("mixture__table", "~no-such-user/x", "there is no user of that name"),
        ("mixture__ids__0", "/none/ids.csv", "the file of ids cannot be read"),
        ("mixture__validation", "/none/validation", "/none/validation"),
        ("mixture__test", "", ""),
        ("mixture__scales", "1,500", "1,500 may be one number or several"),
        ("mixture__scales", "20, many", "got 'many'"),
        ("mixture__scales", "0", "must be numbers of images, 1 or more"),
        ("mixture__scales", "50000", "The pilots are too small"),
        ("mixture__sizes", "90000", "The sources have 12,000 images in all"),
        ("mixture__table", "/none/table.csv", "leave out scales"),
        ("mixture__currency", " ", "The currency needs a word"),
    ],
)
def test_a_mistake_is_said_in_a_sentence_and_nothing_typed_is_lost(
    app: AppTest, tmp_path: Path, key: str, value: str, said: str
) -> None:
    type_in(app, small_spec(tmp_path))
    before = {one.key: one.value for one in (*app.text_input, *app.number_input)}
    app.text_input(key=key).set_value(value).run()
    check(app)
    errors = [one.value.replace("\\", "") for one in app.error]
    if said:
        assert len(errors) == 1
        assert said in errors[0]
        assert "mixture__start" not in buttons(app)
    else:
        assert errors == []
    after = {one.key: one.value for one in (*app.text_input, *app.number_input)}
    assert after == {**before, key: value}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mixture__capacity__0", 0, 'The capacity of "good" must be a whole number of images'),
        ("mixture__capacity__1", -5, "got -5. Leave it out where it is not known"),
        ("mixture__price__2", -1.0, 'The price of "wrong" must be 0 or more, got -1'),
        ("mixture__points", 0, "Points must be 1 or more, got 0"),
        ("mixture__repeats", 101, "Repeats must be 1 to 100, got 101"),
        ("mixture__seed", -1, "Seed must be 0 to 4294967295, got -1"),
    ],
)
def test_a_number_out_of_range_is_refused_and_not_taken_for_an_empty_field(
    app: AppTest, tmp_path: Path, key: str, value: float, said: str
) -> None:
    type_in(app, small_spec(tmp_path))
    field = app.number_input(key=key)
    assert not (field.proto.has_min or field.proto.has_max), "the browser would leave it out"
    field.set_value(value).run()
    check(app)
    (error,) = app.error
    assert said in error.value.replace("\\", "")
    assert app.number_input(key=key).value == value
    assert "mixture__start" not in buttons(app)


def test_emptied_numbers_are_the_usual_ones(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    type_in(app, small_spec(tmp_path))
    for name in ("points", "repeats", "seed"):
        app.number_input(key=f"mixture__{name}").set_value(None).run()
    check(app)
    app.button(key="mixture__start").click().run()
    assert (started[0].points, started[0].repeats, started[0].seed) == (None, 3, 0)


def test_without_a_test_set_half_of_the_validation_set_is_held_out_and_that_is_said(
    app: AppTest, tmp_path: Path
) -> None:
    type_in(app, small_spec(tmp_path, test=None))
    check(app)
    assert "Accuracy is measured on 30 images" in texts(app)
    assert "half of the validation set" in texts(app)


def test_what_is_wrong_with_pilots_is_said_where_their_embeddings_are_there(
    app: AppTest, tmp_path: Path
) -> None:
    spec = small_spec(tmp_path)
    same = replace(spec.sources[1], name="copy", pilot=spec.sources[0].pilot)
    type_in(app, replace(spec, sources=(spec.sources[0], same)))
    check(app)
    assert any("show the same images" in one.value for one in app.warning)
    assert "mixture__start" in buttons(app)


def test_a_class_that_is_not_measured_is_told_before_pictures_are_embedded(
    app: AppTest, tmp_path: Path
) -> None:
    type_in(app, spec_of_pictures(tmp_path))
    check(app)
    (warning,) = app.warning
    assert 'no image of "hat"' in warning.value.replace("\\", "")
    assert "look useless or harmful" in warning.value
    assert "is looked at once they are embedded" in texts(app)
    assert "mixture__start" in buttons(app)


def test_a_set_of_another_model_is_refused(app: AppTest, tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    wide = str(tmp_path / "wide.npz")
    np.savez(wide, embeddings=np.ones((40, 9), dtype=np.float32), labels=np.arange(40) % 3)
    type_in(app, replace(spec, validation=wide))
    check(app)
    (error,) = app.error
    assert "Make all with the same model" in error.value.replace("\\", "")


def test_a_file_of_ids_is_tucked_away_and_the_row_tells_that_there_is_one(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("id\n" + "\n".join(f"{i:04d}" for i in range(60)))
    type_in(app, small_spec(tmp_path, scales=(10, 20)))
    app.text_input(key="mixture__ids__0").set_value(str(ids)).run()
    check(app)
    assert app.dataframe[0].value["images"].tolist() == [60, 90, 90]
    app.button(key="mixture__start").click().run()
    assert started[0].sources[0].ids == str(ids)


def test_while_the_projection_works_the_page_shows_how_far_it_is_after_a_reload_too(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small_spec(tmp_path)
    let_jobs_be(monkeypatch, job_of(spec, "running", stage="Training", done=0.4))
    app.query_params["job"] = "b" * 16
    app.run()
    assert not app.exception
    assert "Projecting mixes of good, narrow, wrong" in texts(app)
    assert "The result opens here when it is done" in texts(app)
    assert len(app.get("progress")) == 1
    assert "mixture__check" not in buttons(app)
    let_jobs_be(monkeypatch, job_of(spec, "done", result={"projection": "c" * 16}))
    app.run()
    assert f"Shown: {'c' * 16}" in texts(app)
    assert "job" not in app.query_params
    app.run()
    assert "mixture__check" in buttons(app), "it is opened once"


def test_work_of_somebody_else_is_shown_beside_the_form(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[ProjectionSpec]
) -> None:
    spec = small_spec(tmp_path)
    let_jobs_be(monkeypatch, job_of(spec, "running", stage="Training", done=0.4))
    type_in(app, spec)
    assert len(app.get("progress")) == 1
    check(app)
    assert app.button(key="mixture__start").disabled, "the same is under way"
    app.number_input(key="mixture__seed").set_value(3).run()
    check(app)
    assert not app.button(key="mixture__start").disabled


@pytest.mark.parametrize("state", ["failed", "interrupted", "cancelled"])
def test_what_did_not_finish_can_be_tried_again_and_removed(
    app: AppTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[ProjectionSpec],
    state: str,
) -> None:
    job = job_of(small_spec(tmp_path), state, error="The disk is full" * (state == "failed"))
    let_jobs_be(monkeypatch, job)
    forgotten: list[str] = []
    monkeypatch.setattr("pages.ui.jobs.forget_job", lambda home, job_id: forgotten.append(job_id))
    app.query_params["job"] = job.id
    app.run()
    assert ("The disk is full" if state == "failed" else state.capitalize()) in texts(app)
    assert "mixture__check" in buttons(app)
    app.button(key=f"mixture__retry__{job.id}").click().run()
    assert forgotten == [job.id]
    assert started == [job.spec]
    app.button(key=f"mixture__forget__{job.id}").click().run()
    assert forgotten == [job.id] * 2


def test_jobs_of_other_kinds_are_passed_over(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ValueSpec(train="sample:train", validation="sample:val")
    let_jobs_be(monkeypatch, job_of(spec, "failed", error="Nothing of this page"))
    app.query_params["job"] = "b" * 16
    app.run()
    assert not app.exception
    assert "Nothing of this page" not in texts(app)
    assert "job" in app.query_params


def test_a_finished_projection_is_no_run_that_another_page_would_open(
    tmp_path: Path, assay_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_page() -> None:
        import streamlit as st

        from pages.ui import jobs

        st.markdown(f"Run: {jobs.followed_result()}, {jobs.finished_in_address()}")
        st.markdown(f"Projection: {jobs.finished_projection()}")

    job = job_of(small_spec(tmp_path), "done", result={"projection": "c" * 16})
    let_jobs_be(monkeypatch, job)
    app = AppTest.from_function(other_page, default_timeout=60)
    app.session_state["jobs__followed"] = job.id
    app.run()
    assert "Run: None, None" in texts(app)
    assert f"Projection: {'c' * 16}" in texts(app)


def test_hostile_names_are_text(app: AppTest, tmp_path: Path) -> None:
    type_in(app, small_spec(tmp_path))
    name = "[x](javascript)**b**<img src=x>"
    app.text_input(key="mixture__name__0").set_value(name).run()
    app.text_input(key="mixture__pilot__0").set_value(
        write_embeddings(tmp_path / "_a_*b*.npz", 90, 3)
    ).run()
    app.text_input(key="mixture__currency").set_value("**EUR**").run()
    check(app)
    assert not app.error
    assert app.dataframe[0].value["source"][0] == name
    assert name not in texts(app)


def test_numbers_may_be_written_in_several_ways(
    app: AppTest, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    type_in(app, small_spec(tmp_path))
    app.text_input(key="mixture__scales").set_value(" 80,20;  40 80, ").run()
    check(app)
    app.button(key="mixture__start").click().run()
    assert started[0].scales == (20, 40, 80)


def test_heads_name_the_currency_and_the_images(app: AppTest, tmp_path: Path) -> None:
    type_in(app, small_spec(tmp_path))
    assert app.number_input(key="mixture__price__0").label == "Price (EUR)"
    assert app.number_input(key="mixture__price__1").label == "Price (EUR) of source 2"
    app.text_input(key="mixture__currency").set_value("USD").run()
    assert app.number_input(key="mixture__price__0").label == "Price (USD)"
    assert app.number_input(key="mixture__price__0").value == 0.5, "another label is no other field"
    heads = [one for one in app.markdown if one.value == ":small[Images]"]
    assert len(heads) == 2, "of the first source and of the test set"


def test_each_predictor_says_what_it_assumes(app: AppTest) -> None:
    app.run()
    for name, predictor in PREDICTORS.items():
        app.selectbox(key="mixture__predictor").set_value(name).run()
        assert [one.value for one in app.caption].count(predictor.summary) == 1


def test_whoever_looks_at_another_page_finds_what_was_typed(
    assay_home: Path, tmp_path: Path, started: list[ProjectionSpec]
) -> None:
    """Streamlit forgets what fields hold that are not drawn."""

    def two_pages() -> None:
        import streamlit as st

        from pages.ui import mixture_form

        if "away" not in st.query_params:
            mixture_form.draw()

    spec = small_spec(tmp_path)
    app = AppTest.from_function(two_pages, default_timeout=60)
    type_in(app, spec)
    app.query_params["away"] = "1"
    app.run()
    app.run()
    assert not app.text_input
    del app.query_params["away"]
    app.run()
    assert app.text_input(key="mixture__name__2").value == "wrong"
    check(app)
    app.button(key="mixture__start").click().run()
    assert started == [spec]
