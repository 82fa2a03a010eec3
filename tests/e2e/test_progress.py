"""The progress panel and the scores of other tools, in a real browser."""

from __future__ import annotations

import pandas as pd
import pytest

from core.curation import score_columns
from tests.e2e.review import expect, open_review, wait_saved
from tests.factories import make_home_run


@pytest.fixture
def run(app, seed):
    return make_home_run(app.home, n=60, seed=seed)


def test_panel_follows_the_decisions_while_they_are_made(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("p")
    panel = page.locator(".progress")
    panel.get_by_text("Judge 20 more images").wait_for()
    for key in "rrk":
        page.keyboard.press(key)  # the keys of the review still work beside it
    panel.get_by_text("3 of 60", exact=True).wait_for()
    panel.get_by_text("67\u00a0% of the images judged worst first are faulty").wait_for()
    expect(panel.locator("svg.precision")).to_have_attribute("role", "img")
    wait_saved(page)
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")


def test_panel_leads_to_the_audit_sample_in_its_order(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("p")
    page.get_by_role("link", name="Judge the audit sample").click()
    page.wait_for_url("**order=Audit**")
    answer = page.request.get(f"{app.url}/assay/runs/{run.id}/audit").body()
    rows = memoryview(answer).cast("I").tolist()
    tile = page.locator('.review[data-state=ready] .tile[data-position="0"]')
    expect(tile).to_have_attribute("data-row", str(rows[0]))


def test_scores_are_imported_and_what_does_not_match_is_named(page, app, run, tmp_path):
    ids = run.values["id"].tolist()
    table = pd.DataFrame({"id": [*ids[:50], "<b>gone</b>"], "quality": range(51)})
    table.to_csv(tmp_path / "tool.csv", index=False)
    open_review(page, app, run.id)
    page.get_by_role("button", name="More filters").click()
    page.get_by_role("button", name="Scores of other tools").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "tool.csv")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("50 of 60 images have a score now").wait_for()
    page.get_by_text("<b>gone</b>").wait_for()
    assert [column.title for column in score_columns(app.home, run)] == ["quality"]
