"""Addresses, clicks on charts, and what the browser may load."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.e2e.review import becomes, expect, settled
from tests.factories import make_home_run, make_run

MARKS = {
    "overview": "Which classes are hurt most?",
    "classes": "Which classes look like which?",
    "detection": "Give a truth file",
    "export": "Write to a folder",
}


@pytest.mark.parametrize("name", MARKS)
def test_the_first_address_that_a_new_server_is_asked_for_shows_its_page(page, server, name):
    """Streamlit once ran pages/*.py without their navigation until somebody visited "/"."""
    run = make_home_run(server.home)
    page.goto(f"{server.url}/{name}?run={run.id}")
    page.get_by_text(MARKS[name]).first.wait_for()
    expect(page.locator(".st-key-shell__run")).to_have_count(1)
    page.wait_for_url(re.compile(rf"[?&]run={run.id}"))
    page.reload()
    page.get_by_text(MARKS[name]).first.wait_for()


def test_the_run_stays_in_the_address_on_every_page(page, app, seed):
    run = make_home_run(app.home, seed=seed)
    page.goto(f"{app.url}/overview?run={run.id}")
    for name, mark in MARKS.items():
        page.get_by_role("link", name=name.capitalize(), exact=True).first.click()
        page.get_by_text(mark).first.wait_for()
        page.wait_for_url(re.compile(rf"/{name}\?run={run.id}"))


def test_enter_opens_the_folder_of_a_run(page, app, tmp_path):
    run = make_run(tmp_path / "elsewhere")
    page.goto(app.url)
    field = page.get_by_label("Run folder", exact=True)
    field.fill(str(run.path))
    field.press("Enter")
    page.wait_for_url(re.compile(rf"/overview\?run={run.id}"))


def test_a_click_on_the_heatmap_opens_those_images_in_review(page, app, seed):
    run = make_home_run(app.home, seed=seed)
    page.goto(f"{app.url}/classes?run={run.id}")
    chart = page.locator(".st-key-classes__heatmap .nsewdrag").first
    chart.wait_for()
    settled(page)
    pointed_at = page.locator(".st-key-classes__heatmap .hoverlayer .hovertext")

    def point(step: int) -> tuple[float, float]:
        box = chart.bounding_box()
        at = box["x"] + box["width"] / 6 + step % 2, box["y"] + box["height"] / 2
        page.mouse.move(*at)
        return at

    steps = itertools.count()
    # Plotly hears the pointer some time after it has drawn; it says so by naming the cell.
    becomes(lambda: (point(next(steps)), pointed_at.count() > 0)[1], True)
    page.mouse.click(*point(0))
    page.wait_for_url(re.compile(r"/review\?"))
    page.wait_for_url(re.compile(r"[?&]class=\w+"))
    page.wait_for_url(re.compile(r"[?&]like=\w+"))


def test_nothing_is_fetched_from_elsewhere(page, app, seed):
    run = make_home_run(app.home, seed=seed)
    outside = []
    own = (app.url, app.url.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else outside.append(r.url))
    for name in ("", *MARKS, "review"):
        page.goto(f"{app.url}/{name}?run={run.id}")
        settled(page)
    assert outside == []
