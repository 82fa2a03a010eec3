"""Refresh, back, links and closing in the middle of a review: no place and no decision is lost."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.e2e.review import (
    becomes,
    chosen,
    expect,
    expect_chosen,
    expect_position,
    expect_verdicts,
    known,
    open_review,
    settled,
    stood,
    wait_ready,
    wait_saved,
    worst_first,
    written,
)
from tests.factories import make_home_run

SEEDS = itertools.count(61)
VERDICTS = {"k": "keep", "r": "remove", "u": "unsure"}


@pytest.fixture
def run(app):
    return make_home_run(app.home, n=60, seed=next(SEEDS))


def expected(run, keys):
    ids = run.values["id"].iloc[worst_first(run)].tolist()
    return [(image_id, VERDICTS[key]) for image_id, key in zip(ids, keys, strict=False)]


LEAVE = {
    "a refresh": lambda page: page.reload(),
    "another page": lambda page: page.get_by_role("link", name="Classes", exact=True).click(),
    "back": lambda page: page.go_back(),
    "closing the tab": lambda page: page.close(run_before_unload=True),
}


@pytest.mark.parametrize("way", LEAVE)
def test_what_was_pressed_just_before_leaving_arrives_once_and_in_order(new_page, app, run, way):
    name = f"Mo, {way}"
    page = new_page(name)
    page.goto(f"{app.url}/overview?run={run.id}")
    page.get_by_role("link", name="Review", exact=True).first.click()
    wait_ready(page)
    keys = "rkurkurk"
    for key in keys:
        page.keyboard.press(key)
    LEAVE[way](page)
    later = page.context.new_page()
    open_review(later, app, run.id)
    wait_saved(later)
    assert written(app, name) == expected(run, keys)
    later.reload()
    wait_ready(later)
    becomes(lambda: known(later, run.id), stood(app.decisions(run)))
    expect_verdicts(later, *(VERDICTS[key] for key in keys))


def test_back_and_forward_lead_through_the_pages_to_the_same_place(page, app, run):
    page.goto(f"{app.url}/overview?run={run.id}")
    page.get_by_role("link", name="Review", exact=True).first.click()
    wait_ready(page)
    for key in ("r", "r", "ArrowRight"):
        page.keyboard.press(key)
    wait_saved(page)
    page.get_by_role("link", name="Export", exact=True).first.click()
    page.get_by_text("Write to a folder").first.wait_for()
    page.go_back()
    wait_ready(page)
    expect_position(page, 3)
    page.wait_for_url(re.compile(rf"/review\?.*run={run.id}"))
    expect_verdicts(page, "remove", "remove", "")
    page.keyboard.press("z")  # and it is at work again
    wait_saved(page)
    page.go_back()
    page.get_by_text("Which classes are hurt most?").wait_for()
    page.go_forward()
    wait_ready(page)
    expect_position(page, 1)
    expect_verdicts(page, "remove", "", "")


def test_the_place_is_kept_when_the_page_is_left_at_the_key(page, app, run):
    page.goto(f"{app.url}/overview?run={run.id}")
    page.get_by_role("link", name="Review", exact=True).first.click()
    wait_ready(page)
    page.keyboard.press("ArrowRight")
    press = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))"
    page.evaluate(f"{press}; history.back()")
    page.get_by_text("Which classes are hurt most?").wait_for()
    page.go_forward()
    wait_ready(page)
    expect_position(page, 2)


def test_what_is_in_view_is_kept_while_another_page_is_looked_at(page, app):
    run = make_home_run(app.home, n=600, seed=next(SEEDS))
    open_review(page, app, run.id)
    grid = page.locator(".grid")
    grid.evaluate("grid => { grid.scrollTop = 700 }")
    expect(page.locator('.tile[data-position="0"]')).to_have_count(0)
    page.get_by_role("link", name="Classes", exact=True).click()
    page.get_by_text("Which classes look like").first.wait_for()
    page.get_by_role("link", name="Review", exact=True).first.click()
    page.locator(".review[data-state=ready]").wait_for()
    becomes(lambda: round(grid.evaluate("grid => grid.scrollTop")), 700)


def test_a_filter_that_was_chosen_and_the_place_in_it_are_kept_by_a_refresh(page, app, run):
    open_review(page, app, run.id)
    page.locator(".st-key-class input").click()
    page.keyboard.type(run.class_names[1])
    page.keyboard.press("Enter")
    page.locator(".tally", has_text="20 of 60 images").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    row = chosen(page)
    wait_saved(page)
    page.reload()
    page.locator(".tally", has_text="20 of 60 images").wait_for()
    wait_ready(page)
    expect_chosen(page, row)


def test_a_link_to_an_image_opens_it_whatever_the_filters_hide(page, app, run):
    order = worst_first(run)
    row = next(row for row in order[20:] if run.values["class_name"][row] == run.class_names[0])
    image = run.values["id"][row]
    open_review(page, app, run.id, image=image, **{"class": run.class_names[1]})
    expect_chosen(page, row)
    page.locator(".tally", has_text="21 of 60 images").wait_for()
    page.keyboard.press("k")
    wait_saved(page)
    assert {row: "keep"} == {row: state[0] for row, state in stood(app.decisions(run)).items()}
    # The link that the inspector offers leads to the image it is at.
    page.keyboard.press("End")
    last = chosen(page)
    page.locator(".inspector a.link").wait_for()
    page.goto(page.locator(".inspector a.link").get_attribute("href"))
    wait_ready(page)
    expect_chosen(page, last)


def test_a_link_to_an_image_that_is_not_there_opens_the_worst(page, app, run):
    open_review(page, app, run.id, image="no/such.png")
    expect_position(page, 0)
    page.keyboard.press("r")
    wait_saved(page)
    assert set(stood(app.decisions(run))) == {worst_first(run)[0]}


def test_a_run_that_is_called_like_another_stays_open_on_every_page(page, app, run):
    """The list of runs knew its options by their names: every page led to the first of them."""
    for made in (run, make_home_run(app.home, n=60, seed=next(SEEDS))):
        page.goto(f"{app.url}/overview?run={made.id}")
        for name, mark in (("Classes", "Which classes look like"), ("Export", "Write to a folder")):
            page.get_by_role("link", name=name, exact=True).first.click()
            page.get_by_text(mark).first.wait_for()
            settled(page)
            page.wait_for_url(f"**run={made.id}*")
