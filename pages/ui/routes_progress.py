"""HTTP routes of the progress of a review: its statistics, and the audit sample."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.curation import RunDecisions, open_store, review_sentences, review_statistics
from core.runs import home
from pages.ui.cache import ground
from pages.ui.http import BASE, REVALIDATE, answer, explained, opened, send
from pages.ui.review_columns import binary


@explained
def _progress(request: Request) -> Response:
    """Answer with the statistics, and with what they say in words."""
    run = opened(request)
    decisions = RunDecisions(open_store(home()), run.run).current()
    found = review_statistics(ground(run), decisions)
    return answer({**found.to_json(), "sentences": review_sentences(found)})


@explained
def _audit(request: Request) -> Response:
    """Answer with the rows of the audit sample, in the order in which they are to be judged."""
    rows = ground(opened(request)).audit
    return send(request, binary(rows.astype("<u4")), REVALIDATE)


ROUTES = [
    Route(f"{BASE}/progress", _progress),
    Route(f"{BASE}/audit", _audit),
]
