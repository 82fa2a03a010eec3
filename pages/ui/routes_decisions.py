"""HTTP routes of the decisions: what stands, and strokes of one image or many to be recorded."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.curation import DEFAULT_REVIEWER, RunDecisions, open_store
from core.runs import home
from pages.ui.http import (
    BASE,
    RefusedError,
    answer,
    error,
    explained,
    opened,
    read_own_json,
    row_of,
)
from pages.ui.review_data import OpenedRun
from pages.ui.review_decisions import history, record_events, standing
from pages.ui.reviewer import of_headers

MAX_BODY = 8 * 1024 * 1024
MAX_EVENTS = 2000
MAX_ROWS = 100_000  # images in one request


def _decisions(run: OpenedRun) -> RunDecisions:
    return RunDecisions(open_store(home()), run.run)


@explained
def _read(request: Request) -> Response:
    """Answer with the present state, and with what the reviewer could undo."""
    run = opened(request)
    reviewer = of_headers(request.headers) or request.query_params.get("reviewer")
    return answer(standing(_decisions(run), reviewer or DEFAULT_REVIEWER))


async def _write(request: Request) -> Response:
    """Record a list of events in order; answer after they are committed."""
    try:
        events = await read_own_json(
            request, limit=MAX_BODY, too_much="Too many decisions at once; send fewer."
        )
    except RefusedError as refused:
        return refused.response
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        return error(400, "Decisions are sent as a JSON list of events.")
    if len(events) > MAX_EVENTS:
        return error(413, f"At most {MAX_EVENTS:,} strokes at once; got {len(events):,}.")
    images = sum(len(_rows(event)) for event in events)
    if images > MAX_ROWS:
        return error(413, f"At most {MAX_ROWS:,} images at once; got {images:,}.")

    login = of_headers(request.headers)
    if login:
        events = [{**event, "reviewer": login} for event in events]

    @explained
    def record(asked: Request) -> Response:
        return answer(record_events(_decisions(opened(asked)), events))

    return await run_in_threadpool(record, request)


def _rows(event: dict[str, Any]) -> list[Any]:
    rows = event.get("rows")
    return rows if isinstance(rows, list) else []


@explained
def _history(request: Request) -> Response:
    row = row_of(request)
    return answer(history(_decisions(opened(request)), row))


ROUTES = [
    Route(f"{BASE}/decisions", _read, methods=["GET"]),
    Route(f"{BASE}/decisions", _write, methods=["POST"]),
    Route(f"{BASE}/history/{{row:int}}", _history),
]
