"""The routes of the progress: the statistics of what is decided now, and a stable audit sample."""

from __future__ import annotations

import numpy as np

from core.curation import NewStroke, RunDecisions, open_store, reviewable
from core.runs import home


def decide(run, rows, verdict, name):
    stroke = NewStroke(event_id=name, rows=rows, verdict=verdict, reviewer="ada")
    assert RunDecisions(open_store(home()), run).record([stroke]).saved == 1


def test_progress_of_an_untouched_review_is_no_error(client, at):
    body = client.get(f"{at}/progress").json()
    assert (body["reviewed"], body["precision"], body["recall"]) == (0, None, None)
    assert body["stop"]["state"] == "early"
    assert body["curve"]["rank"] == []


def test_progress_follows_the_decisions(client, at, run):
    worst = np.argsort(run.values["value"].to_numpy(), kind="stable")
    decide(run, worst[:6], "remove", "a")
    decide(run, worst[6:8], "keep", "b")
    body = client.get(f"{at}/progress").json()
    assert (body["confirmed"], body["refuted"]) == (6, 2)
    assert body["precision"]["value"] == 0.75
    assert body["curve"]["rank"] == list(range(1, 9))
    assert "75 % of the images" in body["sentences"]["precision"]


def test_audit_sample_is_that_of_the_statistics_and_stays_while_decisions_are_made(client, at, run):
    before = client.get(f"{at}/audit")
    rows = np.frombuffer(before.content, "<u4")
    np.testing.assert_array_equal(rows, reviewable(run).audit)
    decide(run, rows[:5], "remove", "a")
    again = client.get(f"{at}/audit", headers={"if-none-match": before.headers["etag"]})
    assert again.status_code == 304
