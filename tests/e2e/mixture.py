"""How a test works the page of mixtures, and what it sees there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest

from core.acquisition import OfferRecord, Projection
from core.acquisition.folder import FOLDER, read_projection
from tests.e2e.conftest import Server
from tests.e2e.review import becomes, expect
from tests.pages.ui.mixtures import planted

EXAMPLE = "example"
# What is drawn changes in one go, so it is read in one go.
DRAWN = """root => [root.dataset.shown, root.querySelector(".projected h3").textContent,
  root.querySelector(".projected .detail").textContent]"""


class Drawn(NamedTuple):
    """What the page shows: the ratio (percent), the number of images, two lines about them."""

    p: list[float]
    n: int
    headline: str
    detail: str


def plant(server: Server, m: int, **settings: bool) -> Projection:
    """Write a projection of m sources into the home of `server`."""
    return planted(server.home / FOLDER, m, **settings)


def plant_named(server: Server, names: list[str]) -> Projection:
    """Write a projection of sources with these names, of which no other test has as many."""
    made = plant(server, len(names))
    record = replace(made.record, offers=_called(made, names))
    made.table.rename(columns=dict(zip(made.record.names, names, strict=True))).to_parquet(
        made.path / "measured.parquet", index=False
    )
    (made.path / "projection.json").write_text(record.to_json(), encoding="utf-8")
    return read_projection(made.path)


def _called(made: Projection, names: list[str]) -> tuple[OfferRecord, ...]:
    return tuple(
        replace(offer, name=name) for offer, name in zip(made.record.offers, names, strict=True)
    )


def open_mixture(page: Any, server: Server, projection: str = EXAMPLE, **query: object) -> None:
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{server.url}/mixture?projection={projection}{extra}")
    wait_drawn(page)


def wait_drawn(page: Any) -> None:
    """Wait until a mix is drawn."""
    page.locator(".mixture[data-state=ready][data-shown]").wait_for()


def drawn(page: Any) -> Drawn:
    shown, headline, detail = page.locator(".mixture").evaluate(DRAWN)
    ratio, n = shown.split("@")
    return Drawn([float(share) for share in ratio.split(",")], int(n), headline, detail)


def expect_mix(page: Any, *percent: float, within: float = 0.001) -> None:
    """Wait until the mix that is drawn has these shares, percent."""
    becomes(lambda: drawn(page).p, pytest.approx(percent, abs=within))


def expect_images(page: Any, n: int, within: float = 0) -> None:
    """Wait until the mix that is drawn has n images."""
    becomes(lambda: drawn(page).n, pytest.approx(n, abs=within))


def expect_projected(page: Any, server: Server, projection: str = EXAMPLE, **query: str) -> None:
    """Wait until the headline is what the server says of the mix that is drawn."""

    def agrees() -> bool:
        shown = drawn(page)
        said = asked(page, server, f"{projection}/mix", **mix_query(shown), **query)
        return shown.headline == f"{accuracy_text(said['at'])}\u2002accuracy at {shown.n:,} images"

    becomes(agrees, True)


def accuracy_text(said: dict[str, float]) -> str:
    """Return how the page writes an accuracy: no law ends at 100 % by itself."""
    return f"{100 * min(max(said['accuracy'], 0), 1):.1f} %"


def mix_query(shown: Drawn) -> dict[str, object]:
    """Return the question about a mix."""
    return {"p": ",".join(f"{share / 100:.8f}" for share in shown.p), "n": shown.n}


def asked(page: Any, server: Server, what: str, **query: object) -> Any:
    """Return what the server answers, without the page."""
    answer = page.request.get(f"{server.url}/assay/projections/{what}", params=query)
    assert answer.ok, answer.text()
    return answer.json()


def slider(page: Any, source: int) -> Any:
    return page.locator(".source input[type=range]").nth(source)


def share(page: Any, source: int) -> Any:
    return page.locator(".source .share").nth(source)


def type_into(field: Any, text: str, then: str = "Enter") -> None:
    """Write into a field as a person does, key by key, and end with another key."""
    field.click()
    field.press("Control+a")
    field.press("Delete")
    field.press_sequentially(text)
    field.press(then)


def take_best(page: Any) -> None:
    """Wait until the best mix is known, and take it."""
    button = page.locator(".deeds .best")
    expect(button).to_be_enabled()
    button.click()


def expect_address(page: Any, **expected: str | None) -> None:
    """Wait until the address has these values; None where it has none of that name."""

    def found() -> dict[str, str | None]:
        query = parse_qs(page.evaluate("location.search.slice(1)"))
        return {name: query.get(name, [None])[0] for name in expected}

    becomes(found, expected)


def corners(page: Any) -> list[tuple[float, float]]:
    """Return where the corners of the triangle are on the screen, in the order of its names."""
    path = page.locator(".triangle .outline")
    path.wait_for()
    path.scroll_into_view_if_needed()
    box = page.locator(".triangle").bounding_box()
    pairs = path.get_attribute("d").strip("MZ").split("L")
    places = [[float(one) for one in pair.split()] for pair in pairs]
    return [(box["x"] + x, box["y"] + y) for x, y in places]


def click_triangle(page: Any, *weights: float) -> None:
    """Click where these weights of the corners meet."""
    places = corners(page)
    x, y = (sum(w * place[k] for w, place in zip(weights, places, strict=True)) for k in (0, 1))
    page.mouse.click(x, y)


def mark_place(page: Any, plane: str, text: str) -> tuple[float, float]:
    """Return where on the screen the mark `text` of an axis across stands, within its plane."""
    mark = page.locator(f"{plane} svg text").get_by_text(text, exact=True).last
    mark.scroll_into_view_if_needed()
    label = mark.bounding_box()
    inside = page.locator(plane).bounding_box()
    return label["x"] + label["width"] / 2, inside["y"] + inside["height"] / 2
