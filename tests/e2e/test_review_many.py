"""The review of many images at once: selecting, deciding, taking back, labels, notes, filters."""

from __future__ import annotations

import re

import pytest

from core.curation import RunDecisions, import_scores, open_store, read_scores
from tests.e2e.review import (
    another_class,
    chosen,
    expect,
    expect_chosen,
    expect_position,
    expect_verdicts,
    open_review,
    wait_ready,
    wait_saved,
    worst_first,
)
from tests.factories import make_home_run


@pytest.fixture
def run(app, seed):
    return make_home_run(app.home, n=60, seed=seed)


@pytest.fixture
def decided(app, run):
    """What is decided now, by rank (0 is worst), as the app's own reading of the log."""
    order = run.values["value"].argsort(kind="stable").tolist()

    def read():
        current = RunDecisions(open_store(app.home), run).current()
        stands = zip(current["row"], current["verdict"], current["new_label"], strict=True)
        return {
            order.index(row): verdict if verdict != "relabel" else label
            for row, verdict, label in stands
            if verdict != "clear"
        }

    return read


def expect_selected(page, count):
    expect(page.locator(".bulk b")).to_have_text(f"{count} selected")


def test_a_range_by_keyboard_is_decided_in_one_stroke_and_taken_back_in_one(
    page, app, run, decided
):
    open_review(page, app, run.id)
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")  # a range is drawn anew from where it began
    expect_selected(page, 3)
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(3)
    page.keyboard.press("r")
    expect_verdicts(page, "", "remove", "remove", "remove", "")
    expect_position(page, 4)
    expect(page.locator(".toast span")).to_have_text("3 images removed")
    wait_saved(page)
    assert decided() == dict.fromkeys([1, 2, 3], "remove")
    page.reload()
    wait_ready(page)
    page.keyboard.press("z")  # one stroke, also after a reload
    wait_saved(page)
    assert decided() == {}
    page.reload()
    wait_ready(page)
    page.keyboard.press("Shift+Z")
    expect_verdicts(page, "", "remove", "remove", "remove", "")
    wait_saved(page)
    assert decided() == dict.fromkeys([1, 2, 3], "remove")
    page.keyboard.press("z")
    wait_saved(page)
    assert decided() == {}


def test_clicks_with_shift_and_ctrl_select_and_escape_selects_none(page, app, run, decided):
    open_review(page, app, run.id)
    tile = '.tile[data-position="{}"]'
    page.locator(tile.format(2)).click()
    page.locator(tile.format(5)).click(modifiers=["Shift"])
    page.locator(tile.format(3)).click(modifiers=["Control"])
    page.locator(tile.format(8)).click(modifiers=["Control"])
    expect_selected(page, 4)
    page.locator(".bulk .keep").click()
    wait_saved(page)
    assert decided() == dict.fromkeys([2, 4, 5, 8], "keep")
    page.keyboard.press("x")
    expect_selected(page, 1)
    page.keyboard.press("Escape")
    expect(page.locator(".bulk")).to_be_hidden()


def test_all_that_a_filter_shows_are_selected_and_nothing_else(page, app, run, decided):
    name = run.class_names[1]
    open_review(page, app, run.id, **{"class": name})
    page.locator(".tally", has_text="20 of 60 images").wait_for()
    page.keyboard.press("a")
    expect_selected(page, 20)
    page.keyboard.press("u")
    wait_saved(page)
    order = run.values["value"].argsort(kind="stable").tolist()
    expected = [order.index(row) for row in run.values.index[run.values["class_name"] == name]]
    assert decided() == dict.fromkeys(expected, "unsure")


def test_a_filter_lets_go_of_what_is_selected(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("a")
    page.locator(".st-key-find input").fill("bag")
    page.keyboard.press("Enter")
    page.locator(".tally", has_text="20 of 60 images").wait_for()
    expect(page.locator(".bulk")).to_be_hidden()


def test_a_class_is_found_by_typing_and_the_likeliest_comes_first(page, app, run, decided):
    open_review(page, app, run.id)
    likely = run.values["looks_like_name"].iloc[chosen(page)]
    page.keyboard.press("l")
    expect(page.locator(".choices [role=option]").first).to_contain_text(likely)
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    name = another_class(run, worst_first(run)[1])
    page.keyboard.type({"bag": "AG", "boot": "OO", "coat": "OA"}[name])  # in none of the others
    expect(page.locator(".choices [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    page.keyboard.type("no such class")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    wait_saved(page)
    assert decided() == {0: likely, 1: name}
    expect_position(page, 2)


def test_a_note_is_kept_without_a_verdict_and_found_again(page, app, run, decided):
    open_review(page, app, run.id)
    page.keyboard.press("n")
    page.keyboard.type("krul? <b>bold</b>")
    page.keyboard.press("Enter")
    page.locator(".tile.chosen .signs .noted").wait_for()
    wait_saved(page)
    assert decided() == {}
    page.keyboard.press("n")
    page.wait_for_function(
        """() => [...document.querySelectorAll("*")].some(e =>
            e.shadowRoot?.querySelector("dialog.note textarea")?.value === "krul? <b>bold</b>")"""
    )
    page.keyboard.press("Escape")
    page.locator(".st-key-find input").fill("KRUL")
    page.keyboard.press("Enter")
    page.locator(".tally", has_text="1 of 60 images").wait_for()


def test_the_enlarged_picture_is_worked_by_the_same_keys(page, app, run, decided):
    open_review(page, app, run.id)
    page.keyboard.press("Space")
    zoom = page.locator("dialog.zoom[open]")
    zoom.locator("img").wait_for()
    page.keyboard.press("r")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    expect(zoom).to_contain_text("rank 4 of 60")
    page.keyboard.press("Escape")
    expect(zoom).to_have_count(0)
    expect_position(page, 3)
    page.locator(".tile.chosen").dblclick()
    zoom.locator("img").wait_for()
    page.keyboard.press("Space")
    wait_saved(page)
    assert decided() == {0: "remove", 2: "keep"}


def test_the_reviewer_is_asked_for_once(new_page, app, run):
    page = new_page(None)
    page.goto(f"{app.url}/review?run={run.id}")
    page.locator("dialog.who-asks[open] input").wait_for()
    page.keyboard.type("Kurz")  # none of it decides anything
    page.keyboard.press("Enter")
    wait_ready(page)
    page.keyboard.press("r")
    wait_saved(page)
    expect(page.locator(".reviewer")).to_have_value("Kurz")
    page.reload()
    wait_ready(page)
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert RunDecisions(open_store(app.home), run).current()["reviewer"].tolist() == ["Kurz"]


def test_a_key_right_after_the_name_decides_under_that_name(new_page, app, run):
    """A browser says that a window is closed after keys that are typed ahead: nobody's name."""
    page = new_page(None)
    page.goto(f"{app.url}/review?run={run.id}")
    name = page.locator("dialog.who-asks[open] input")
    name.wait_for()
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()
    name.fill("Kurz")
    name.evaluate(
        """input => {
          const press = (at, key) => at.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }))
          press(input, "Enter")
          press(document.body, "r")
        }"""
    )
    wait_saved(page)
    assert RunDecisions(open_store(app.home), run).current()["reviewer"].tolist() == ["Kurz"]


def test_escape_goes_on_without_a_name(new_page, app, run):
    page = new_page(None)
    page.goto(f"{app.url}/review?run={run.id}")
    page.locator("dialog.who-asks[open] input").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("""localStorage.getItem("assay.reviewer") === '"reviewer"'""")


def test_two_reviewers_who_disagree_are_shown_and_found(new_page, app, run):
    page, other = new_page(), new_page("Ben")
    open_review(page, app, run.id)
    open_review(other, app, run.id)
    page.keyboard.press("r")
    page.keyboard.press("k")
    wait_saved(page)
    other.keyboard.press("k")
    other.keyboard.press("k")
    wait_saved(other)
    page.reload()
    wait_ready(page)
    expect(page.locator(".signs .disputed")).to_have_count(1)
    open_review(page, app, run.id, show="Reviewers disagree")
    page.locator(".tally", has_text="1 of 60 images").wait_for()
    open_review(page, app, run.id, by="Ben")
    page.locator(".tally", has_text="2 of 60 images, decided by Ben").wait_for()


def test_what_could_not_be_saved_is_said_and_sent_again_on_request(page, app, run, decided):
    open_review(page, app, run.id)
    page.route("**/decisions", lambda route: route.abort())
    page.keyboard.press("r")
    page.locator(".saved", has_text=re.compile("Not saved: .* 1 decision is kept")).wait_for()
    page.unroute("**/decisions")
    page.locator(".retry").click()
    wait_saved(page)
    expect(page.locator(".retry")).to_be_hidden()
    assert decided() == {0: "remove"}


def test_scores_of_another_tool_order_the_images_and_mark_what_it_flags(page, app, run, tmp_path):
    table = run.values[["id"]].assign(quality=range(60, 0, -1), bad=False)
    table.loc[0, "bad"] = True
    table.to_csv(tmp_path / "tool.csv", index=False)
    read = read_scores(tmp_path / "tool.csv")
    import_scores(app.home, run, read, column="quality", better="higher", flag="bad")
    open_review(page, app, run.id, order="quality, worst first")
    page.locator('.tile[data-position="0"][data-row="59"]').wait_for()
    open_review(page, app, run.id, flagged="Flagged by quality")
    page.locator(".tally", has_text="1 of 60 images, flagged by quality").wait_for()
    page.locator('.tile .signs .flagged[title="Also flagged by quality"]').wait_for()


def test_images_are_ordered_by_class_then_value(page, app, run):
    open_review(page, app, run.id, order="By class, worst first")
    expected = run.values.sort_values(["label", "value"], kind="stable").index.tolist()
    page.locator(f'.tile[data-position="0"][data-row="{expected[0]}"]').wait_for()
    page.keyboard.press("End")
    expect_chosen(page, expected[-1])
    page.locator(".st-key-order input").click()  # another order begins at its beginning
    page.keyboard.type("Best")
    page.keyboard.press("Enter")
    best = int(run.values["value"].idxmax())
    page.locator(f'.tile.chosen[data-position="0"][data-row="{best}"]').wait_for()
