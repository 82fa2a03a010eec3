"""Review of a run whose method has no transport plan."""

from __future__ import annotations

import pytest

from core.runs import ValueSpec, value_at_home
from tests.factories import write_set


@pytest.fixture
def run(app, tmp_path):
    spec = ValueSpec(
        train=write_set(tmp_path / "train.npz", 60, 0),
        validation=write_set(tmp_path / "validation.npz", 30, 1),
        method="prototypes",
    )
    return value_at_home(spec, app.home)[0]


def test_only_evidence_that_there_is_has_a_place(page, app, run):
    page.goto(f"{app.url}/review?run={run.id}")
    page.locator(".review[data-state=ready] .tile.chosen").wait_for()
    page.locator(".section.near figure").first.wait_for()
    assert page.locator(".section.plan").is_hidden()
    assert page.locator(".section.whatif").is_hidden()
    page.keyboard.press("w")  # opens what there is not
    page.keyboard.press("k")
    page.locator(".tally", has_text="1 decided").wait_for()
    assert page.locator(".section.whatif").is_hidden()
