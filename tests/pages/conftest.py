"""The app in process: its router script, with a state folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROUTER = Path(__file__).resolve().parents[2] / "pages" / "ui" / "router.py"

Open = Callable[..., AppTest]


@pytest.fixture
def assay_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ASSAY_HOME", str(home))
    return home


@pytest.fixture
def open_page(assay_home: Path) -> Open:
    """Open page `name` as a browser would that follows a link: with its query, in a new session."""

    def opened(name: str = "start", **query: str) -> AppTest:
        app = AppTest.from_file(ROUTER, default_timeout=60)
        app.run()
        for key, value in query.items():
            app.query_params[key] = value
        return app.switch_page(f"../{name}.py").run()

    return opened


def texts(app: AppTest) -> str:
    """Return all that the page says, errors and captions included."""
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(app, kind))
