"""How a test works the review, and what it sees there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from core.curation import RunDecisions
from core.runs import Run
from tests.e2e.conftest import WAITS_MS, Server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect  # waits until what is claimed of a locator is so
expect.set_options(timeout=WAITS_MS)

SAVED = "All decisions saved"


def open_review(page: Any, server: Server, run_id: str, **query: str) -> None:
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{server.url}/review?run={run_id}{extra}")
    wait_ready(page)


def wait_ready(page: Any) -> None:
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()


def wait_saved(page: Any) -> None:
    page.locator(".saved[data-kind=saved]", has_text=SAVED).wait_for()


def settled(page: Any) -> None:
    """Wait until the page's script has run and nothing more is to be drawn."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def becomes(look: Callable[[], Any], expected: Any) -> None:
    """Wait until `look()` is `expected`: a page shows what has come to it a moment later."""
    deadline = time.monotonic() + WAITS_MS / 1000
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen == expected, f"{seen!r} instead of {expected!r}"


class Held:
    """Requests to `address` that are not let through to the server, in the order they were made."""

    def __init__(self, page: Any, address: str) -> None:
        self._page = page
        self._through = False
        self.routes: list[Any] = []
        page.route(address, self._take)

    def _take(self, route: Any) -> None:
        if self._through:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self) -> Any:
        """Wait until there is one, and return it."""
        becomes(lambda: (self._page.wait_for_timeout(20), bool(self.routes))[1], True)
        return self.routes[0]

    def release(self) -> None:
        """Let them all through, and those that follow."""
        self._through = True
        while self.routes:
            self.routes.pop(0).continue_()


def chosen(page: Any) -> int:
    """Return the row of the selected image, whichever that is."""
    return int(page.locator(".tile.chosen").get_attribute("data-row"))


def expect_chosen(page: Any, row: int) -> None:
    """Wait until the image of `row` is the selected one."""
    expect(page.locator(".tile.chosen")).to_have_attribute("data-row", str(row))


def expect_position(page: Any, position: int) -> None:
    """Wait until the selected image is at `position`; 0 is the first."""
    expect(page.locator(".tile.chosen")).to_have_attribute("data-position", str(position))


def expect_verdicts(page: Any, *expected: str) -> None:
    """Wait until the tiles from the first on have these verdicts; "" where undecided."""
    becomes(lambda: tuple(verdicts(page)[: len(expected)]), expected)


def verdicts(page: Any) -> list[str]:
    """Return the verdicts of the tiles in view, first to last; "" where undecided."""
    tiles = page.locator(".tile").evaluate_all(
        "all => all.map(t => [Number(t.dataset.position), t.dataset.verdict])"
    )
    return [verdict for _, verdict in sorted(tiles)]


def known(page: Any, run_id: str) -> dict[int, tuple[str, str | None, bool]]:
    """Return what the page knows of each image that is decided: verdict, label, disputed."""
    states = page.evaluate(
        """run => {
          const store = globalThis.__assayReview.stores.get(run)
          const rows = [...Array(store.n).keys()]
          return rows.map(row => [...store.state(row), store.disputed(row)])
        }""",
        run_id,
    )
    return {row: tuple(state) for row, state in enumerate(states) if state[0] != "clear"}


def stood(decisions: RunDecisions) -> dict[int, tuple[str, str | None, bool]]:
    """Return what the log says of each image that is decided, as `known` does."""
    current = decisions.current()
    current = current[current["verdict"] != "clear"]
    labels = current["new_label"].astype(object).where(current["new_label"].notna(), None)
    return {
        row: (verdict, label, disputed)
        for row, verdict, label, disputed in zip(
            current["row"], current["verdict"], labels, current["disputed"], strict=True
        )
    }


def worst_first(run: Run) -> list[int]:
    """Return the rows of `run`, worst first."""
    return run.values["value"].argsort(kind="stable").tolist()


def another_class(run: Run, row: int) -> str:
    """Return a class that the image at `row` is not labelled."""
    return next(name for name in run.class_names if name != run.values["class_name"][row])


def written(server: Server, reviewer: str) -> list[tuple[str, str]]:
    """Return what a reviewer wrote in the order of the log: image id, and verdict or "undo"."""
    view = server.store().log()
    own = view.reviewer == view.words.code(reviewer)
    verdicts = view.words.texts(view.verdict[own])
    said = [
        v if undoes < 0 else "undo" for v, undoes in zip(verdicts, view.undoes[own], strict=True)
    ]
    return list(zip(view.words.texts(view.image[own]), said, strict=True))
