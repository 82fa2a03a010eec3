"""The text of what the browser is sent: pages' own components are plain HTML, CSS and JS files."""

from __future__ import annotations

from pathlib import Path

_ASSETS = Path(__file__).resolve().parents[2] / "assets"


def joined(kind: str, *names: str) -> str:
    """Return the files `assets/NAME.kind` one after the other; scripts so share one scope."""
    return "\n".join((_ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)
