"""Fixtures of more than one module."""

from __future__ import annotations

import pytest

from tests.core.transport.hostile import PLANS, use


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which plan the solver keeps between passes: all of it, its largest entries, or nothing."""
    use(monkeypatch, request.param)
    return str(request.param)
