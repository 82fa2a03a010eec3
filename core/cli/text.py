"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def printable(text: str) -> str:
    """Return `text` on one line, without control characters that a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def facts(items: Mapping[str, str]) -> str:
    """Return lines of name and fact, aligned."""
    width = max(map(len, items))
    return "\n".join(f"{name:<{width}}  {printable(fact)}" for name, fact in items.items())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned table; columns that hold numbers are aligned to the right."""
    cells = [[printable(cell) for cell in row] for row in (head, *rows)]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [bool(rows) and all(map(_is_number, column[1:])) for column in columns]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if right else f"{cell:<{width}}"
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").rstrip("%") or "0")
    except ValueError:
        return False
    return True
