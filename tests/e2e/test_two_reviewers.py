"""Two reviewers at once, and one in two tabs: nothing is lost, and all agree on what stands."""

from __future__ import annotations

import numpy as np
import pytest

from tests.e2e.review import (
    Held,
    becomes,
    expect,
    expect_verdicts,
    known,
    open_review,
    stood,
    verdicts,
    wait_ready,
    wait_saved,
    worst_first,
    written,
)
from tests.factories import make_home_run

N = 40
VERDICTS = {"k": "keep", "r": "remove", "u": "unsure"}


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request):
    """A server with its decisions in SQLite, and one with PostgreSQL."""
    return request.getfixturevalue("app" if request.param == "sqlite" else "app_on_postgres")


class Reviewer:
    """One who goes through the images from the worst on, deciding and taking back at random."""

    def __init__(self, page, name, seed, run):
        self.page, self.name = page, name
        self.ids = run.values["id"].iloc[worst_first(run)].tolist()
        self.first = np.random.default_rng(seed).integers(0, 3, N)
        self.place = self.number = 0
        self.typed = []
        self.undoable = []
        self.opinions = {}  # place -> verdict

    def press(self):
        """Press one key: every eighth takes the one before back."""
        if self.number % N == 0:
            self.page.keyboard.press("Home")
            self.place = 0
        # No round decides an image as the one before: that would be no decision.
        key = "kru"[(self.first[self.place] + self.number // N) % 3]
        if self.number % 8 == 7:
            key = "z"
            self.place, self.opinions = self.undoable.pop()
        else:
            self.undoable.append((self.place, dict(self.opinions)))
            self.opinions[self.place] = VERDICTS[key]
        self.typed.append((self.ids[self.place], VERDICTS.get(key, "undo")))
        self.place += key != "z"
        self.page.keyboard.press(key)
        self.number += 1


def return_to(page):
    """Come back to the window, as from another one."""
    with page.expect_response("**/decisions?reviewer=*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_200_interleaved_decisions_of_two_reviewers_are_all_kept_and_all_agree(new_page, anywhere):
    run = make_home_run(anywhere.home, n=N, seed=11)
    order = worst_first(run)
    names = (f"Ada on {anywhere.port}", f"Ben on {anywhere.port}")
    reviewers = [Reviewer(new_page(name), name, seed, run) for seed, name in enumerate(names)]
    for reviewer in reviewers:
        open_review(reviewer.page, anywhere, run.id)
    for _ in range(100):
        for reviewer in reviewers:
            reviewer.press()
    for reviewer in reviewers:
        wait_saved(reviewer.page)
        assert written(anywhere, reviewer.name) == reviewer.typed, "all, in order, once each"

    stands = stood(anywhere.decisions(run))
    for place, row in enumerate(order):
        opinions = {r.opinions[place] for r in reviewers if place in r.opinions}
        assert (row in stands) == bool(opinions)
        if opinions:
            assert stands[row][0] in opinions
            assert stands[row][2] == (len(opinions) > 1)
    disputed = {row for row, state in stands.items() if state[2]}
    assert disputed
    for page in [reviewer.page for reviewer in reviewers]:
        return_to(page)
        becomes(lambda page=page: known(page, run.id), stands)
        page.keyboard.press("Home")
        seen = len(verdicts(page))
        expect_verdicts(page, *(stands[row][0] if row in stands else "" for row in order[:seen]))
        open_review(page, anywhere, run.id, show="Reviewers disagree")
        page.locator(".tally", has_text=f"{len(disputed)} of {N} images").wait_for()
        tiles = page.locator(".tile").evaluate_all("all => all.map(t => Number(t.dataset.row))")
        assert set(tiles) <= disputed
        expect(page.locator(".tile .signs .disputed")).to_have_count(len(tiles))
        page.locator(".inspector .chip", has_text="Reviewers disagree").wait_for()


def test_what_another_decides_is_seen_on_return_and_undo_is_each_ones_own(new_page, app):
    run = make_home_run(app.home, n=N, seed=12)
    ada, ben = new_page("Ada"), new_page("Ben")
    open_review(ada, app, run.id)
    open_review(ben, app, run.id)
    ada.keyboard.press("r")
    wait_saved(ada)
    return_to(ben)
    ben.locator('.tile[data-position="0"][data-verdict=remove]').wait_for()
    expect(ben.locator(".inspector .act.undo")).to_be_disabled()
    ben.keyboard.press("z")
    ben.keyboard.press("k")
    wait_saved(ben)
    return_to(ada)
    ada.locator('.tile[data-position="0"] .signs .disputed').wait_for()
    ada.keyboard.press("z")  # her own, although his is newer: his stands
    wait_saved(ada)
    ada.locator('.tile[data-position="0"][data-verdict=keep]').wait_for()
    stands = {worst_first(run)[0]: ("keep", None, False)}
    assert stood(app.decisions(run)) == stands
    becomes(lambda: known(ada, run.id), stands)


def test_what_one_tab_saves_for_another_takes_nothing_from_what_came_since(page, app):
    """A tab that had sent what another left behind dropped all that this one kept."""
    run = make_home_run(app.home, n=N, seed=13)
    open_review(page, app, run.id)
    page.route("**/decisions", lambda route: route.abort())
    page.keyboard.press("r")
    page.locator(".saved[data-kind=unsaved]").wait_for()
    other = page.context.new_page()
    held = Held(other, "**/decisions")
    open_review(other, app, run.id)
    page.keyboard.press("r")
    page.locator(".saved", has_text="2 decisions are kept in this browser").wait_for()
    held.wait()
    held.release()
    wait_saved(other)
    page.close()  # with the second never sent
    other.reload()
    wait_ready(other)
    wait_saved(other)
    assert set(stood(app.decisions(run))) == set(worst_first(run)[:2])


def test_a_tab_and_its_duplicate_keep_their_decisions_apart(page, app):
    """A duplicate has the same session storage; both wrote to one place, the last one won."""
    run = make_home_run(app.home, n=N, seed=14)
    order = worst_first(run)
    open_review(page, app, run.id)
    page.context.route("**/decisions", lambda route: route.abort())
    with page.expect_popup() as opened:
        page.evaluate("void window.open(location.href)")
    duplicate = opened.value
    wait_ready(duplicate)
    duplicate.keyboard.press("End")
    duplicate.keyboard.press("k")
    page.keyboard.press("r")
    page.locator(".saved", has_text="1 decision is kept in this browser").wait_for()
    page.close()
    duplicate.close()
    later = page.context.new_page()
    page.context.unroute("**/decisions")
    open_review(later, app, run.id)
    wait_saved(later)
    states = {row: state[0] for row, state in stood(app.decisions(run)).items()}
    assert states == {order[0]: "remove", order[-1]: "keep"}
    kept = "Object.keys(localStorage).filter(key => key.startsWith('assay.strokes.'))"
    becomes(lambda: later.evaluate(kept), [])
