"""HTTP routes beside the dashboard: pictures, the ranking, evidence, decisions.

A run is named by its id, an image by its row or id; no route takes a path. Answers are JSON, errors
too: `{"error": sentence}`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from core.curation import (
    DEFAULT_REVIEWER,
    Decision,
    DecisionStore,
    NewDecision,
    RunDecisions,
    open_store,
)
from core.errors import AssayError, ConfigError, DataError, RunError
from core.runs import home
from pages.ui.address import base_path
from pages.ui.review_data import SIZES, OpenedRun, OpenedRuns, Payload, evidence, picture
from pages.ui.sensitivity_data import Sensitivities

_LOG = logging.getLogger("assay.routes")
_RUNS = OpenedRuns()
_SENSITIVITIES = Sensitivities()
# Private: behind a proxy that authenticates, a shared cache must not hand pictures on.
_IMMUTABLE = "private, max-age=31536000, immutable"
_REVALIDATE = "private, max-age=0, must-revalidate"
MAX_BODY = 2 * 1024 * 1024
MAX_EVENTS = 2000

Handler = Callable[[Request], Response]


def _error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers={"Cache-Control": "no-store"})


def _explained(handler: Handler) -> Handler:
    """Turn what `handler` raises into a JSON answer; Starlette runs it in its thread pool."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except RunError as error:
            return _error(404, str(error))
        except IndexError:
            return _error(404, "There is no image at this row of the run.")
        except DataError as error:
            return _error(410, str(error))
        except ConfigError as error:
            return _error(422, str(error))
        except Exception:  # the browser gets a sentence, the log the traceback
            _LOG.exception("%s %s failed", request.method, request.url.path)
            return _error(500, "Assay could not answer this; the server's log says why.")

    return answer


def _opened(request: Request) -> OpenedRun:
    return _RUNS.get(home(), request.path_params["run"])


def _send(request: Request, payload: Payload, cache: str) -> Response:
    """Answer with `payload`, or with 304 where the client has it already."""
    headers = {
        "ETag": payload.etag,
        "Cache-Control": cache,
        "X-Content-Type-Options": "nosniff",
    }
    if payload.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    known = request.headers.get("if-none-match", "")
    if payload.etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Response(status_code=304, headers=headers)
    content = payload.content
    if payload.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        content = payload.gzipped
    return Response(content, headers=headers, media_type=payload.media_type)


@_explained
def _image(request: Request) -> Response:
    side = request.path_params["side"]
    if side not in ("train", "validation"):
        return _error(404, "Pictures are of the training or the validation set.")
    asked = request.query_params.get("size")
    if asked is not None and asked not in map(str, SIZES):
        return _error(400, f"The size must be one of {', '.join(map(str, SIZES))}.")
    images = _opened(request).images(side)
    row = request.path_params["row"]
    return _send(request, picture(images, row, int(asked) if asked else None), _IMMUTABLE)


@_explained
def _ranking(request: Request) -> Response:
    return _send(request, _opened(request).ranking(), _REVALIDATE)


@_explained
def _evidence(request: Request) -> Response:
    found = evidence(_opened(request), request.path_params["row"])
    text = json.dumps(found, separators=(",", ":"), allow_nan=False)
    return _send(request, Payload.of(text.encode(), "application/json"), "private, max-age=3600")


@_explained
def _sensitivity(request: Request) -> Response:
    found = _SENSITIVITIES.answer(_opened(request), request.path_params["row"])
    text = json.dumps(found, separators=(",", ":"), allow_nan=False)
    return _send(request, Payload.of(text.encode(), "application/json"), "private, max-age=3600")


@_explained
def _read_decisions(request: Request) -> Response:
    """Answer with the present state, and with what the reviewer could undo."""
    opened = _opened(request)
    decisions = RunDecisions(open_store(home()), opened.run)
    reviewer = request.query_params.get("reviewer") or DEFAULT_REVIEWER
    body = {
        "dataset": opened.dataset,
        "states": decisions.states(),
        "undoable": [_stroke(row) for row in decisions.undoable(reviewer)],
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _stroke(row: Decision) -> dict[str, Any]:
    return {
        "event_id": row.event_id,
        "batch_id": row.batch_id,
        "image_id": row.image_id,
        "verdict": row.verdict,
        "new_label": row.new_label,
        "before": [row.previous_verdict or "clear", row.previous_label],
    }


async def _write_decisions(request: Request) -> Response:
    """Record a list of events in order; answer after they are committed.

    A page of another origin can send neither the header nor this content type without asking
    first, and it is never allowed to: no decision is made by a forged request.
    """
    if request.headers.get("x-assay") != "1":
        return _error(403, "Decisions are taken from Assay's own pages only.")
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        return _error(415, "Decisions are sent as JSON.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return _error(413, "Too many decisions at once; send fewer.")
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        events = None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        return _error(400, "Decisions are sent as a JSON list of events.")
    if len(events) > MAX_EVENTS:
        return _error(413, f"At most {MAX_EVENTS:,} decisions at once; got {len(events):,}.")
    handler = _explained(lambda asked: _record(_opened(asked), open_store(home()), events))
    return await run_in_threadpool(handler, request)


def _record(opened: OpenedRun, store: DecisionStore, events: list[dict[str, Any]]) -> Response:
    """Record `events`; one that cannot be recorded is named and holds up none of the others."""
    decisions = RunDecisions(store, opened.run)
    rejected: list[dict[str, str]] = []
    touched: dict[str, None] = {}
    pending: list[NewDecision] = []

    def refuse(event: object, error: AssayError) -> None:
        rejected.append({"event_id": str(event), "reason": str(error)})

    def flush() -> None:
        try:
            store.record_many(pending)
        except DataError:
            for decision in pending:  # one of them is wrong: find out which
                try:
                    store.record(decision)
                except DataError as error:
                    refuse(decision.event_id, error)
        pending.clear()

    for event in events:
        try:
            if event.get("undoes") is not None:
                flush()
                taken = decisions.take_back(**_undo(event))
                touched.update(dict.fromkeys(row.image_id for row in taken))
            else:
                decision = _new_decision(opened, decisions, event)
                pending.append(decision)
                touched[decision.image_id] = None
        except DataError as error:
            refuse(event.get("event_id"), error)
    flush()
    body = {
        "saved": len(events) - len(rejected),
        "rejected": rejected,
        "states": decisions.states(touched),
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _undo(event: dict[str, Any]) -> dict[str, str]:
    fields = {name: event.get(name) for name in ("undoes", "event_id", "reviewer")}
    fields["reviewer"] = fields["reviewer"] or DEFAULT_REVIEWER
    for name, text in fields.items():
        if not isinstance(text, str) or not 0 < len(text) <= 200:
            raise DataError(f"An undo needs a text of at most 200 characters as {name}.")
    return cast(dict[str, str], fields)


def _new_decision(opened: OpenedRun, decisions: RunDecisions, event: dict[str, Any]) -> NewDecision:
    """Check an event against the run: the image must be in it, the new label a class of it."""
    image_id = event.get("image_id")
    row = opened.rows.get(image_id) if isinstance(image_id, str) else None
    if row is None:
        raise DataError("The decision is about an image that this run does not hold.")
    new_label = event.get("new_label")
    if new_label is not None and new_label not in opened.run.class_names:
        raise DataError("The new label is not a class of this run.")
    return NewDecision(
        event_id=cast(str, event.get("event_id")),
        dataset=decisions.dataset_of(cast(str, image_id)),
        image_id=cast(str, image_id),
        verdict=cast(Any, event.get("verdict")),
        new_label=new_label,
        note=event.get("note") or "",
        reviewer=event.get("reviewer") or DEFAULT_REVIEWER,
        run_id=opened.run.id,
        value=float(opened.run.values["value"].to_numpy()[row]),
        batch_id=event.get("batch_id"),
    )


def _start(request: Request) -> Response:
    """Lead to the first page, which Streamlit serves at the root alone, its query kept."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{base_path()}/{query}", headers={"Cache-Control": "no-store"})


_BASE = f"{base_path()}/assay/runs/{{run}}"
ROUTES = [
    Route(f"{base_path()}/start", _start),
    Route(f"{_BASE}/images/{{side}}/{{row:int}}", _image),
    Route(f"{_BASE}/ranking", _ranking),
    Route(f"{_BASE}/evidence/{{row:int}}", _evidence),
    Route(f"{_BASE}/sensitivity/{{row:int}}", _sensitivity),
    Route(f"{_BASE}/decisions", _read_decisions, methods=["GET"]),
    Route(f"{_BASE}/decisions", _write_decisions, methods=["POST"]),
]
