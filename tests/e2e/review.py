"""How a test works the review, and what it sees there."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Server

SAVED = "All decisions saved"


def open_review(page: Any, server: Server, run_id: str, **query: str) -> None:
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    page.goto(f"{server.url}/review?run={run_id}{extra}")
    wait_ready(page)


def wait_ready(page: Any) -> None:
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()


def wait_saved(page: Any) -> None:
    page.locator(".saved[data-kind=saved]", has_text=SAVED).wait_for()


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
