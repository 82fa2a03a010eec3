"""HTTP routes of the map: where the images lie, what the validation images are, selections."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.curation import keep_selection, read_selection
from core.embedding import LayoutConfig
from core.errors import RunError
from core.runs import find_map, home, map_key
from pages.ui.http import (
    BASE,
    IMMUTABLE,
    REVALIDATE,
    Payload,
    RefusedError,
    answer,
    error,
    explained,
    opened,
    read_own_json,
    send,
)
from pages.ui.review_columns import binary

_CONFIG = LayoutConfig()
# A row of a million takes at most eight characters in JSON.
_MAX_BODY = 16_000_000


@explained
def _positions(request: Request) -> Response:
    """Answer with where the images lie, training then validation images, float32 pairs."""
    run = opened(request).run
    if request.path_params["key"] != map_key(run, _CONFIG):
        return error(404, "This is not the map of this run; reload the page.")
    found = find_map(run, home(), _CONFIG)
    if found is None:
        return error(404, "The map of this run has not been drawn yet; reload the page.")
    points = np.concatenate([found.train, found.validation]).astype("<f4")
    return send(request, binary(points), IMMUTABLE)


@explained
def _validation_labels(request: Request) -> Response:
    labels = opened(request).run.validation["label"].to_numpy().astype("<u2")
    return send(request, binary(labels, compress=True), REVALIDATE)


@explained
def _validation_id(request: Request) -> Response:
    ids = opened(request).run.validation["id"]
    row = int(request.path_params["row"])
    if row >= len(ids):
        raise IndexError(row)
    return send(request, Payload.json({"id": ids.iloc[row]}), REVALIDATE)


async def _keep(request: Request) -> Response:
    """Keep a selection; the body is a JSON list of rows."""
    try:
        rows = await read_own_json(request, limit=_MAX_BODY, too_much="Select fewer images.")
    except RefusedError as refused:
        return refused.response
    if not isinstance(rows, list) or not all(type(row) is int for row in rows):
        return error(400, "A selection is sent as a JSON list of rows.")
    return await run_in_threadpool(explained(lambda asked: _kept(asked, rows)), request)


def _kept(request: Request, rows: list[Any]) -> Response:
    try:
        chosen = np.array(rows, dtype=np.int64)
    except OverflowError:
        return error(400, "A selection is sent as a JSON list of rows.")
    return answer({"selection": keep_selection(home(), opened(request).run, chosen)})


@explained
def _selection(request: Request) -> Response:
    run = opened(request).run
    rows = read_selection(home(), run, request.path_params["name"])
    if len(rows) and int(rows[-1]) >= len(run.values):
        raise RunError("This selection is damaged; select the images again on the map.")
    return send(request, binary(rows.astype("<u4")), IMMUTABLE)


ROUTES = [
    Route(f"{BASE}/map/{{key}}/positions", _positions),
    Route(f"{BASE}/map/validation/labels", _validation_labels),
    Route(f"{BASE}/map/validation/ids/{{row:int}}", _validation_id),
    Route(f"{BASE}/selections", _keep, methods=["POST"]),
    Route(f"{BASE}/selections/{{name}}", _selection),
]
