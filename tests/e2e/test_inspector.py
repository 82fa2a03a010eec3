"""The inspector in a real browser: why, what to do, and the evidence under it."""

from __future__ import annotations

import re

import pytest

from tests.e2e.review import chosen, open_review, position, wait_ready, wait_saved
from tests.factories import make_home_run


@pytest.fixture
def run(server):
    """A calibrated run: every tenth image resembles another class, its label likely wrong."""
    made = make_home_run(server.home, n=60)
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


def test_the_reason_comes_first_and_the_suggested_label_is_one_click_away(page, server, run):
    open_review(page, server, run.id)
    image = run.values.iloc[chosen(page)]
    like = image["looks_like_name"]
    verdict = page.locator(".why .verdict")
    verdict.wait_for()
    assert re.match(r"Probably a wrong label|It looks like", verdict.inner_text())
    assert like in verdict.inner_text()
    suggested = page.locator(".act.suggested")
    assert suggested.inner_text().strip() == f"Relabel {like}"
    assert re.search(r"probability of \d\d %", suggested.get_attribute("title"))
    suggested.click()
    wait_saved(page)
    assert position(page) == 1
    page.keyboard.press("ArrowLeft")
    page.locator(".act.suggested[aria-pressed=true]").wait_for()
    assert like in page.locator(".stands .badge.relabel").inner_text()


def test_sections_stay_as_they_were_left(page, server, run):
    open_review(page, server, run.id)
    assert section(page, "plan").get_attribute("open") is not None
    assert section(page, "training").locator("figure").count() == 0  # nothing is drawn unseen
    section(page, "plan").locator("summary").click()
    section(page, "training").locator("summary").click()
    section(page, "training").locator("figure").first.wait_for()
    page.reload()
    wait_ready(page)
    assert section(page, "plan").get_attribute("open") is None
    section(page, "training").locator("figure").first.wait_for()


def test_a_nearest_training_image_links_to_itself_and_is_shown_large(page, server, run):
    open_review(page, server, run.id)
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


def test_a_note_is_saved_without_a_decision_and_stands_in_the_history(page, server, run):
    open_review(page, server, run.id)
    section(page, "history").locator("summary").click()
    field = section(page, "history").locator("textarea")
    field.fill("torn <b>at the hem</b>")
    field.press("Enter")
    wait_saved(page)
    page.locator(".stands .chip", has_text="Noted").wait_for()
    assert "Undecided" in page.locator(".stands").inner_text()
    page.keyboard.press("r")
    wait_saved(page)
    page.keyboard.press("ArrowLeft")
    deeds = section(page, "history").locator(".deeds li")
    deeds.nth(1).wait_for()
    assert "removed it" in deeds.nth(0).inner_text()
    assert "noted" in deeds.nth(1).inner_text()
    assert re.search(r" \d{1,2} [A-Z][a-z]+ \d\d:\d\d, value", deeds.nth(0).inner_text())
    assert "torn <b>at the hem</b>" in deeds.nth(1).inner_text()
    assert section(page, "history").locator(".deeds q b").count() == 0
    page.reload()
    wait_ready(page)
    deeds.nth(1).wait_for()
    assert field.input_value() == "torn <b>at the hem</b>"


def test_what_if_is_solved_when_it_is_asked_for(page, server, run):
    open_review(page, server, run.id)
    page.keyboard.press("w")
    section(page, "whatif").locator(".chart").wait_for()
    page.keyboard.press("ArrowRight")
    section(page, "whatif").locator("button", has_text="Solve again").wait_for()


def test_a_set_of_embeddings_shows_ids_where_pictures_would_be(page, server):
    flat = make_home_run(server.home, n=40, pictures=False)
    open_review(page, server, flat.id)
    section(page, "plan").locator("figure .id").first.wait_for()
    assert not page.locator(".picture").is_visible()
    assert "embeddings only" in page.locator(".place").inner_text()
