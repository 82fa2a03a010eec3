"""The review stays in step with the server, and with the person, whatever comes between."""

from __future__ import annotations

import pytest

from tests.e2e.review import (
    Held,
    becomes,
    expect,
    expect_position,
    expect_verdicts,
    known,
    open_review,
    stood,
    verdicts,
    wait_ready,
    wait_saved,
    written,
)
from tests.factories import make_home_run

SEEN = "document.dispatchEvent(new Event('visibilitychange'))"
ACTIVE = """() => {
  let active = document.activeElement
  while (active.shadowRoot?.activeElement) active = active.shadowRoot.activeElement
  return active.className
}"""


@pytest.fixture
def run(app, seed):
    return make_home_run(app.home, seed=seed)


def test_what_was_undone_in_another_tab_is_not_undone_again(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("r")
    page.keyboard.press("k")
    wait_saved(page)
    other = page.context.new_page()
    open_review(other, app, run.id)
    other.keyboard.press("z")
    wait_saved(other)
    with page.expect_response(lambda answer: "/decisions?" in answer.url):
        page.evaluate(SEEN)
    page.locator(".tally", has_text="1 decided").wait_for()
    page.keyboard.press("z")  # the first one, as the second is undone already
    wait_saved(page)
    assert stood(app.decisions(run)) == {}
    becomes(lambda: known(page, run.id), {})


def test_to_agree_after_an_undo_that_is_still_on_its_way_is_a_decision(new_page, app, run):
    """What stood before the undone decision was another's: to decide the same is one's own."""
    ben = new_page("Ben")
    open_review(ben, app, run.id)
    ben.keyboard.press("u")
    wait_saved(ben)
    ann = new_page("Ann")
    open_review(ann, app, run.id)
    ann.keyboard.press("Home")
    held = Held(ann, "**/decisions")
    for key in "kzu":
        ann.keyboard.press(key)
    held.wait()
    held.release()
    wait_saved(ann)
    assert [verdict for _, verdict in written(app, "Ann")] == ["keep", "undo", "unsure"]


def test_an_answer_from_before_a_decision_arrived_takes_nothing_back(page, app, run):
    """One that was asked for while a decision was on its way, and comes after it was saved."""
    open_review(page, app, run.id)
    sent = Held(page, "**/decisions")
    page.keyboard.press("r")
    sent.wait()
    asked = Held(page, "**/decisions?*")
    page.evaluate(SEEN)
    before = asked.wait().fetch()
    sent.release()
    wait_saved(page)
    early = asked.routes.pop()
    asked.release()
    with page.expect_request("**/decisions?*"):  # what it could not use is asked for again
        early.fulfill(response=before)
    expect_verdicts(page, "remove", "")
    becomes(lambda: known(page, run.id), stood(app.decisions(run)))
    page.keyboard.press("z")
    wait_saved(page)
    assert stood(app.decisions(run)) == {}


def test_a_name_that_comes_before_the_images_can_undo_its_own(new_page, app, run):
    ann = new_page("Ann")
    open_review(ann, app, run.id)
    ann.keyboard.press("r")
    wait_saved(ann)
    page = new_page("somebody")
    page.add_init_script("localStorage.removeItem('assay.reviewer')")
    waiting = Held(page, "**/columns/order")
    page.goto(f"{app.url}/review?run={run.id}")
    page.locator("dialog.who-asks input").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator(".reviewer")).to_have_value("Ann")
    waiting.wait()
    waiting.release()
    wait_ready(page)
    page.locator(".act.undo:enabled").wait_for()
    page.keyboard.press("z")
    wait_saved(page)
    assert stood(app.decisions(run)) == {}


def test_a_note_half_written_is_kept_when_the_page_is_left(page, app, run):
    open_review(page, app, run.id)
    note = page.locator(".section.history textarea")
    page.locator(".section.history summary").click()
    note.fill("a strap is missing")
    page.goto(f"{app.url}/overview?run={run.id}")
    open_review(page, app, run.id)
    wait_saved(page)
    assert app.decisions(run).current()["note"].tolist() == ["a strap is missing"]


def test_a_key_that_is_held_down_decides_one_image(page, app, run):
    open_review(page, app, run.id)
    for _ in range(5):
        page.keyboard.down("r")  # all but the first are repetitions
    page.keyboard.up("r")
    expect_verdicts(page, "remove", "")
    for _ in range(5):
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    expect_position(page, 6)


def test_text_selected_past_the_edge_does_not_close_its_window(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("n")
    text = page.locator("dialog.note textarea")
    text.fill("why it goes")
    box = text.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(20, box["y"] + 15)
    page.mouse.up()
    expect(text).to_have_value("why it goes")
    expect(text).to_be_visible()


def test_focus_comes_back_to_the_pictures_after_every_window(page, app, run):
    open_review(page, app, run.id)
    for key, window in (("l", "chooser"), ("n", "note"), ("?", "help"), ("Space", "zoom")):
        page.keyboard.press(key)
        page.locator(f"dialog.{window}").wait_for()
        page.keyboard.press("Escape")
        page.locator(f"dialog.{window}").wait_for(state="hidden")
        becomes(lambda: page.evaluate(ACTIVE), "grid")


def test_escape_closes_the_filters_and_leaves_the_selection(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("button", name="More filters").click()
    filters = page.locator("[data-testid=stPopoverBody]")
    filters.locator("input[type=range]").first.focus()
    page.keyboard.press("r")  # something lies over the pictures
    page.keyboard.press("Escape")
    filters.wait_for(state="hidden")
    expect(page.locator(".tile.marked")).to_have_count(2)
    assert set(verdicts(page)) == {""}


@pytest.mark.parametrize("width", [720, 900, 1100, 1440])
def test_nothing_is_cut_off_while_decisions_cannot_be_saved(page, app, run, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.route("**/decisions", lambda route: route.abort())
    open_review(page, app, run.id)
    page.keyboard.press("r")
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".saved[data-kind=unsaved] .retry").wait_for()
    outside = page.locator(".review .bar > *, .review .bulk > *").evaluate_all(
        """all => all.filter(e => {
          const own = e.getBoundingClientRect()
          const around = e.parentElement.closest(".stage, .review").getBoundingClientRect()
          return own.left < around.left - 1 || own.right > around.right + 1 || own.width < 8
        }).map(e => e.className)"""
    )
    assert outside == []


def test_arrows_move_at_once_when_the_page_was_opened_by_its_link(page, app, run):
    page.goto(f"{app.url}/overview?run={run.id}")
    page.get_by_role("link", name="Review", exact=True).first.click()
    wait_ready(page)
    page.wait_for_function(ACTIVE.replace("active.className", "active.className === 'grid'"))
    page.keyboard.press("ArrowRight")
    expect_position(page, 1)


def test_pictures_that_did_not_come_are_there_when_the_server_is_back(page, app, run):
    page.route("**/images/**", lambda route: route.abort())
    open_review(page, app, run.id)
    page.locator(".tile .frame.missing").first.wait_for()
    page.locator(".picture.missing").wait_for()
    page.unroute("**/images/**")
    page.locator(".picture:not(.missing)[data-ready]").wait_for()
    expect(page.locator(".tile .frame.missing")).to_have_count(0)


def test_filters_that_nothing_fits_are_cleared_from_the_page_itself(page, app, run):
    open_review(page, app, run.id, find="0")
    page.locator(".st-key-find input").fill("no such image")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Clear the filters").click()
    page.locator(".tally", has_text="60 images").wait_for()
    wait_ready(page)
    expect(page.locator(".st-key-find input")).to_have_value("")
    page.wait_for_url(lambda url: "find" not in url)


def test_a_browser_that_knows_no_place_goes_on_where_nothing_is_decided(new_page, app, run):
    ann, ben = new_page("Ann"), new_page("Ben")
    open_review(ann, app, run.id)
    for key in "rkr":
        ann.keyboard.press(key)
    wait_saved(ann)
    open_review(ben, app, run.id)
    expect_position(ben, 3)


def test_filters_are_as_one_left_them_after_back_and_after_another_page(page, app, run):
    open_review(page, app, run.id)
    page.locator(".st-key-find input").fill("001")
    page.keyboard.press("Enter")
    tally = page.locator(".tally", has_text=" of 60 images")
    tally.wait_for()
    for return_to_review in (page.go_back, page.get_by_role("link", name="Review").first.click):
        page.get_by_role("link", name="Overview").first.click()
        page.locator("h1", has_text="Overview").wait_for()
        return_to_review()
        tally.wait_for()
        expect(page.locator(".st-key-find input")).to_have_value("001")
        page.wait_for_url("**find=001*")
