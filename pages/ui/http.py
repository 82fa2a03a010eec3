"""What every HTTP route has in common: the run it is about, how it answers, how errors read.

A run is named by its id, a training image by its row in the run; no route takes a path. Errors are
answered as JSON: `{"error": sentence}`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.errors import ConfigError, DataError, RunError, StoreError
from core.runs import home
from pages.ui import cache
from pages.ui.address import base_path
from pages.ui.review_data import OpenedRun

_LOG = logging.getLogger("assay.routes")

BASE = f"{base_path()}/assay/runs/{{run}}"
"""Where the routes of a run begin; `{run}` is its id."""

# Private: behind a proxy that authenticates, a shared cache must not hand pictures on.
IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, max-age=0, must-revalidate"
AN_HOUR = "private, max-age=3600"
NO_STORE = {"Cache-Control": "no-store"}

# Speed over size: what is compressed is sent once and waited for.
_GZIP_LEVEL = 1
_WORTH_COMPRESSING = 1024

Handler = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes to be sent, with what identifies them."""

    content: bytes
    media_type: str
    etag: str
    gzipped: bytes | None = None

    @classmethod
    def of(cls, content: bytes, media_type: str, *, compress: bool = False) -> Payload:
        """Hash `content`, and compress it beforehand if asked and if that makes it smaller."""
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        packed = None
        if compress and len(content) >= _WORTH_COMPRESSING:
            packed = gzip.compress(content, compresslevel=_GZIP_LEVEL, mtime=0)
            packed = packed if len(packed) < 0.9 * len(content) else None
        return cls(content, media_type, etag, packed)

    @classmethod
    def json(cls, body: object) -> Payload:
        """Write `body` as compact JSON; raises `ValueError` on NaN, which is none."""
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
        return cls.of(text.encode(), "application/json", compress=True)


def error(status: int, sentence: str) -> JSONResponse:
    """Answer with a sentence that says what is wrong."""
    return JSONResponse({"error": sentence}, status, headers=NO_STORE)


def answer(body: object) -> Response:
    """Answer with JSON that is true now and not to be kept."""
    text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    return Response(text, headers=NO_STORE, media_type="application/json")


def explained(handler: Handler) -> Handler:
    """Turn what `handler` raises into a JSON answer; Starlette runs it in its thread pool."""

    def respond(request: Request) -> Response:
        try:
            return handler(request)
        except RunError as problem:
            return error(404, str(problem))
        except IndexError as problem:
            if "run" in request.path_params:
                return error(404, "There is no image at this row of the run.")
            return _failed(request, problem)
        except DataError as problem:
            return error(410, str(problem))
        except ConfigError as problem:
            return error(422, str(problem))
        except StoreError as problem:
            return error(503, str(problem))
        except Exception as problem:
            return _failed(request, problem)

    return respond


def _failed(request: Request, problem: Exception) -> Response:
    """Answer to what should not happen: the browser gets a sentence, the log the traceback."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=problem)
    return error(500, "Assay could not answer this; the server's log says why.")


def opened(request: Request) -> OpenedRun:
    """Return the run that the request names; raises `RunError` where there is none."""
    return cache.opened(home(), request.path_params["run"])


def row_of(request: Request) -> int:
    """Return the row that the path names; raises `IndexError` where the run has no such row."""
    row = int(request.path_params["row"])
    if not 0 <= row < opened(request).n:
        raise IndexError(row)
    return row


def send(request: Request, payload: Payload, cache: str) -> Response:
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


class RefusedError(Exception):
    """A request that is not taken; `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def read_own_json(request: Request, *, limit: int, too_much: str) -> Any:
    """Return the JSON body of a request that one of Assay's own pages made; None where it is none.

    A page of another origin can send neither the header nor this content type without asking
    first, and it is never allowed to: nothing is changed by a forged request.

    Parameters
    ----------
    limit : largest body, bytes
    too_much : what to say of a larger one

    Raises
    ------
    RefusedError
        The request may be forged, or is too large.
    """
    if request.headers.get("x-assay") != "1":
        raise RefusedError(error(403, "This is taken from Assay's own pages only."))
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise RefusedError(error(415, "This is taken as JSON only."))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise RefusedError(error(413, too_much))
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
