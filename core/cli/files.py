"""Files that a command writes where it was told to."""

from __future__ import annotations

from pathlib import Path

from core.atomic import replacing
from core.errors import RunError


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all; one that is there is replaced.

    Raises
    ------
    RunError : it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error
