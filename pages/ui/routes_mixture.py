"""HTTP routes of a projection: what any mix of its sources reaches, the best ones, an order list.

A projection is named by its id, or "example" for the bundled one.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.acquisition import MOST_IMAGES, Projection, order_csv
from core.errors import ConfigError
from core.runs import home
from pages.ui import cache, mixture_data, mixture_maps
from pages.ui.address import base_path
from pages.ui.http import NO_STORE, REVALIDATE, Handler, Payload, answer, explained, send

BASE = f"{base_path()}/assay/projections/{{projection}}"
"""Where the routes of a projection begin; `{projection}` is its id or "example"."""

_MOST_MONEY = 1e12
# Shares come with a few digits each: their sum may miss 1 by as much.
_ROUNDED = 1e-3


def _projection(request: Request) -> Projection:
    return cache.projection(home(), request.path_params["projection"])


def _answered(found: Callable[[Projection, Request], dict[str, Any]]) -> Handler:
    """Answer with what is found of the projection that the request names."""
    return explained(lambda request: answer(found(_projection(request), request)))


@explained
def _about(request: Request) -> Response:
    return send(request, Payload.json(mixture_data.about(_projection(request))), REVALIDATE)


def _mix(projection: Projection, request: Request) -> dict[str, Any]:
    return mixture_data.mix(
        projection,
        _ratio(projection, request),
        _images(request),
        _by(projection, request),
        _locked_sources(projection, request),
    )


def _field(projection: Projection, request: Request) -> dict[str, Any]:
    p = _ratio(projection, request) if "p" in request.query_params else None
    named = [name for name in ("a", "b") if name in request.query_params]
    corners = [_whole(request, name, 0, len(projection.record.offers) - 1) for name in named]
    return mixture_maps.field(
        projection, _images(request), _by(projection, request), p=p, corners=corners
    )


def _spread(projection: Projection, request: Request) -> dict[str, Any]:
    return mixture_maps.spread(projection, _images(request), _by(projection, request))


def _best(projection: Projection, request: Request) -> dict[str, Any]:
    n = _images(request) if "n" in request.query_params else None
    return mixture_maps.best_mix(
        projection, n, _by(projection, request), _budget(request), _locked(projection, request)
    )


def _path(projection: Projection, request: Request) -> dict[str, Any]:
    return mixture_maps.best_by_size(
        projection, _by(projection, request), _budget(request), _locked(projection, request)
    )


@explained
def _order(request: Request) -> Response:
    record = _projection(request).record
    counts = request.query_params.get("counts", "").split(",")
    text = order_csv(record, [_number_of("counts", one, 0, MOST_IMAGES) for one in counts])
    headers = {
        **NO_STORE,
        "Content-Disposition": f'attachment; filename="order-{record.id[:8]}.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")


def _by(projection: Projection, request: Request) -> str:
    """Return the name of the predictor asked for; whether it is one turns out where it is used."""
    return request.query_params.get("by") or projection.record.predictor


def _images(request: Request) -> int:
    return _whole(request, "n", 1, MOST_IMAGES)


def _whole(request: Request, name: str, least: int, most: int) -> int:
    return _number_of(name, request.query_params.get(name, ""), least, most)


def _number_of(name: str, text: str, least: int, most: int) -> int:
    """Return a whole number of the URL; raises `ConfigError` where it is none."""
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not plain or not least <= int(text) <= most:
        raise ConfigError(f"{name} must be a whole number from {least:,} to {most:,}.")
    return int(text)


def _budget(request: Request) -> float | None:
    if "budget" not in request.query_params:
        return None
    budget = _decimal(request.query_params["budget"])
    if not 0 < budget <= _MOST_MONEY:
        raise ConfigError(f"The budget must be above 0, and {_MOST_MONEY:,.0f} at most.")
    return budget


def _ratio(projection: Projection, request: Request) -> np.ndarray:
    """Return the shares of the sources, shape (m,), sum 1."""
    m = len(projection.record.offers)
    p = np.array([_decimal(one) for one in request.query_params.get("p", "").split(",")])
    # With NaN no comparison holds.
    if len(p) != m or not (p >= 0).all() or not abs(p.sum() - 1) <= _ROUNDED:
        raise ConfigError(f"p must be the shares of {m} sources: 0 or more, with the sum 1.")
    return np.asarray(p / p.sum())


def _locked_sources(projection: Projection, request: Request) -> tuple[int, ...]:
    """Return the sources that are locked, as in "0,2"."""
    last = len(projection.record.offers) - 1
    named = request.query_params.get("locked", "")
    return tuple(_number_of("locked", one, 0, last) for one in named.split(",")) if named else ()


def _locked(projection: Projection, request: Request) -> mixture_maps.Locked | None:
    """Return the shares that are locked, as in "0.2,,0.1"; None where no source is."""
    if "locked" not in request.query_params:
        return None
    m = len(projection.record.offers)
    entries = request.query_params["locked"].split(",")
    shares = [_decimal(one) for one in entries if one]
    total = sum(shares)
    # With NaN no comparison holds.
    if len(entries) != m or not all(one >= 0 for one in shares) or not total <= 1 + _ROUNDED:
        raise ConfigError(
            f"locked must be the shares of {m} sources, empty for those that are free: 0 or more, "
            "with a sum of 1 at most."
        )
    if not shares:
        return None
    # What is 1 but for the digits that were sent is 1.
    whole = total > 1 or (len(shares) == m and total >= 1 - _ROUNDED)
    return tuple(_decimal(one) / (total if whole else 1) if one else None for one in entries)


def _decimal(text: str) -> float:
    """Return a number of the URL; NaN where it is none, or not finite."""
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    return number if isfinite(number) else float("nan")


ROUTES = [
    Route(f"{BASE}/about", _about),
    Route(f"{BASE}/mix", _answered(_mix)),
    Route(f"{BASE}/field", _answered(_field)),
    Route(f"{BASE}/spread", _answered(_spread)),
    Route(f"{BASE}/best", _answered(_best)),
    Route(f"{BASE}/path", _answered(_path)),
    Route(f"{BASE}/order", _order),
]
