"""HTTP routes of the inspector: why an image has its value, and what if it is removed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.ui.evidence_data import evidence
from pages.ui.http import AN_HOUR, BASE, REVALIDATE, Payload, explained, opened, send
from pages.ui.sensitivity_data import Sensitivities

_SENSITIVITIES = Sensitivities()


@explained
def _evidence(request: Request) -> Response:
    found = evidence(opened(request), request.path_params["row"])
    # Other methods' scores may come at any time; the rest of a run never changes.
    return send(request, Payload.json(found), REVALIDATE)


@explained
def _sensitivity(request: Request) -> Response:
    found = _SENSITIVITIES.answer(opened(request), request.path_params["row"])
    return send(request, Payload.json(found), AN_HOUR)


ROUTES = [
    Route(f"{BASE}/evidence/{{row:int}}", _evidence),
    Route(f"{BASE}/sensitivity/{{row:int}}", _sensitivity),
]
