"""Files that are whole or absent, whatever stops the writing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` when the block ends without an error.

    Readers find what was there before or all that is new. After an error nothing has changed. The
    folder must be there.

    Raises
    ------
    OSError : it cannot be written
    """
    fresh = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}.partial")
    try:
        with fresh.open("xb") as file:
            yield file
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
