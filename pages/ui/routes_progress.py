"""HTTP routes of the progress of a review: its statistics, and the audit sample."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.curation import (
    Reviewable,
    RunDecisions,
    open_store,
    review_sentences,
    review_statistics,
    reviewable,
)
from core.runs import home
from pages.ui.http import BASE, REVALIDATE, answer, explained, opened, send
from pages.ui.review_columns import binary
from pages.ui.review_data import OpenedRun


def _ground(run: OpenedRun) -> Reviewable:
    return run.once("reviewable", lambda: reviewable(run.run))


@explained
def _progress(request: Request) -> Response:
    """Answer with the statistics, and with what they say in words."""
    run = opened(request)
    decisions = RunDecisions(open_store(home()), run.run).current()
    found = review_statistics(_ground(run), decisions)
    return answer({**found.to_json(), "sentences": review_sentences(found)})


@explained
def _audit(request: Request) -> Response:
    """Answer with the rows of the audit sample, in the order in which they are to be judged."""
    rows = _ground(opened(request)).audit
    return send(request, binary(rows.astype("<u4")), REVALIDATE)


ROUTES = [
    Route(f"{BASE}/progress", _progress),
    Route(f"{BASE}/audit", _audit),
]
