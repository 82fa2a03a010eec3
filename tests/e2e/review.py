"""How a test works the review, and what it sees there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from core.curation import RunDecisions
from core.runs import Run
from tests.e2e.conftest import Server

SAVED = "All decisions saved"
SHOWN_WITHIN_S = 10


def open_review(page: Any, server: Server, run_id: str, **query: str) -> None:
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{server.url}/review?run={run_id}{extra}")
    wait_ready(page)


def wait_ready(page: Any) -> None:
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()


def wait_saved(page: Any) -> None:
    page.locator(".saved[data-kind=saved]", has_text=SAVED).wait_for()


def becomes(look: Callable[[], Any], expected: Any) -> None:
    """Wait until `look()` is `expected`: a page shows what has come to it a moment later."""
    deadline = time.monotonic() + SHOWN_WITHIN_S
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen == expected


def chosen(page: Any) -> int:
    """Return the row of the selected image."""
    return int(page.locator(".tile.chosen").get_attribute("data-row"))


def position(page: Any) -> int:
    return int(page.locator(".tile.chosen").get_attribute("data-position"))


def verdicts(page: Any) -> list[str]:
    """Return the verdicts of the tiles in view, best known first; "" where undecided."""
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


def written(server: Server, reviewer: str) -> list[tuple[str, str]]:
    """Return what a reviewer wrote in the order of the log: image id, and verdict or "undo"."""
    view = server.store().log()
    own = view.reviewer == view.words.code(reviewer)
    verdicts = view.words.texts(view.verdict[own])
    said = [
        v if undoes < 0 else "undo" for v, undoes in zip(verdicts, view.undoes[own], strict=True)
    ]
    return list(zip(view.words.texts(view.image[own]), said, strict=True))
