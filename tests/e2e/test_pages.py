"""Addresses, clicks on charts, and what the browser may load."""

from __future__ import annotations

import re

import pytest

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
    assert page.locator(".st-key-shell__run").count() == 1
    assert re.search(rf"[?&]run={run.id}", page.url)
    page.reload()
    page.get_by_text(MARKS[name]).first.wait_for()


def test_the_run_stays_in_the_address_on_every_page(page, server):
    run = make_home_run(server.home)
    page.goto(f"{server.url}/overview?run={run.id}")
    for name, mark in MARKS.items():
        page.get_by_role("link", name=name.capitalize(), exact=True).first.click()
        page.get_by_text(mark).first.wait_for()
        page.wait_for_url(re.compile(rf"/{name}\?run={run.id}"))


def test_enter_opens_the_folder_of_a_run(page, server, tmp_path):
    run = make_run(tmp_path / "elsewhere")
    page.goto(server.url)
    field = page.get_by_label("Run folder", exact=True)
    field.fill(str(run.path))
    field.press("Enter")
    page.wait_for_url(re.compile(rf"/overview\?run={run.id}"))


def test_a_click_on_the_heatmap_opens_those_images_in_review(page, server):
    run = make_home_run(server.home)
    page.goto(f"{server.url}/classes?run={run.id}")
    chart = page.locator(".st-key-classes__heatmap .nsewdrag").first
    chart.wait_for()
    page.wait_for_timeout(500)  # Plotly binds its events after it has drawn
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 6, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 6, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile(r"/review\?"))
    assert re.search(r"[?&]class=\w+", page.url)
    assert re.search(r"[?&]like=\w+", page.url)


def test_nothing_is_fetched_from_elsewhere(page, server):
    run = make_home_run(server.home)
    outside = []
    own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else outside.append(r.url))
    for name in ("", *MARKS, "review"):
        page.goto(f"{server.url}/{name}?run={run.id}")
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert outside == []
