"""The review in a real browser: keys, refresh, a app that dies, filters, links."""

from __future__ import annotations

import re
import shutil

import pytest

from core.curation import DecisionStore, RunDecisions, open_store
from tests.e2e.conftest import Server
from tests.e2e.review import (
    another_class,
    chosen,
    expect,
    expect_chosen,
    expect_position,
    expect_verdicts,
    open_review,
    settled,
    verdicts,
    wait_ready,
    wait_saved,
    worst_first,
)
from tests.factories import make_home_run


@pytest.fixture
def run(app, seed):
    return make_home_run(app.home, n=60, seed=seed)


def stored(app: Server, run) -> dict[str, str]:
    store = DecisionStore(f"sqlite:///{app.home / 'assay.db'}")
    current = RunDecisions(store, run).current()
    store.close()
    return dict(zip(current["image_id"], current["verdict"], strict=True))


def ranked_ids(run) -> list[str]:
    return run.values.sort_values("value", kind="stable")["id"].tolist()


def test_keys_decide_advance_and_survive_a_refresh(page, app, run):
    open_review(page, app, run.id)
    for key in "rrku":
        page.keyboard.press(key)
    expect_position(page, 4)
    expect_verdicts(page, "remove", "remove", "keep", "unsure", "")
    page.keyboard.press("z")
    expect_position(page, 3)
    wait_saved(page)
    page.reload()
    wait_ready(page)
    expect_position(page, 3)
    expect_verdicts(page, "remove", "remove", "keep", "")
    page.keyboard.press("z")  # what was decided before the refresh can be undone after it
    page.keyboard.press("Shift+Z")
    page.keyboard.press("z")
    wait_saved(page)
    worst = ranked_ids(run)
    assert stored(app, run) == {worst[0]: "remove", worst[1]: "remove"}


def test_ten_presses_at_once_all_arrive_in_order(page, app, run):
    open_review(page, app, run.id)
    page.evaluate(
        """() => {
          for (const key of "rkrkrkrkru") {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
          }
        }"""
    )
    wait_saved(page)
    words = {"r": "remove", "k": "keep", "u": "unsure"}
    expected = {i: words[k] for i, k in zip(ranked_ids(run), "rkrkrkrkru", strict=False)}
    assert stored(app, run) == expected
    rows = [int(s.rows[0]) for s in RunDecisions(open_store(app.home), run).strokes()]
    assert run.values["id"].iloc[rows].tolist() == list(expected)  # in the order of the log


def test_sigkill_of_the_server_loses_no_decision(page, server):
    run = make_home_run(server.home, n=60)
    open_review(page, server, run.id)
    for _ in range(5):
        page.keyboard.press("r")
    wait_saved(page)
    page.keyboard.press("k")
    server.kill()  # with the last one perhaps on its way
    for _ in range(3):
        page.keyboard.press("u")
    page.locator(
        ".saved", has_text=re.compile(r"Not saved: .* [34] decisions are kept in this browser")
    ).wait_for()
    expect_verdicts(page, *["remove"] * 5, "keep", *["unsure"] * 3)
    server.start()
    wait_saved(page)
    expected = ["remove"] * 5 + ["keep"] + ["unsure"] * 3
    assert stored(server, run) == dict(zip(ranked_ids(run), expected, strict=False))


def test_decisions_made_offline_are_sent_after_a_reload(page, server):
    run = make_home_run(server.home, n=60)
    open_review(page, server, run.id)
    page.keyboard.press("r")
    wait_saved(page)
    server.kill()
    page.keyboard.press("r")
    page.keyboard.press("z")
    page.keyboard.press("k")
    page.locator(".saved[data-kind=unsaved]").wait_for()
    server.start()
    page.reload()
    wait_ready(page)
    wait_saved(page)
    worst = ranked_ids(run)
    assert stored(server, run) == {worst[0]: "remove", worst[1]: "keep"}
    expect_verdicts(page, "remove", "keep", "")


def test_keys_are_left_alone_while_typing_and_with_ctrl(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("Control+k")
    page.locator(".st-key-find input").click()
    page.keyboard.type("bag/0000 kru")
    page.locator(".reviewer").fill("Rukz")
    assert set(verdicts(page)) == {""}


def test_letters_work_after_the_slider_and_escape_leads_out_of_a_field(page, app, run):
    open_review(page, app, run.id)
    page.get_by_role("button", name="More filters").click()
    slider = page.locator(".st-key-value input[type=range]").first
    slider.focus()
    page.keyboard.press("ArrowLeft")  # the slider's own
    expect_position(page, 0)
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect_verdicts(page, "keep", "")
    page.locator(".st-key-find input").click()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect_verdicts(page, "keep", "remove", "")


def test_a_new_label_is_shown_in_its_color(page, app, run):
    open_review(page, app, run.id)
    page.locator(".inspector .act.other").click()
    page.keyboard.type(another_class(run, worst_first(run)[0]))
    page.keyboard.press("Enter")
    badge = page.locator('.tile[data-position="0"] .badge.relabel')
    expect(badge).to_have_css("background-color", "rgb(204, 121, 167)")


def test_filters_keep_the_selected_image_and_come_from_the_address(page, app, run):
    names = list(run.class_names)
    open_review(page, app, run.id, **{"class": names[1]})
    count = int((run.values["class_name"] == names[1]).sum())
    page.locator(".tally", has_text=f"{count} of 60 images").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    row = chosen(page)
    page.locator(".st-key-class [data-testid=stSelectbox] svg").first.click()  # any class again
    page.locator(".tally", has_text="60 images · none").wait_for()
    expect_chosen(page, row)


def test_a_rerun_and_a_change_of_theme_rebuild_nothing(page, app, run):
    open_review(page, app, run.id)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect_position(page, 3)
    tile = page.locator(".tile.chosen")
    tile.evaluate("tile => { tile.marked = true }")
    keep = page.locator(".inspector .act.keep")
    light = keep.evaluate("element => getComputedStyle(element).backgroundColor")
    page.emulate_media(color_scheme="dark")
    expect(keep).not_to_have_css("background-color", light)
    settled(page)
    assert tile.evaluate("tile => tile.marked") is True
    # A filter that every image passes runs the script again and leaves the place as it was.
    page.locator(".st-key-find input").fill("png")
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('find=png')")
    settled(page)
    expect(page.locator(".tally")).to_have_text(re.compile("^60 images"))
    expect_position(page, 3)


def test_a_link_opens_its_image_and_later_places_win_over_it(page, app, run):
    target = ranked_ids(run)[7]
    open_review(page, app, run.id, image=target)
    expect_position(page, 7)
    page.keyboard.press("ArrowRight")
    page.reload()
    wait_ready(page)
    expect_position(page, 8)


def test_moving_reaches_both_ends_and_only_tiles_in_view_exist(page, app, seed):
    run = make_home_run(app.home, n=3000, v=3, pictures=False, seed=seed)
    open_review(page, app, run.id)
    page.keyboard.press("End")
    expect_position(page, 2999)
    expect(page.locator('.tile[data-position="0"]')).to_have_count(0)
    assert page.locator(".tile").count() < 120
    page.keyboard.press("PageUp")
    expect(page.locator(".tile.chosen")).to_have_attribute("data-position", re.compile(r"^29[0-8]"))
    page.keyboard.press("Home")
    expect_position(page, 0)
    page.keyboard.press("ArrowLeft")
    expect_position(page, 0)


def test_click_button_and_relabel(page, app, run):
    open_review(page, app, run.id)
    page.locator('.tile[data-position="2"]').click()
    page.locator(".inspector .act.remove").click()
    expect_position(page, 3)
    page.locator(".inspector .act.other").click()
    name = another_class(run, worst_first(run)[3])
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect_verdicts(page, "", "", "remove", "relabel")
    page.locator('.tile[data-position="3"] .badge', has_text=name).wait_for()
    wait_saved(page)
    assert stored(app, run) == {ranked_ids(run)[2]: "remove", ranked_ids(run)[3]: "relabel"}


def test_the_grid_is_a_listbox_that_names_its_active_option(page, app, run):
    open_review(page, app, run.id)
    page.keyboard.press("ArrowRight")
    active = page.locator("[role=listbox].grid").get_attribute("aria-activedescendant")
    option = page.locator(f"#{active}")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    page.keyboard.press("r")
    page.keyboard.press("ArrowLeft")
    expect(option).to_have_attribute("aria-label", re.compile("removed"))
    page.keyboard.press("?")
    expect(page.locator("dialog.help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.help")).to_be_hidden()


def test_names_from_the_data_are_text_never_markup(page, app, seed):
    import pandas as pd

    run = make_home_run(app.home, n=12, seed=seed)
    table = pd.read_parquet(run.path / "values.parquet")
    evil = '<img src=x onerror="window.hacked=1">'
    table.loc[table["value"].idxmin(), "id"] = evil
    table.to_parquet(run.path / "values.parquet", index=False)
    open_review(page, app, run.id)
    page.locator(".name", has_text="<img src=x").wait_for()
    page.keyboard.press("r")
    wait_saved(page)
    assert page.evaluate("window.hacked") is None
    assert stored(app, run) == {evil: "remove"}


def test_a_source_that_is_gone_leaves_a_calm_page_that_still_works(page, app, run):
    shutil.rmtree(run.record.train.source)
    open_review(page, app, run.id)
    page.locator(".tile .frame.missing").first.wait_for()
    page.keyboard.press("r")
    wait_saved(page)
    assert len(stored(app, run)) == 1


def test_two_tabs_both_save_and_the_other_sees_it_after_a_refresh(new_page, app, run):
    page, other = new_page(), new_page()
    open_review(page, app, run.id)
    open_review(other, app, run.id)
    page.keyboard.press("r")
    other.keyboard.press("End")
    other.keyboard.press("k")
    wait_saved(page)
    wait_saved(other)
    page.reload()
    wait_ready(page)
    page.locator(".tally", has_text="2 decided").wait_for()


def test_what_if_an_image_is_removed_is_answered_beside_it(page, app: Server, seed: int) -> None:
    run = make_home_run(app.home, seed=seed)
    open_review(page, app, run.id)
    page.keyboard.press("w")
    panel = page.locator(".whatif")
    panel.locator(".chart").wait_for()
    expect(panel.locator(".verdict")).to_have_text(re.compile(r"\.$"))
    expect(panel.locator(".small")).to_contain_text("60 \u00d7 30 images")
    expect(panel.locator(".figures")).to_have_text(re.compile("[+\u2212][0-9.]+ %"))
    page.keyboard.press("r")
    panel.get_by_role("button", name="Solve again").wait_for()
    expect(panel.locator(".chart")).to_have_count(0)
    page.keyboard.press("z")
    panel.locator(".chart").wait_for()  # known already
    wait_saved(page)
