"""Texts by number: columns that repeat the same texts are kept and compared as integers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

NOTHING = -1
UNSEEN = -2


class Words:
    """Every text that was seen, numbered in that order; it only grows. Safe between threads."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._texts)

    def code(self, text: str) -> int:
        """Return the number of `text`, or `UNSEEN`."""
        return self._codes.get(text, UNSEEN)

    def codes(self, texts: Sequence[str | None]) -> np.ndarray:
        """Return the number of each text, int32, `NOTHING` for None; new ones are numbered now."""
        which, distinct = pd.factorize(np.array(texts, dtype=object))
        with self._lock:
            numbers = [self._number(text) for text in distinct]
        # The -1 that stands for None picks the last.
        return np.array([*numbers, NOTHING], dtype=np.int32)[which]

    def text(self, code: int) -> str | None:
        """Return the text of a number, None for `NOTHING`."""
        return None if code == NOTHING else self._texts[code]

    def texts(self, codes: np.ndarray | Iterable[int]) -> list[str | None]:
        """Return the text of each number, None for `NOTHING`."""
        found = self._texts
        listed = codes.tolist() if isinstance(codes, np.ndarray) else codes
        return [None if code == NOTHING else found[code] for code in listed]

    def since(self, start: int) -> list[str]:
        """Return the texts from number `start` on."""
        return self._texts[start:]

    def _number(self, text: str) -> int:
        code = self._codes.get(text)
        if code is None:
            code = len(self._texts)
            # In this order: who finds the number finds the text.
            self._texts.append(text)
            self._codes[text] = code
        return code
