"""HTTP routes of the review: pictures, and the ranking as columns of numbers."""

from __future__ import annotations

import numpy as np
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.curation import RunDecisions, open_store
from core.runs import home
from pages.ui.address import base_path
from pages.ui.http import (
    BASE,
    IMMUTABLE,
    REVALIDATE,
    Payload,
    answer,
    error,
    explained,
    opened,
    send,
)
from pages.ui.pictures import SIZES, picture
from pages.ui.review_columns import binary, column, described, find_rows, ids_of, row_of_id

MAX_IDS = 1000


@explained
def _image(request: Request) -> Response:
    side = request.path_params["side"]
    if side not in ("train", "validation"):
        return error(404, "Pictures are of the training or the validation set.")
    asked = request.query_params.get("size")
    if asked is not None and asked not in map(str, SIZES):
        return error(400, f"The size must be one of {', '.join(map(str, SIZES))}.")
    images = opened(request).images(side)
    content, media_type = picture(images, request.path_params["row"], int(asked) if asked else None)
    return send(request, Payload.of(content, media_type), IMMUTABLE)


@explained
def _ranking(request: Request) -> Response:
    return send(request, Payload.json(described(opened(request))), REVALIDATE)


@explained
def _column(request: Request) -> Response:
    key = request.path_params["key"]
    found = column(opened(request), key)
    if found is None:
        return error(404, f"This run has no column {key!r}.")
    return send(request, found, REVALIDATE)


@explained
def _ids(request: Request) -> Response:
    asked = request.query_params.get("rows", "").split(",")
    if len(asked) > MAX_IDS or not all(part.isascii() and part.isdecimal() for part in asked):
        return error(400, f"Ask for 1 to {MAX_IDS:,} rows, as in rows=1,2,3.")
    return send(request, Payload.json(ids_of(opened(request), list(map(int, asked)))), REVALIDATE)


@explained
def _row(request: Request) -> Response:
    row = row_of_id(opened(request), request.query_params.get("id", ""))
    if row is None:
        return error(404, "This run holds no image of this id.")
    return answer({"row": row})


@explained
def _find(request: Request) -> Response:
    run, text = opened(request), request.query_params.get("text", "")
    noted = RunDecisions(open_store(home()), run.run).find_notes(text)
    rows = np.union1d(find_rows(run, text), noted)
    return send(request, binary(rows.astype("<u4")), "no-store")


def _start(request: Request) -> Response:
    """Lead to the first page, which Streamlit serves at the root alone, its query kept."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{base_path()}/{query}", headers={"Cache-Control": "no-store"})


ROUTES = [
    Route(f"{base_path()}/start", _start),
    Route(f"{BASE}/images/{{side}}/{{row:int}}", _image),
    Route(f"{BASE}/ranking", _ranking),
    Route(f"{BASE}/columns/{{key:path}}", _column),
    Route(f"{BASE}/ids", _ids),
    Route(f"{BASE}/row", _row),
    Route(f"{BASE}/find", _find),
]
