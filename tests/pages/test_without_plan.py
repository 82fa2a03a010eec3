"""Every page about a run opens on one whose method has no transport plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.runs import Run, ValueSpec, value_at_home
from tests.factories import write_set
from tests.pages.conftest import Open, texts


@pytest.fixture
def run(assay_home: Path, tmp_path: Path) -> Run:
    spec = ValueSpec(
        train=write_set(tmp_path / "train.npz", 60, 0),
        validation=write_set(tmp_path / "validation.npz", 30, 1),
        method="prototypes",
    )
    return value_at_home(spec, assay_home)[0]


def test_overview_and_classes_say_so_calmly(open_page: Open, run: Run) -> None:
    overview = open_page("overview", run=run.id)
    assert "has no transport plan" in overview.info[0].value
    assert [metric.label for metric in overview.metric] == [
        "Training images",
        "Look harmful",
        "Reviewed",
    ]
    assert not overview.warning
    classes = open_page("classes", run=run.id)
    assert "has no transport plan" in classes.info[0].value
    assert "Mixed up most" in texts(classes)
    assert " apart" not in texts(classes)


@pytest.mark.parametrize("page", ["start", "export", "detection", "map"])
def test_the_other_pages_open(open_page: Open, run: Run, page: str) -> None:
    app = open_page(page) if page == "start" else open_page(page, run=run.id)
    assert not app.exception
    assert not app.error
