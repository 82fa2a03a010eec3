"""The HTTP routes beside the dashboard, one module a subject."""

from __future__ import annotations

from pages.ui import (
    routes_decisions,
    routes_evidence,
    routes_map,
    routes_mixture,
    routes_progress,
    routes_review,
)

ROUTES = [
    *routes_review.ROUTES,
    *routes_decisions.ROUTES,
    *routes_evidence.ROUTES,
    *routes_map.ROUTES,
    *routes_mixture.ROUTES,
    *routes_progress.ROUTES,
]
