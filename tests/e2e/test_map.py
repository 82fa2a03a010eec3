"""The map in a browser: what is drawn around is what is shown, decided, and opened in Review."""

from __future__ import annotations

import numpy as np
import pytest

from core.curation import RunDecisions, open_store
from core.embedding import Layout, LayoutConfig
from core.runs import map_at_home
from tests.e2e.review import becomes, expect, settled, wait_ready, wait_saved
from tests.factories import make_home_run

N, M = 60, 30
# Whether the plane lies where it lay six frames ago and is drawn at its size.
STILL = """async over => {
  const place = () => JSON.stringify(over.getBoundingClientRect())
  const before = place()
  for (let frame = 0; frame < 6; frame += 1) await new Promise(requestAnimationFrame)
  const ratio = Math.min(2, devicePixelRatio || 1)
  return before === place() && over.width === Math.round(over.parentElement.clientWidth * ratio)
    && over.height === Math.round(over.parentElement.clientHeight * ratio)
}"""
FILLED = 0.94  # share of the plane's shorter side that the map takes
NO_WEBGL = """
const ask = HTMLCanvasElement.prototype.getContext
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : ask.call(this, kind, ...rest)
}
"""


@pytest.fixture
def run(app, seed):
    return make_home_run(app.home, n=N, m=M, seed=seed)


@pytest.fixture
def positions(app, run, monkeypatch):
    """A map that is known: classes in three columns, validation images along the bottom."""
    labels = run.values["label"].to_numpy()
    train = np.stack([labels * 0.9 - 0.9, np.linspace(-0.5, 1, N)], axis=1).astype(np.float32)
    bottom = np.stack([np.linspace(-1, 1, M), np.full(M, -0.95)], axis=1).astype(np.float32)
    layout = Layout(train, bottom, N + M)
    monkeypatch.setattr("core.runs.maps.lay_out", lambda *_: layout)
    map_at_home(run, app.home, LayoutConfig())
    return np.concatenate([train, bottom])


@pytest.fixture
def of_class(run):
    """The rows of a class, worst first."""

    def rows(label):
        order = run.values["value"].argsort(kind="stable").to_numpy()
        return [int(row) for row in order if run.values["label"][row] == label]

    return rows


@pytest.fixture
def verdicts(app, run):
    def read():
        current = RunDecisions(open_store(app.home), run).current()
        stands = zip(current["row"], current["verdict"], strict=True)
        return {row: verdict for row, verdict in stands if verdict != "clear"}

    return read


def open_map(page, app, run):
    page.goto(f"{app.url}/map?run={run.id}")
    wait_drawn(page)


def wait_drawn(page):
    """Wait until the map is drawn and nothing around it moves it any more."""
    page.locator(".map[data-state=ready][data-drawn]").wait_for()
    settled(page)
    lies = page.locator(".over").evaluate
    becomes(lambda: lies(STILL), True)


def at(page, x, y):
    """Return where the point (x, y) of the map is on the screen."""
    box = page.locator(".over").bounding_box()
    scale = FILLED * min(box["width"], box["height"]) / 2
    across, up = float(x) * scale, float(y) * scale
    return box["x"] + box["width"] / 2 + across, box["y"] + box["height"] / 2 - up


def draw_around(page, left, bottom, right, top):
    """Draw a lasso with square corners."""
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    page.mouse.move(*at(page, *corners[0]))
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*at(page, *corner), steps=4)
    page.mouse.up()


def draw_around_class(page, label):
    middle = label * 0.9 - 0.9
    draw_around(page, middle - 0.1, -0.7, middle + 0.1, 1.05)


def tiles(page):
    """Return the rows of the tiles in the document, in their order."""
    found = page.locator(".picked .tile").evaluate_all(
        "all => all.map(t => [Number(t.dataset.position), Number(t.dataset.row)])"
    )
    return [row for _, row in sorted(found)]


def expect_title(page, title):
    expect(page.locator(".picked h3")).to_have_text(title)


def expect_tiles(page, rows):
    becomes(lambda: tiles(page), rows)


def test_what_is_drawn_around_is_shown_worst_first_and_the_legend_counts_it(
    page, app, run, positions, of_class
):
    open_map(page, app, run)
    draw_around_class(page, 1)
    expect_title(page, "20 images")
    expect_tiles(page, of_class(1))
    page.locator(".mode").select_option("label")
    entry = page.locator(".entry", has_text=run.class_names[1])
    entry.get_by_text("20 of 20").wait_for()
    expect(page.locator(".entry", has_text=run.class_names[0])).to_contain_text("0 of 20")


def test_each_side_of_the_colors_reaches_as_far_as_its_own_values(page, app, run, positions):
    open_map(page, app, run)
    values = np.sort(run.values["value"].to_numpy())
    neutral = run.neutral_value
    harmful, helpful = values[values < neutral], values[values >= neutral]
    assert len(harmful)
    assert len(helpful)
    ends = page.locator(".legend .ends span")
    low, middle, high = (float(t.split()[0].replace("\u2212", "-")) for t in ends.all_inner_texts())
    # So few that the robust extreme of a side is its extreme.
    assert low == pytest.approx(harmful[0], rel=0.01)
    assert middle == pytest.approx(neutral, abs=1e-9)
    assert high == pytest.approx(helpful[-1], rel=0.01)


def test_shift_adds_to_a_selection_alt_takes_away_and_esc_lets_go(page, app, run, positions):
    open_map(page, app, run)
    draw_around_class(page, 0)
    page.keyboard.down("Shift")
    draw_around_class(page, 2)
    page.keyboard.up("Shift")
    expect_title(page, "40 images")
    page.keyboard.down("Alt")
    draw_around_class(page, 0)
    page.keyboard.up("Alt")
    expect_title(page, "20 images")
    draw_around(page, -1.05, -1.0, 1.05, -0.9)
    expect_title(page, "30 validation")
    expect(page.locator(".picked .empty p")).to_be_visible()
    page.keyboard.press("Escape")
    expect_title(page, "Nothing selected")


def test_a_box_a_click_and_the_legend_select_too(page, app, run, positions, of_class):
    open_map(page, app, run)
    page.keyboard.press("2")
    page.mouse.move(*at(page, -1.0, 1.05))
    page.mouse.down()
    page.mouse.move(*at(page, -0.8, -0.7), steps=4)
    page.mouse.up()
    expect_tiles(page, of_class(0))
    row = of_class(2)[3]
    page.mouse.click(*at(page, *positions[row]))
    expect_tiles(page, [row])
    page.locator(".entry", has_text="Hurts").click()
    becomes(lambda: len(tiles(page)), int((run.values["value"] < 0).sum()))


def test_one_image_and_all_of_a_selection_are_decided_and_taken_back(
    page, app, run, positions, of_class, verdicts
):
    open_map(page, app, run)
    draw_around_class(page, 1)
    page.keyboard.press("r")
    page.keyboard.press("k")
    wait_saved(page)
    worst = of_class(1)
    assert verdicts() == {worst[0]: "remove", worst[1]: "keep"}
    page.keyboard.press("a")
    page.keyboard.press("u")
    wait_saved(page)
    assert verdicts() == dict.fromkeys(worst, "unsure")
    page.keyboard.press("z")
    wait_saved(page)
    assert verdicts() == {worst[0]: "remove", worst[1]: "keep"}
    page.locator(".mode").select_option("decision")
    page.locator(".entry", has_text="Removed").get_by_text("1 of 1").wait_for()


def test_a_selection_opens_in_review_and_survives_a_reload_of_either(
    page, app, run, positions, of_class
):
    open_map(page, app, run)
    draw_around_class(page, 2)
    page.reload()
    expect_tiles(page, of_class(2))
    page.get_by_role("button", name="Open in Review").click()
    page.wait_for_url("**/review?*selection=*")
    for _ in range(2):
        wait_ready(page)
        expect(page.locator(".tally")).to_contain_text("20 of 60")
        page.reload()


def test_pointing_at_an_image_shows_which_it_is(page, app, run, positions, of_class):
    open_map(page, app, run)
    row = of_class(0)[0]
    page.mouse.move(*at(page, *positions[row]))
    card = page.locator(".card")
    card.get_by_text(run.values["id"][row]).wait_for()
    expect(card).to_contain_text(run.class_names[0])
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    page.mouse.move(*at(page, *positions[N + 4]))
    card.get_by_text(run.validation["id"][4]).wait_for()
    expect(card).to_contain_text("Validation image")


def test_positions_are_asked_for_once_whatever_is_clicked(page, app, run, positions):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_map(page, app, run)
    draw_around_class(page, 1)
    page.locator(".mode").select_option("looks_like")
    page.locator(".of-validation").uncheck()
    page.locator(".entry").first.click()
    assert len([url for url in asked if url.endswith("/positions")]) == 1


def test_without_webgl_the_points_are_drawn_all_the_same(page, app, run, positions, of_class):
    page.add_init_script(NO_WEBGL)
    open_map(page, app, run)
    expect(page.locator(".map")).to_have_attribute("data-renderer", "CanvasRenderer")
    painted = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x > 0)"
    becomes(lambda: page.locator("canvas.points").evaluate(painted), True)
    draw_around_class(page, 1)
    expect_tiles(page, of_class(1))


def test_what_is_hidden_cannot_be_selected(page, app, run, positions):
    open_map(page, app, run)
    page.locator(".of-train").uncheck()
    draw_around(page, -1.05, -1.05, 1.05, 1.05)
    expect_title(page, "30 validation")


def test_who_decides_is_asked_before_the_first_decision_and_that_one_counts(
    new_page, app, run, positions, of_class, verdicts
):
    page = new_page(None)
    open_map(page, app, run)
    draw_around_class(page, 1)
    page.keyboard.press("r")
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.locator('.tile[data-verdict="remove"]').wait_for()
    wait_saved(page)
    row = of_class(1)[0]
    assert verdicts() == {row: "remove"}
    current = RunDecisions(open_store(app.home), run).current()
    assert current["reviewer"].tolist() == ["Ada"]
