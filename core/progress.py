"""How long work reports where it is, and how it is stopped."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives progress; raising `core.errors.Cancelled` from it stops the work.

    Workers call it often (at least every 0.3 s of work), so it must return quickly.
    """

    def __call__(self, stage: str, done: float, detail: str = "") -> None:
        """Report that the share `done` (0 to 1) of `stage` is finished.

        `stage` is a short noun phrase for people ("Label distances"); `detail` says more
        ("pass 3, marginal error 0.041").
        """


def silent(stage: str, done: float, detail: str = "") -> None:
    """Ignore progress: the default of every function that takes a `Progress`."""
