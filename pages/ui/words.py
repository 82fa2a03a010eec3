"""Numbers, times and names as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import PurePath

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^])")


def escape(text: str) -> str:
    """Return untrusted text (a path, a class name) such that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def number(value: float) -> str:
    """Return a number with three significant digits (all of a thousand and more)."""
    text = f"{value:,.0f}" if 999.5 <= abs(value) < 1e9 else f"{value:.3g}"
    return text.replace("-", "\u2212")


def column_format(values: Iterable[float], digits: int = 3) -> str:
    """Return a format for all numbers of a column: so many digits of the largest.

    A table otherwise shows 3.3 beside 3.56. With the largest below 10 it is ``%.2f``.
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    decimals = digits - 1 - (math.floor(math.log10(largest)) if largest > 0 else 0)
    return f"%.{min(max(decimals, 0), 12)}f"


def percent(share: float) -> str:
    """Return a share (0 to 1) as percent: "6.6 %"."""
    return f"{100 * share:.3g} %" if share >= 0.001 or share == 0 else "< 0.1 %"


def duration(seconds: float) -> str:
    """Return a time span: "8 s", "2 min 5 s", "1 h 10 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def memory(size: float) -> str:
    """Return a size in bytes: "640 MB", "1.5 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def when(iso: str) -> str:
    """Return an ISO time as local day and minute: "22 Nov 04:40"."""
    return datetime.fromisoformat(iso).astimezone().strftime("%d %b %H:%M").lstrip("0")


def source_name(text: str) -> str:
    """Return a short name of a data source: the last part of a path, `sample:train` as it is.

    A set that torchvision knows is called by its name: where it lies says little.
    """
    if text.startswith("torchvision:"):
        return text.partition("#")[0].removeprefix("torchvision:")
    return PurePath(text).name or text


def source_labels(texts: Sequence[str]) -> list[str]:
    """Return short names of data sources that tell them apart: "week1/train", "week2/train".

    A list to choose from knows its options by the names shown: with two alike, one would stand for
    the other.
    """
    parts = [PurePath(text).parts or (text,) for text in texts]
    names = [source_name(text) for text in texts]
    for length in range(2, max(map(len, parts), default=0) + 1):
        shared = [names.count(name) > 1 for name in names]
        for i, is_shared in enumerate(shared):
            if is_shared:
                names[i] = str(PurePath(*parts[i][-length:]))
    return names


def images(count: int) -> str:
    """Return a number of images: "1 image", "5,000 images"."""
    return "1 image" if count == 1 else f"{count:,} images"
