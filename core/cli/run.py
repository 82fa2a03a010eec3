"""The run that a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from core.paths import absolute_path
from core.runs import RUN_ID, Run, find_run, home, open_run


def run_given(text: str) -> Run:
    """Open the run in the folder `text`, or the one of Assay's home with that id.

    Raises
    ------
    RunError : there is none
    """
    if RUN_ID.fullmatch(text) and not Path(text).exists():
        return find_run(home(), text)
    return open_run(absolute_path(text))
