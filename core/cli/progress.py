"""Progress on stderr, and how the work is stopped from a terminal."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from core.errors import Cancelled
from core.progress import Progress

BAR_CELLS = 24
DRAW_EVERY_SECONDS = 0.1
LINE_EVERY_SECONDS = 5.0


class Display:
    """A `Progress` that draws a bar on a terminal, and writes lines elsewhere.

    It raises `Cancelled` once `stop` was called.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar = stream.isatty()
        self._stage = ""
        self._shown = 0.0
        self._stop = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Handle SIGINT and SIGTERM: the next report raises `Cancelled`."""
        self._stop = True

    def __call__(self, stage: str, done: float, detail: str = "") -> None:
        """Show where the work is, at most ten times a second."""
        if self._stop:
            raise Cancelled("Cancelled; nothing was written.")
        now = time.monotonic()
        fresh = stage != self._stage
        every = DRAW_EVERY_SECONDS if self._bar else LINE_EVERY_SECONDS
        if not fresh and now - self._shown < every:
            return
        self._stage, self._shown = stage, now
        share = min(max(done, 0.0), 1.0)
        if self._bar:
            cells = round(share * BAR_CELLS)
            bar = "━" * cells + "─" * (BAR_CELLS - cells)
            line = f"{bar} {share:4.0%}  {stage}" + (f": {detail}" if detail else "")
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{line[:width]}")
        else:
            self._stream.write(f"{stage}: {share:.0%}" + (f", {detail}" if detail else "") + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar and self._stage:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


@contextmanager
def stoppable() -> Iterator[Progress]:
    """Yield a progress display that SIGINT and SIGTERM stop."""
    display = Display(sys.stderr)
    before = {
        number: signal.signal(number, display.stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield display
    finally:
        display.close()
        for number, handler in before.items():
            signal.signal(number, handler)
