"""The inspector in a real browser: why, what to do, and the evidence under it."""

from __future__ import annotations

import re

import pytest

from tests.e2e.review import (
    Held,
    chosen,
    expect,
    expect_position,
    open_review,
    wait_ready,
    wait_saved,
)
from tests.factories import make_home_run


@pytest.fixture
def run(app, seed):
    """A calibrated run: every tenth image resembles another class, its label likely wrong."""
    made = make_home_run(app.home, n=60, seed=seed)
    differs = made.values["looks_like"] != made.values["label"]
    made.values.assign(
        fault_probability=differs.map({True: 0.9, False: 0.05}),
        likely_fault="wrong label",
        own_probability=differs.map({True: 0.02, False: 0.9}),
        looks_like_probability=0.9,
    ).to_parquet(made.path / "values.parquet")
    return made


def section(page, name: str):
    return page.locator(f".inspector .section.{name}")


def test_the_reason_comes_first_and_the_suggested_label_is_one_click_away(page, app, run):
    open_review(page, app, run.id)
    image = run.values.iloc[chosen(page)]
    like = image["looks_like_name"]
    verdict = page.locator(".why .verdict")
    expect(verdict).to_have_text(re.compile(r"^(Probably a wrong label|It looks like)"))
    expect(verdict).to_contain_text(like)
    suggested = page.locator(".act.suggested")
    expect(suggested).to_have_text(f"Relabel {like}")
    expect(suggested).to_have_attribute("title", re.compile(r"probability of \d\d %"))
    suggested.click()
    wait_saved(page)
    expect_position(page, 1)
    page.keyboard.press("ArrowLeft")
    page.locator(".act.suggested[aria-pressed=true]").wait_for()
    expect(page.locator(".stands .badge.relabel")).to_contain_text(like)


def test_sections_stay_as_they_were_left(page, app, run):
    open_review(page, app, run.id)
    expect(section(page, "plan")).to_have_attribute("open", "")
    section(page, "plan").locator("figure").first.wait_for()  # the evidence is there
    expect(section(page, "training").locator("figure")).to_have_count(0)  # none is drawn unseen
    section(page, "plan").locator("summary").click()
    section(page, "training").locator("summary").click()
    section(page, "training").locator("figure").first.wait_for()
    page.reload()
    wait_ready(page)
    expect(section(page, "plan")).not_to_have_attribute("open", "")
    section(page, "training").locator("figure").first.wait_for()


def test_a_nearest_training_image_links_to_itself_and_is_shown_large(page, app, run):
    open_review(page, app, run.id)
    section(page, "training").locator("summary").click()
    near = section(page, "training").locator("a").first
    near.hover()
    page.locator(".picture .peek img").wait_for()
    page.mouse.move(5, 5)
    page.locator(".picture .peek").wait_for(state="detached")
    title = near.locator("figure").get_attribute("title")
    page.goto(near.get_attribute("href"))
    wait_ready(page)
    assert f"Training image {run.values['id'].iloc[chosen(page)]}:" in title


def test_a_note_is_saved_without_a_decision_and_stands_in_the_history(page, app, run):
    open_review(page, app, run.id)
    section(page, "history").locator("summary").click()
    field = section(page, "history").locator("textarea")
    field.fill("torn <b>at the hem</b>")
    field.press("Enter")
    wait_saved(page)
    page.locator(".stands .chip", has_text="Noted").wait_for()
    expect(page.locator(".stands")).to_contain_text("Undecided")
    page.keyboard.press("r")
    wait_saved(page)
    page.keyboard.press("ArrowLeft")
    deeds = section(page, "history").locator(".deeds li")
    expect(deeds).to_have_count(2)
    expect(deeds.nth(0)).to_have_text(
        re.compile(r"removed it \d{1,2} [A-Z][a-z]+ \d\d:\d\d, value")
    )
    expect(deeds.nth(1)).to_contain_text("noted")
    expect(deeds.nth(1)).to_contain_text("torn <b>at the hem</b>")
    expect(deeds.locator("q b")).to_have_count(0)
    page.reload()
    wait_ready(page)
    deeds.nth(1).wait_for()
    expect(field).to_have_value("torn <b>at the hem</b>")


def test_the_history_is_read_again_once_a_slow_server_has_the_note(page, app, run):
    """It was read half a second after the note, and lacked it for good where saving took longer."""
    open_review(page, app, run.id)
    section(page, "history").locator("summary").click()
    deeds = section(page, "history").locator(".deeds li")
    expect(deeds).to_have_text("Nothing decided or noted yet")
    held = Held(page, "**/decisions")
    field = section(page, "history").locator("textarea")
    field.fill("torn")
    with page.expect_response("**/history/*"):
        field.press("Enter")
    held.wait()
    expect(field).to_have_value("torn")
    held.release()
    wait_saved(page)
    expect(deeds).to_contain_text("noted")
    expect(field).to_have_value("torn")


def test_what_if_is_solved_when_it_is_asked_for(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("w")
    section(page, "whatif").locator(".chart").wait_for()
    page.keyboard.press("ArrowRight")
    section(page, "whatif").locator("button", has_text="Solve again").wait_for()


def test_a_set_of_embeddings_shows_ids_where_pictures_would_be(page, app, seed):
    flat = make_home_run(app.home, n=40, pictures=False, seed=seed)
    open_review(page, app, flat.id)
    section(page, "plan").locator("figure .id").first.wait_for()
    expect(page.locator(".picture")).to_be_hidden()
    expect(page.locator(".place")).to_contain_text("embeddings only")
