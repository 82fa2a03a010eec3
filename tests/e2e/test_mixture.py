"""Mixture in a browser: a mix is moved, projected, compared, ordered, and kept in the address."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from core.acquisition import example_projection, list_projections
from core.projection import counts_of
from tests.e2e.mixture import (
    EXAMPLE,
    accuracy_text,
    asked,
    click_triangle,
    corners,
    drawn,
    expect_address,
    expect_images,
    expect_mix,
    expect_projected,
    mark_place,
    mix_query,
    open_mixture,
    plant,
    plant_named,
    share,
    slider,
    take_best,
    type_into,
    wait_drawn,
)
from tests.e2e.review import Held, becomes, expect, settled

MIX = "50,30,20"
GONE = "The projection in this address is not here (any more)."
NO_ANSWER = "The server does not answer. Is Assay still running?"
OPENED = "new URLSearchParams(location.search).get('projection')"
PAINTED = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x > 0)"

# How light, 0 to 255, the ground, the words and the words of the chart are. Computed colors come in
# many notations: a canvas reads them all.
COLORS = """root => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })
  const light = color => {
    pen.fillStyle = color
    pen.fillRect(0, 0, 1, 1)
    const [r, g, b] = pen.getImageData(0, 0, 1, 1).data
    return (r + g + b) / 3
  }
  const app = document.querySelector("[data-testid=stApp]")
  return [getComputedStyle(app).backgroundColor, getComputedStyle(root).color,
    getComputedStyle(root.querySelector("svg text")).fill].map(light)
}"""


@pytest.fixture(scope="session")
def few(app):
    """One source, and two."""
    return [plant(app, m).id for m in (1, 2)]


@pytest.fixture(scope="session")
def ten(app):
    return plant(app, 10)


@pytest.fixture(scope="session")
def unpriced(app):
    """Four sources; one has no price, and none an end."""
    return plant(app, 4, prices=False, capacities=False).id


def percent_of(counts):
    """Return the shares of a mix of whole images."""
    return [100 * one / sum(counts) for one in counts]


def test_a_slider_moves_the_others_in_proportion_and_the_headline_is_of_that_mix(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    expect_mix(page, 50, 30, 20)
    expect_projected(page, app)
    before = drawn(page).headline
    box = slider(page, 0).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for part in (0.4, 0.3, 0.2):
        page.mouse.move(box["x"] + part * box["width"], middle, steps=4)
    page.mouse.up()
    becomes(lambda: drawn(page).p[0], pytest.approx(20, abs=4))
    moved = float(slider(page, 0).input_value())
    expect_mix(page, moved, (100 - moved) * 0.6, (100 - moved) * 0.4)
    expect_projected(page, app)
    assert drawn(page).headline != before
    for source, percent in enumerate(drawn(page).p):
        expect(share(page, source)).to_have_value(f"{percent:.1f}".removesuffix(".0"))


def test_a_locked_source_stays_where_it_is(page, app):
    open_mixture(page, app, mix=MIX)
    page.get_by_role("button", name="Lock Balanced and clean").click()
    slider(page, 1).fill("40")
    expect_mix(page, 50, 40, 10)
    slider(page, 1).fill("90")  # what the locked one leaves
    expect_mix(page, 50, 50, 0)
    page.get_by_role("button", name="Lock Few classes").click()
    expect(slider(page, 2)).to_be_disabled()
    expect_address(page, locked="1,2")
    page.reload()
    expect(slider(page, 2)).to_be_disabled()
    page.get_by_role("button", name="Lock Balanced and clean").click()
    slider(page, 2).fill("25")
    expect_mix(page, 25, 50, 25)
    expect_projected(page, app)


def test_a_share_is_typed(page, app):
    open_mixture(page, app, mix=MIX)
    type_into(share(page, 2), "60")
    expect_mix(page, 25, 15, 60)
    type_into(share(page, 0), "12,5 %", "Tab")
    expect_mix(page, 12.5, 17.5, 70)
    for nonsense in ("many", "-", " "):
        type_into(share(page, 0), nonsense, "Tab")
        expect(share(page, 0)).to_have_value("12.5")
    type_into(share(page, 1), "250")
    expect_mix(page, 0, 100, 0)
    type_into(share(page, 2), "33.33")
    share(page, 2).blur()
    expect(share(page, 2)).to_have_value("33.3")
    expect_mix(page, 0, 66.67, 33.33)
    expect_projected(page, app)


def test_arrow_keys_move_a_share_by_a_percent_or_ten(page, app):
    open_mixture(page, app, mix=MIX)
    slider(page, 0).focus()
    for key, first in (
        ("ArrowRight", 51),
        ("Shift+ArrowLeft", 41),
        ("PageUp", 51),
        ("Shift+ArrowUp", 61),
    ):
        page.keyboard.press(key)
        expect_mix(page, first, (100 - first) * 0.6, (100 - first) * 0.4)
    expect(slider(page, 0)).to_have_attribute("aria-valuetext", "61 percent")
    expect_projected(page, app)


def test_the_size_is_typed_slid_and_taken_from_the_curve(page, app):
    open_mixture(page, app, mix=MIX, images=1000)
    size, size_slider = page.locator(".size"), page.locator(".size-slider")
    type_into(size, "12,500")
    expect_images(page, 12_500)
    expect(size_slider).to_have_attribute("aria-valuetext", "12,500 images")
    expect_projected(page, app)
    for nonsense in ("plenty", "-3", "0"):
        type_into(size, nonsense, "Tab")
        expect(size).to_have_value("12,500")
    sizes = asked(page, app, f"{EXAMPLE}/about")["sizes"]
    size_slider.fill("500")
    expect_images(page, (sizes[0] * sizes[-1]) ** 0.5, within=0.02 * (sizes[0] * sizes[-1]) ** 0.5)
    page.mouse.click(*mark_place(page, ".projected .plane", "2,000"))
    expect_images(page, 2000, within=40)
    page.mouse.down()
    page.mouse.move(*mark_place(page, ".projected .plane", "20,000"), steps=6)
    page.mouse.up()
    expect_images(page, 20_000, within=400)
    expect(size).to_have_value(f"{drawn(page).n:,}")
    expect_projected(page, app)
    expect_mix(page, 50, 30, 20)


def test_the_best_mix_is_that_of_the_server_and_locks_hold_there_and_in_the_even_one(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    take_best(page)
    best = asked(page, app, f"{EXAMPLE}/best", n=2000)
    expect_mix(page, *percent_of(best["counts"]))
    expect_projected(page, app)
    percent = f"{100 * best['accuracy']:.1f} %"
    assert drawn(page).headline.startswith(percent)
    expect(page.locator(".space > p").first).to_contain_text("Of 2,000 images the best is")
    expect(page.locator(".space > p").first).to_contain_text(percent)
    page.get_by_role("button", name="Even mix").click()
    expect_mix(page, *[100 / 3] * 3)
    open_mixture(page, app, mix=MIX, images=2000, locked="1")
    expect(page.locator(".space > p").first).to_contain_text(
        "with what is locked, the best is 50 /"
    )
    expect(page.locator(".sizes > p")).to_contain_text("with what is locked")
    take_best(page)
    best = asked(page, app, f"{EXAMPLE}/best", n=2000, locked="0.5,,")
    assert best["p"][0] == 0.5
    expect_mix(page, *percent_of(best["counts"]))
    page.get_by_role("button", name="Even mix").click()
    expect_mix(page, 50, 25, 25)
    expect(page.locator('.lock[aria-pressed="true"]')).to_have_count(1)


def test_a_budget_gives_a_mix_that_it_pays_for(page, app):
    open_mixture(page, app, mix="100,0,0", images=4000)
    type_into(page.locator(".budget"), "100")
    expect(page.locator(".deeds .best")).to_have_text("Best for the budget")
    take_best(page)
    best = asked(page, app, f"{EXAMPLE}/best", budget=100)
    expect_mix(page, *percent_of(best["counts"]))
    expect_images(page, best["n"])
    cost = asked(page, app, f"{EXAMPLE}/mix", **mix_query(drawn(page)))["cost"]
    assert 0 < cost <= 100
    assert f"· {cost:,.2f} EUR ·" in drawn(page).detail
    expect_address(page, money="100")
    page.reload()
    expect(page.locator(".budget")).to_have_value("100")
    expect(page.locator(".sizes > p")).to_contain_text("within 100.00 EUR")
    for nonsense in ("none", "-5", "0"):
        type_into(page.locator(".budget"), nonsense, "Tab")
        expect(page.locator(".notice")).to_contain_text(f"“{nonsense}” is no budget")
        expect(page.locator(".budget")).to_have_value("100")
    type_into(page.locator(".budget"), "")
    expect(page.locator(".deeds .best")).to_have_text("Best mix")
    expect(page.locator(".notice")).to_be_hidden()
    expect_address(page, money=None)


def test_numbers_are_read_as_people_write_them(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    for typed, money in (
        ("12,50", "12.5"),
        ("1.234,50", "1234.5"),
        ("€ 1,250", "1250"),
        ("9", "9"),
    ):
        type_into(page.locator(".budget"), typed)
        expect_address(page, money=money)
    type_into(page.locator(".size"), "10.000 images")
    expect_images(page, 10_000)
    type_into(page.locator(".size"), "7,5", "Tab")
    expect(page.locator(".notice")).to_contain_text("“7,5” is no number of images")
    expect(page.locator(".size")).to_have_value("10,000")


def test_nothing_is_said_of_less_than_what_was_trained(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    least = asked(page, app, f"{EXAMPLE}/about")["sizes"][0]
    type_into(page.locator(".size"), "3")
    expect_images(page, least)
    expect(page.locator(".notice")).to_contain_text(f"fewer than {least} images")
    open_mixture(page, app, mix=MIX, images=5)
    expect_images(page, least)


def test_a_press_in_the_triangle_leaves_a_locked_share_alone(page, app):
    open_mixture(page, app, mix=MIX, images=2000, locked="1")
    box = page.locator(".triangle").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)  # all of the third, near the top
    becomes(lambda: drawn(page).p[2] > 40, True)
    shares = drawn(page).p
    assert shares[0] == pytest.approx(50, abs=0.001)
    assert sum(shares) == pytest.approx(100, abs=0.001)


def test_why_a_mix_cannot_be_bought_is_said_and_who_disagrees_about_it(page, app):
    open_mixture(page, app, mix="100,0,0", images=2000)
    expect(page.locator(".projected .warning")).to_be_hidden()
    open_mixture(page, app, mix="100,0,0", images=20_000, money=100)
    said = page.locator(".projected .warning")
    expect(said).to_contain_text("Balanced and clean has 4,000 images; 20,000 are wanted")
    expect(said).to_contain_text("1,500.00 EUR over the budget")
    # Of the same held-out error, and far apart beyond it.
    expect(page.locator(".projected")).to_contain_text("No worse on held-out mixes, but apart here")


def test_the_curve_is_read_where_the_pointer_is(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    about = asked(page, app, f"{EXAMPLE}/about")
    near = min(range(len(about["sizes"])), key=lambda k: abs(about["sizes"][k] - 5000))
    curve = asked(page, app, f"{EXAMPLE}/mix", **mix_query(drawn(page)))["curve"]
    page.mouse.move(*mark_place(page, ".projected .plane", "5,000"))
    expect(page.locator(".projected > p").last).to_contain_text(
        f"{about['sizes'][near]:,} images: {100 * curve['accuracy'][near]:.1f} %"
    )
    expect_images(page, 2000)


def test_what_was_set_is_there_after_another_page_and_the_browsers_buttons(page, app):
    open_mixture(page, app, mix=MIX, images=3000)
    expect_address(page, images="3000")
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("heading", name="Overview").wait_for()
    page.get_by_role("link", name="Mixture").click()
    wait_drawn(page)
    expect_mix(page, 50, 30, 20)
    expect_images(page, 3000)
    for query in ("projection=example&mix=10,20,70&images=900", "projection=example"):
        page.evaluate(f"history.pushState({{}}, '', location.pathname + '?{query}')")
    page.go_back()
    expect_mix(page, 10, 20, 70)
    expect_images(page, 900)


def test_a_budget_below_everything_is_explained(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    type_into(page.locator(".budget"), "0.5")
    take_best(page)
    expect(page.locator(".notice")).to_contain_text("pays for")
    expect_mix(page, 50, 30, 20)


def test_without_a_price_there_is_no_budget_and_without_an_end_anything_is_ordered(
    page, app, unpriced
):
    open_mixture(page, app, unpriced, images=123456, money=50)
    expect(page.locator(".money")).to_be_hidden()
    expect(page.locator(".deeds .best")).to_have_text("Best mix")
    assert "EUR" not in drawn(page).detail
    expect(page.locator(".order")).to_have_attribute("aria-disabled", "false")


def test_a_mix_is_kept_and_compared_until_it_is_dropped(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    kept = asked(page, app, f"{EXAMPLE}/mix", **mix_query(drawn(page)))
    against = page.locator(".against")
    expect(against).to_be_hidden()
    page.get_by_role("button", name="Keep to compare").click()
    page.locator("path.kept").first.wait_for(state="attached")
    slider(page, 2).fill("80")
    expect_mix(page, 12.5, 7.5, 80)
    now = asked(page, app, f"{EXAMPLE}/mix", **mix_query(drawn(page)))
    gain = now["at"]["accuracy"] - kept["at"]["accuracy"]
    assert abs(gain) > 0.005  # or it would not show
    expect(against).to_contain_text(f"Kept mix 50 / 30 / 20: {100 * kept['at']['accuracy']:.1f} %")
    expect(against).to_contain_text(f"costs {kept['cost']:,.2f} EUR")
    said = f"{abs(100 * gain):.1f} points {'above' if gain > 0 else 'below'} it"
    expect(against).to_contain_text(f"This one is {said}")
    expect_address(page, **{"with": "50,30,20", "mix": "12.5,7.5,80"})
    page.reload()
    expect(against).to_contain_text(said)
    type_into(page.locator(".size"), "8000")
    later = asked(page, app, f"{EXAMPLE}/mix", p="0.5,0.3,0.2", n=8000)
    expect(against).to_contain_text(f"Kept mix 50 / 30 / 20: {100 * later['at']['accuracy']:.1f} %")
    page.get_by_role("button", name="Drop the kept mix").click()
    expect(against).to_be_hidden()
    expect(page.locator("path.kept")).to_have_count(0)
    expect_address(page, **{"with": None})


def test_a_mix_is_kept_in_the_address_though_the_server_takes_its_time(page, app):
    open_mixture(page, app, mix=MIX, images=2000)
    expect_address(page, mix=MIX, images="2000")
    held = Held(page, "**/mix?*")
    page.get_by_role("button", name="Keep to compare").click()
    held.wait()
    page.wait_for_timeout(600)  # what is not known by now
    held.release()
    page.locator("path.kept").first.wait_for(state="attached")
    expect_address(page, **{"with": MIX})


def test_another_predictor_is_chosen(page, app):
    open_mixture(page, app, mix="10,10,80", images=20_000)
    about = asked(page, app, f"{EXAMPLE}/about")
    first = drawn(page)
    expect(page.locator(".by-predictor input:checked")).to_have_value(about["predictor"])
    said = asked(page, app, f"{EXAMPLE}/mix", **mix_query(first))["others"]
    others = [one for one in about["predictors"] if one["name"] in said]
    other = max(
        others,
        key=lambda one: abs(said[one["name"]]["accuracy"] - said[about["predictor"]]["accuracy"]),
    )
    percent = accuracy_text(said[other["name"]])
    assert not first.headline.startswith(percent)
    page.get_by_role("radio", name=other["title"], exact=True).check()
    becomes(lambda: drawn(page).headline.startswith(percent), True)
    expect_projected(page, app, by=other["name"])
    expect_address(page, by=other["name"])
    page.reload()
    expect_projected(page, app, by=other["name"])
    expect(page.locator(".by-predictor input:checked")).to_have_value(other["name"])


def test_a_row_of_the_best_mixes_by_size_is_taken(page, app):
    open_mixture(page, app, mix="0,0,100", images=700)
    rows = page.locator(".by-size tbody tr")
    best = example_projection().record.best
    expect(rows).to_have_count(len(best))
    rows.nth(2).get_by_role("button").click()
    expect_images(page, best[2].n)
    expect_mix(page, *percent_of(best[2].counts))
    expect(rows.nth(2)).to_contain_text(drawn(page).headline.split("\u2002")[0])
    expect_projected(page, app)


def test_a_click_in_the_triangle_sets_the_mix_there(page, app):
    open_mixture(page, app, mix=MIX)
    becomes(lambda: page.locator(".triangle canvas").evaluate(PAINTED), True)
    click_triangle(page, 0.2, 0.7, 0.1)
    expect_mix(page, 20, 70, 10, within=0.7)
    places = corners(page)
    page.mouse.move(*np.mean(places, axis=0))
    page.mouse.down()
    page.mouse.move(places[2][0], places[2][1] - 30, steps=5)  # outside: the nearest that there is
    page.mouse.up()
    expect_mix(page, 0, 0, 100, within=0.7)
    expect_projected(page, app)


def test_ten_sources_are_shown_in_parallel_and_two_of_them_against_the_others(page, app, ten):
    m = 10
    open_mixture(page, app, ten.id, mix=",".join(["10"] * m), images=2000)
    expect(page.locator(".source")).to_have_count(m)
    lines = page.locator(".strip path.mixed")
    spread = asked(page, app, f"{ten.id}/spread", n=2000, by=ten.record.predictor)
    expect(lines).to_have_count(len(spread["p"]))
    best = lines.last  # on top of the others
    best.scroll_into_view_if_needed()
    assert int(best.get_attribute("data-row")) == int(np.argmax(spread["accuracy"]))
    x, y = best.evaluate(
        """line => {
          const { x, y } = line.getPointAtLength(line.getTotalLength() * 0.01)
          const at = new DOMPoint(x, y).matrixTransform(line.getScreenCTM())
          return [at.x, at.y]
        }"""
    )
    page.mouse.click(x, y)
    expect_mix(page, *(100 * part for part in spread["p"][np.argmax(spread["accuracy"])]))
    slider(page, 0).fill("10")
    becomes(lambda: drawn(page).p[0], pytest.approx(10))
    expect_projected(page, app, ten.id)

    rest = np.array(drawn(page).p)
    page.get_by_label("How all mixes are shown").select_option("three")
    page.get_by_label("First source").select_option("4")
    page.get_by_label("Second source").select_option("7")
    expect(page.locator(".triangle .corner")).to_have_text(["Source 4", "Source 7", "all others"])
    click_triangle(page, 0.3, 0.2, 0.5)
    rest[[4, 7]] = 0
    expected = 50 * rest / rest.sum()
    expected[[4, 7]] = 30, 20
    expect_mix(page, *expected, within=1)
    expect_projected(page, app, ten.id)


def test_two_sources_are_a_line(page, app, few):
    open_mixture(page, app, few[1], images=500)
    page.mouse.click(*mark_place(page, ".strip", "75 %"))
    expect_mix(page, 75, 25, within=0.5)
    page.mouse.click(*mark_place(page, ".strip", "25 %"))
    expect_mix(page, 25, 75, within=0.5)
    expect_projected(page, app, few[1])
    expect(page.locator(".space")).to_contain_text("share of Source 0")


def test_of_one_source_there_is_nothing_to_mix_but_its_size(page, app, few):
    open_mixture(page, app, few[0], images=500)
    expect(page.locator(".space")).to_be_hidden()
    expect(slider(page, 0)).to_be_disabled()
    expect(page.locator(".deeds .best")).to_be_hidden()
    expect(page.locator(".deeds .even")).to_be_hidden()
    type_into(page.locator(".size"), "900")
    expect_images(page, 900)
    expect_projected(page, app, few[0])


def test_the_order_list_is_what_is_shown_and_ends_with_a_capacity(page, app):
    open_mixture(page, app, mix="33.3,33.3,33.4", images=1001)
    offers = example_projection().record.offers
    counts = counts_of(np.array([0.333, 0.333, 0.334]), 1001)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Order list (CSV)").click()
    rows = Path(waiting.value.path()).read_text().splitlines()
    assert rows[0] == "source,images,price,cost"
    assert [row.rsplit(",", 3)[:2] for row in rows[1:]] == [
        [offer.name, str(n)] for offer, n in zip(offers, counts, strict=True)
    ]
    assert waiting.value.suggested_filename.startswith("order-")

    type_into(page.locator(".size"), "20000")
    order = page.locator(".order")
    expect(order).to_have_attribute("aria-disabled", "true")
    expect(order).not_to_have_attribute("href", re.compile(""))
    said = f"{offers[0].name} has 4,000 images; 6,660 are asked for"
    expect(order).to_have_attribute("title", said)
    expect(page.locator(".source.over .bought")).to_have_text(["6,660 wanted, there are 4,000"])
    type_into(page.locator(".size"), "12000")
    expect(order).to_have_attribute("href", re.compile(r"/order\?counts=3996,3996,4008$"))


def test_the_mix_outlives_a_reload_and_a_way_back_from_another_page(page, app):
    open_mixture(page, app)
    slider(page, 0).fill("64.2")
    type_into(page.locator(".size"), "3100")
    expect_address(page, mix="64.2,17.9,17.9", images="3100", projection=EXAMPLE)
    page.reload()
    wait_drawn(page)
    expect_mix(page, 64.2, 17.9, 17.9)
    expect_images(page, 3100)
    settled(page)
    page.get_by_role("link", name="Start").first.click()
    page.locator(".st-key-start__sample").wait_for()
    page.go_back()
    wait_drawn(page)
    expect_mix(page, 64.2, 17.9, 17.9)
    expect_images(page, 3100)
    expect_projected(page, app)


def test_tabs_with_different_mixes_leave_one_another_alone(page, app, few):
    open_mixture(page, app, mix=MIX, images=2000)
    other = page.context.new_page()
    open_mixture(other, app, mix="20,20,60", images=4000)
    third = page.context.new_page()
    open_mixture(third, app, few[1], mix="90,10")
    slider(page, 0).fill("70")
    slider(other, 2).fill("0")
    expect_mix(page, 70, 18, 12)
    expect_mix(other, 50, 50, 0)
    for tab, images in ((page, 2000), (other, 4000)):
        expect_images(tab, images)
        expect_projected(tab, app)
        expect_address(tab, images=str(images), projection=EXAMPLE)
    expect_mix(third, 90, 10)
    expect_projected(third, app, few[1])


@pytest.mark.parametrize(
    "name",
    ["f" * 16, "../../etc/passwd", "<script>document.title='taken'</script>", "Example", "%00"],
)
def test_a_projection_that_is_not_there_is_said_so_and_another_is_shown(page, app, few, name):
    page.goto(f"{app.url}/mixture?projection={name}&mix=50,30,20")
    page.get_by_text(GONE).wait_for()
    wait_drawn(page)
    opened = {EXAMPLE, *(one.id for one in list_projections(app.home))}
    becomes(lambda: page.evaluate(OPENED) in opened, True)
    p = drawn(page).p
    assert p == pytest.approx([100 / len(p)] * len(p), abs=1e-3)  # 50,30,20 was of another one
    assert page.title() != "taken"


def test_nonsense_in_the_address_is_passed_over(page, app):
    about = asked(page, app, f"{EXAMPLE}/about")
    for query in (
        {
            "mix": "abc",
            "images": "-5",
            "by": "<script>document.title='taken'</script>",
            "money": "x",
        },
        {
            "mix": "50,30",
            "images": "many",
            "by": "none",
            "money": "-1",
            "locked": "9,x",
            "with": "1",
        },
        {"mix": "NaN,50,50", "images": "1e12", "by": "", "money": "Infinity", "with": "a,b,c"},
        {"mix": "-50,100,50", "images": "0", "money": "NaN", "locked": "<b>"},
    ):
        open_mixture(page, app, **query)
        expect_mix(page, *[100 / 3] * 3)
        expect_projected(page, app)
        assert drawn(page).n > 0
        expect(page.locator(".by-predictor input:checked")).to_have_value(about["predictor"])
        expect(page.locator(".budget")).to_have_value("")
        expect(page.locator(".against")).to_be_hidden()
        expect(page.locator('.lock[aria-pressed="true"]')).to_have_count(0)
        expect(page.locator(".notice")).to_contain_text(
            "The mix in this address is not one of 3 shares"
        )
        assert page.title() != "taken"
    slider(page, 0).fill("50")
    expect(page.locator(".notice")).to_be_hidden()


def test_a_server_that_is_gone_is_told_of_and_found_again(page, server):
    open_mixture(page, server, mix=MIX, images=2000)
    server.kill()
    slider(page, 0).fill("70")
    notice = page.locator(".notice", has_text=NO_ANSWER)
    notice.wait_for()
    expect(share(page, 0)).to_have_value("70")  # the hand is not held up
    expect_mix(page, 50, 30, 20)  # the figures are still of this one
    server.start()
    slider(page, 0).fill("90")
    expect_mix(page, 90, 6, 4)
    expect(page.locator(".notice")).to_be_hidden()
    expect_projected(page, server)


def test_a_projection_that_did_not_come_is_asked_for_again(page, app):
    page.route("**/about", lambda route: route.abort())
    page.goto(f"{app.url}/mixture?projection={EXAMPLE}&mix={MIX}")
    page.locator(".mixture[data-state=failed] .notice", has_text=NO_ANSWER).wait_for()
    page.unroute("**/about")
    page.get_by_role("button", name="Try again").click()
    wait_drawn(page)
    expect_mix(page, 50, 30, 20)
    expect(page.locator(".notice")).to_be_hidden()


def test_what_was_missed_while_the_server_was_away_comes_with_the_next_move(page, app):
    for late in ("path", "field"):
        page.route(f"**/{late}?*", lambda route: route.abort())
    open_mixture(page, app, mix=MIX)
    expect(page.locator(".sizes > p")).to_have_text(NO_ANSWER)
    expect(page.locator(".triangle .corner")).to_have_count(0)
    for late in ("path", "field"):
        page.unroute(f"**/{late}?*")
    slider(page, 0).fill("70")
    expect(page.locator(".by-size tbody tr")).to_have_count(6)
    expect(page.locator(".triangle .corner")).to_have_count(3)
    expect(page.locator(".sizes > p")).not_to_have_text(NO_ANSWER)


def test_names_are_shown_as_they_are_and_never_run(page, app):
    names = ["<img src=x onerror=document.title='taken'>", "**bold** `code`", "\u202egnp.exe"]
    odd = plant_named(app, names)
    open_mixture(page, app, odd.id)
    expect(page.locator(".source b")).to_have_text(names)
    expect(page.locator(".by-source b")).to_have_text(names)
    page.locator(".triangle .corner").first.wait_for()
    page.get_by_role("button", name="Keep to compare").click()
    expect(page.locator(".against")).to_be_visible()
    expect(page.locator(".mixture img[src=x]")).to_have_count(0)
    assert page.title() != "taken"


def test_it_is_drawn_on_a_dark_ground_too(page, app, ten):
    page.emulate_media(color_scheme="dark")
    for projection in (EXAMPLE, ten.id):
        open_mixture(page, app, projection)
        ground, ink, marks = page.locator(".mixture").evaluate(COLORS)
        assert ground < 80 < 128 < min(ink, marks), (ground, ink, marks)
        expect(page.locator(".projected svg path.line").first).to_be_visible()
        expect_projected(page, app, projection)
