"""The app, and PostgreSQL, killed in a stream of decisions: what was confirmed is there."""

from __future__ import annotations

import re

import pytest

from tests.e2e.review import (
    becomes,
    expect,
    expect_verdicts,
    known,
    open_review,
    stood,
    wait_ready,
    wait_saved,
    worst_first,
    written,
)
from tests.factories import make_home_run

NAME = "Kim"
VERDICTS = {"k": "keep", "r": "remove", "u": "unsure"}
EVERY_MS = 120
# Notes how many strokes had been made whenever the page said that all are saved.
WATCH = """(saved, run) => {
  const store = globalThis.__assayReview.stores.get(run)
  globalThis.confirmed = 0
  const note = () => {
    if (saved.textContent.startsWith("All decisions saved")) confirmed = store.undoStack.length
  }
  new MutationObserver(note).observe(saved, { childList: true, characterData: true, subtree: true })
}"""


@pytest.fixture(params=["app", "app_on_postgres"])
def deadly(request):
    """A server, and how to kill and to start what it depends on: itself, or its PostgreSQL."""
    server = request.getfixturevalue(request.param)
    victim = server if request.param == "app" else request.getfixturevalue("postgres")
    yield server, victim
    victim.start()  # for others, where this test has failed


class Stream:
    """Presses keys at several a second and knows what the log must hold of each stroke."""

    def __init__(self, page, run):
        self.page = page
        self.order = worst_first(run)
        self.ids = run.values["id"].tolist()
        self.place = 0
        self.strokes = []

    def decide(self, keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.note(key, 1)
            self.page.wait_for_timeout(EVERY_MS)

    def decide_many(self, key, count):
        for _ in range(count - 1):
            self.page.keyboard.press("Shift+ArrowRight")
        self.page.keyboard.press(key)
        self.note(key, count)

    def note(self, key, count):
        rows = sorted(self.order[self.place : self.place + count])  # as they stand in the log
        self.strokes.append([(self.ids[row], VERDICTS[key]) for row in rows])
        self.place += count

    def rows(self, first=0, last=None):
        return [row for stroke in self.strokes[first:last] for row in stroke]


def test_what_was_confirmed_survives_and_the_rest_arrives_once_in_order(new_page, deadly):
    server, victim = deadly
    run = make_home_run(server.home, n=60, seed=21)
    page = new_page(NAME)
    open_review(page, server, run.id)
    page.locator(".saved").evaluate(WATCH, run.id)
    stream = Stream(page, run)
    stream.decide("rkurkurkur")
    stream.decide_many("r", 5)
    wait_saved(page)
    stream.decide("kur")
    victim.kill()  # with the last ones perhaps on their way
    stream.decide("kurkur")
    stream.decide_many("u", 4)
    said = page.locator(".saved[data-kind=unsaved]", has_text=re.compile(r"^Not saved: "))
    said.get_by_text("are kept in this browser.").wait_for()
    expect(page.locator(".retry")).to_be_visible()
    confirmed = page.evaluate("confirmed")
    assert 11 <= confirmed < len(stream.strokes)

    page.route("**/decisions", lambda route: route.abort())  # not yet
    victim.start()
    there = written(server, NAME)
    assert there == stream.rows()[: len(there)]
    assert len(there) >= len(stream.rows(0, confirmed)), "what was confirmed is there"
    page.unroute("**/decisions")
    page.locator(".retry").click()
    wait_saved(page)
    expect(page.locator(".retry")).to_be_hidden()
    assert written(server, NAME) == stream.rows(), "all, in order, exactly once"
    becomes(lambda: known(page, run.id), stood(server.decisions(run)))

    # What was decided before and while it was away is taken back after it, stroke by stroke.
    page.reload()
    wait_ready(page)
    count = len(stream.strokes)
    for left in range(count - 1, 9, -1):
        page.keyboard.press("z")
        wait_saved(page)
        becomes(lambda: len(known(page, run.id)), len(stream.rows(0, left)))
    undone = [(i, "undo") for stroke in stream.strokes[:9:-1] for i, _ in stroke]
    assert sorted(written(server, NAME)[len(stream.rows()) :]) == sorted(undone)
    becomes(lambda: known(page, run.id), stood(server.decisions(run)))
    expect_verdicts(page, *(VERDICTS[key] for key in "rkurkurkur"), "")


def test_answers_that_get_lost_on_the_way_make_nothing_twice(new_page, app):
    """The server has written what the browser believes it must send again."""
    run = make_home_run(app.home, n=60, seed=22)
    page = new_page("Lee")
    open_review(page, app, run.id)
    # The server answers, and the page hears that it does not.
    page.evaluate(
        """() => {
          const ask = globalThis.fetch
          globalThis.arrived = 0
          globalThis.lose = true
          globalThis.fetch = async (url, options) => {
            const answer = await ask(url, options)
            if (options?.method !== "POST" || !lose) return answer
            arrived += answer.ok
            throw new TypeError("Failed to fetch")
          }
        }"""
    )
    for key in "rkurkurkur":
        page.keyboard.press(key)
    page.locator(".saved[data-kind=unsaved]").wait_for()
    becomes(lambda: page.evaluate("arrived > 0"), True)
    page.evaluate("lose = false")
    page.locator(".retry").click()
    wait_saved(page)
    ids = run.values["id"].iloc[worst_first(run)].tolist()
    expected = [(i, VERDICTS[key]) for i, key in zip(ids, "rkurkurkur", strict=False)]
    assert written(app, "Lee") == expected
