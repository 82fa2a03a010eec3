"""Where Assay keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path

from core.paths import absolute_path


def home() -> Path:
    """Return the state folder: `ASSAY_HOME`, or `~/.assay`; made where it is missing.

    `runs/<run id>/` holds finished runs, `jobs/<job id>/` work under way or failed,
    `embeddings/` the cache of embeddings, `assay.db` the decisions.
    """
    given = os.environ.get("ASSAY_HOME")
    path = absolute_path(given or "~/.assay")
    path.mkdir(parents=True, exist_ok=True)
    return path
