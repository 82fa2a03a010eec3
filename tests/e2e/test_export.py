"""The Export page in a browser: plan, limits, effect, a folder, a download, and leaving midway."""

from __future__ import annotations

import io
import itertools
import json
import time
from pathlib import Path

import pandas as pd
import pytest

from core.curation import NewStroke, PlanSettings, make_plan
from core.datasets import open_source
from tests.e2e.conftest import WAITS_MS
from tests.e2e.downloads import download
from tests.e2e.review import another_class, expect, settled, worst_first
from tests.factories import make_home_run, make_large_run

SOLVED_WITHIN_MS = 120_000


SEEDS = itertools.count(51)


@pytest.fixture
def run(app):
    """A run of which three images are removed, one is kept and one relabelled."""
    made = make_home_run(app.home, n=60, seed=next(SEEDS))
    worst = worst_first(made)
    strokes = [
        NewStroke(event_id=f"{made.id}-r", rows=[worst[0], worst[1], worst[50]], verdict="remove"),
        NewStroke(event_id=f"{made.id}-k", rows=[worst[2]], verdict="keep"),
        NewStroke(
            event_id=f"{made.id}-l",
            rows=[worst[3]],
            verdict="relabel",
            new_label=another_class(made, worst[3]),
        ),
    ]
    assert app.decisions(made).record(strokes).saved == 3
    return made


def open_export(page, app, run, **query):
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{app.url}/export?run={run.id}{extra}")
    page.get_by_text("Write to a folder").first.wait_for()
    settled(page)


def expect_card(page, label, number):
    """Wait until the card called `label` shows `number`."""
    found = page.locator("[data-testid=stMetric]").filter(has=page.get_by_text(label, exact=True))
    found.locator("[data-testid=stMetricValue]").get_by_text(f"{number:,}", exact=True).wait_for()


def planned(app, run, **settings):
    return make_plan(run, app.decisions(run).current(), PlanSettings(**settings))


def expect_plan(page, plan):
    decided = int(plan.decided.sum())
    expect_card(page, "Stay", int(plan.kept.sum()))
    expect_card(page, "Go by decision", decided)
    expect_card(page, "Go by the plan", int(plan.removed.sum()) - decided)


def write(page, folder):
    field = page.locator(".st-key-export__folder input")
    field.fill(str(folder))
    field.press("Tab")
    settled(page)
    page.locator(".st-key-export__write button").click()


def test_a_change_of_format_reruns_only_what_depends_on_it(page, app, run):
    """What else would run would show the decision that was made meanwhile."""
    open_export(page, app, run)
    before = planned(app, run)
    stroke = NewStroke(event_id=f"{run.id}-late", rows=[worst_first(run)[20]], verdict="remove")
    app.decisions(run).record([stroke])
    page.locator(".st-key-export__format").get_by_role("combobox").click()
    page.get_by_role("option", name="JSON").click()
    page.get_by_text("The same tables as lists of objects. Holds").wait_for()
    settled(page)
    expect_plan(page, before)
    page.reload()
    expect_plan(page, planned(app, run))


def test_a_plan_is_made_solved_written_and_downloaded(page, app, run, tmp_path):
    open_export(page, app, run)
    expect_plan(page, planned(app, run))
    page.locator(".st-key-budget").get_by_role("radio", name="Number").click()
    count = page.locator(".st-key-count input")
    count.fill("20")
    count.press("Enter")
    plan = planned(app, run, budget="count", amount=20)
    expect_plan(page, plan)
    page.get_by_text("loses most").wait_for()

    # Limits: no class loses more than a tenth by the plan, one loses nothing.
    capped = {"budget": "Number", "count": "20", "classmost": "10", "protect": run.class_names[0]}
    open_export(page, app, run, **capped)
    plan = planned(
        app, run, budget="count", amount=20, class_share=0.1, class_shares={run.class_names[0]: 0.0}
    )
    assert plan.short > 0
    expect_plan(page, plan)
    page.get_by_text(f"{plan.short} images fewer than asked for").wait_for()

    page.locator(".st-key-export__solve button").click()
    page.get_by_text("Of what stays").wait_for(timeout=SOLVED_WITHIN_MS)
    effect = page.locator("[data-testid=stMetric]", has_text="Of what stays")
    solved = float(effect.locator("[data-testid=stMetricValue]").inner_text())
    files = download(page, "parquet")
    table = pd.read_parquet(io.BytesIO(files["decisions.parquet"]))
    assert table["kept"].tolist() == plan.kept.tolist()
    facts = json.loads(files["provenance.json"])
    assert facts["plan"] == json.loads(json.dumps(plan.facts()))
    after = facts["effect_on_ot_distance"]["after"]["transport_cost"]
    assert abs(after - solved) <= 0.01 * abs(after), "what is shown is what is written"

    target = tmp_path / "cleaned"
    write(page, target)
    page.get_by_text("Written to").wait_for()
    opened = open_source(str(target))
    assert set(opened.ids) == set(run.values["id"][plan.kept])
    worst = worst_first(run)
    relabelled = opened.ids.tolist().index(run.values["id"][worst[3]])
    assert opened.class_names[opened.labels[relabelled]] == another_class(run, worst[3])
    assert json.loads((target / "provenance.json").read_text())["plan"] == facts["plan"]


def test_a_folder_that_holds_something_is_refused_and_left_as_it_was(page, app, run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    source = Path(run.record.train.source)
    before = sorted(path for path in source.rglob("*"))
    open_export(page, app, run)
    for folder in (tmp_path / "full", source / "in the source", source):
        write(page, folder)
        page.locator("[data-testid=stAlert]", has_text=folder.name).first.wait_for()
        expect(page.get_by_text("Written to")).to_have_count(0)
    write(page, "")
    page.get_by_text("Name a folder to write to").wait_for()
    assert [path.name for path in tmp_path.iterdir() if path.name != "assay-home"] == ["full"]
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
    assert sorted(path for path in source.rglob("*")) == before


def test_what_is_downloaded_holds_what_was_decided_since_the_page_was_opened(page, app, run):
    open_export(page, app, run)
    row = worst_first(run)[10]
    late = NewStroke(event_id=f"{run.id}-late", rows=[row], verdict="remove")
    assert app.decisions(run).record([late]).saved == 1
    listed = download(page, "lists")["remove.txt"].decode().splitlines()
    assert run.values["id"][row] in listed
    assert len(listed) == 4


def test_leaving_the_page_while_it_writes_leaves_nothing_half(page, app, tmp_path):
    large = make_large_run(app.home, 20_000)
    target = tmp_path / "exports" / "cleaned"
    open_export(page, app, large)
    write(page, target)
    wait_until(lambda: any(target.parent.glob(".cleaned*.partial/*/*")))
    page.get_by_role("link", name="Overview", exact=True).first.click()
    page.get_by_text("Which classes are hurt most?").wait_for()
    wait_until(lambda: not any(target.parent.glob(".cleaned*")))
    assert not target.exists()
    page.get_by_role("link", name="Export", exact=True).first.click()
    page.get_by_text("Write to a folder").first.wait_for()
    expect(page.get_by_text("Written to")).to_have_count(0)


def wait_until(true):
    deadline = time.monotonic() + WAITS_MS / 1000
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
