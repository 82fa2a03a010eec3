"""Detection in a browser: a comparison from the question to the images behind a point."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.experiments import make_experiment
from tests.factories import make_home_run

SEEDS = itertools.count(301)
COMPARED_WITHIN_MS = 300_000  # seconds where nothing else runs
ANSWER = "Which method should I use on my data?"


@pytest.fixture
def run(app):
    return make_home_run(app.home, n=60, seed=next(SEEDS))


@pytest.fixture
def experiment(app, run):
    return make_experiment(app.home, run, experiment_id=run.id[::-1])


def address(app, run, experiment) -> str:
    return f"{app.url}/detection?run={run.id}&experiment={experiment.id}"


def shown_ids(page) -> list[str]:
    """Return the images of the strip, in its order."""
    titles = page.locator(".assay-ranked a").evaluate_all("all => all.map(a => a.title)")
    return [title.split(", rank")[0] for title in titles]


def click_curve(page, share: float) -> None:
    """Click the best method's curve at a share of the images inspected."""
    chart = page.locator(".st-key-detection__curve .js-plotly-plot")
    chart.locator(".nsewdrag").first.wait_for()
    # As a truth value: a function that comes out would be called by Playwright.
    page.wait_for_function("!!document.querySelector('.js-plotly-plot')?._fullLayout?.xaxis?.d2p")
    place = chart.evaluate(
        """(chart, share) => {
          const { xaxis, yaxis } = chart._fullLayout
          const line = chart.calcdata.find(points => points[0].trace.name === "LAVA")
          const point = line.find(point => point.x >= share - 1e-9)
          const box = chart.getBoundingClientRect()
          return [
            box.left + xaxis._offset + xaxis.d2p(point.x),
            box.top + yaxis._offset + yaxis.d2p(point.y),
          ]
        }""",
        share,
    )
    page.mouse.move(place[0] - 3, place[1] + 1)
    page.mouse.move(*place)
    page.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(*place)


def test_a_point_that_is_clicked_shows_its_images_and_survives_a_refresh(
    page, app, run, experiment
):
    page.goto(address(app, run, experiment))
    page.get_by_text(ANSWER).wait_for()
    page.locator(".assay-ranked a").first.wait_for()
    click_curve(page, 0.5)
    page.wait_for_url(re.compile(r"[?&]method=lava&rank=30"))
    page.get_by_text("images 19 to 42 of 60").wait_for()
    expected = experiment.ranked("lava")["id"].iloc[18:42].tolist()
    assert shown_ids(page) == expected
    page.reload()
    page.get_by_text("images 19 to 42 of 60").wait_for()
    assert shown_ids(page) == expected
    page.get_by_role("link", name="Open in Review").click()
    page.wait_for_url(re.compile(r"/review\?.*selection=[0-9a-f]{16}"))
    page.locator(".tally", has_text="24 of 60 images").wait_for()
    page.go_back()
    page.get_by_text("images 19 to 42 of 60").wait_for()


def test_an_image_of_the_strip_leads_to_its_evidence(page, app, run, experiment):
    page.goto(address(app, run, experiment))
    tile = page.locator(".assay-ranked a").first
    tile.wait_for()
    name = shown_ids(page)[0]
    tile.click()
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()
    page.locator(f'.tile.chosen[title="{name}"]').wait_for()


def test_a_comparison_is_asked_for_done_and_there_again_after_another_page(page, app, run):
    page.goto(f"{app.url}/detection?run={run.id}&experiment=new")
    page.locator(".st-key-detection__seeds input").fill("1")
    page.locator(".st-key-detection__seeds input").press("Enter")
    page.get_by_text("60 images, once").wait_for()
    page.locator(".st-key-detection__start button:enabled").click()
    page.get_by_text(ANSWER).wait_for(timeout=COMPARED_WITHIN_MS)
    page.wait_for_url(re.compile(r"[?&]experiment=[0-9a-f]{16}"))
    found = re.search(r"experiment=([0-9a-f]{16})", page.url)[1]
    page.get_by_role("link", name="Classes", exact=True).first.click()
    page.get_by_text("Which classes look like which?").wait_for()
    page.get_by_role("link", name="Detection", exact=True).first.click()
    page.get_by_text(ANSWER).wait_for()
    page.wait_for_url(re.compile(f"experiment={found}"))
