"""The figures of `benchmarks/projektor.py`, as figures 4, and 2 and 5 of the paper have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.projection import PREDICTORS

COLORS = ("#56B4E9", "#0072B2", "#009E73", "#D55E00")
SOURCES = ("#0072B2", "#E69F00", "#009E73")


class Outcome(Protocol):
    """What came of a setting and seed; see `benchmarks.projektor.Outcome`."""

    actual: np.ndarray
    sizes: np.ndarray
    projected: dict[str, np.ndarray]
    mixes: dict[str, dict[str, Any]]


def plots() -> Any:
    """Return matplotlib's pyplot, set to write small SVG files that are the same each time."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "assay", "svg.fonttype": "none", "font.size": 8})
    mpl.rcParams["path.simplify"] = False
    # The file names all of them at each word.
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]
    from matplotlib import pyplot as plt

    return plt


def dots(axis: Any, x: np.ndarray, y: np.ndarray, color: str, label: str) -> None:
    """Draw points as lines of no length with round ends: one path, where markers are one each."""
    gaps = np.full(len(x), np.nan)
    across, up = (np.column_stack([one, one, gaps]).ravel() for one in (x, y))
    axis.plot(across, up, color=color, lw=2.2, solid_capstyle="round", label=label)


def save(figure: Any, path: Path) -> None:
    """Write an SVG file with a tenth of a point for its unit, and short lines of no length."""
    written = StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    text = re.sub(r"(\d\.\d)\d+", r"\1", written.getvalue())
    text = re.sub(r"M ([\d.]+) ([\d.]+) \nL \1 \2 \n", r"M\1 \2h0", text)
    path.write_text(text, encoding="utf-8")


def draw_projected(
    by_setting: dict[str, Sequence[Outcome]], shown: Sequence[str], path: Path
) -> None:
    """Draw projected against trained accuracy, a panel a setting and predictor."""
    plt = plots()
    figure, axes = plt.subplots(
        len(by_setting), len(shown), figsize=(12, 2.3 * len(by_setting)), squeeze=False
    )
    for row, (setting, found) in zip(axes, by_setting.items(), strict=True):
        actual = 100 * np.concatenate([o.actual for o in found])
        n = np.concatenate([o.sizes for o in found])
        for axis, name in zip(row, shown, strict=True):
            projected = 100 * np.concatenate([o.projected[name] for o in found])
            for size, color in zip(np.unique(n), COLORS, strict=True):
                dots(axis, actual[n == size], projected[n == size], color, f"{size:,} images")
            ends = [actual.min(), actual.max()]
            axis.plot(ends, ends, color="0.6", lw=0.8, zorder=0)
            error = np.abs(projected - actual).mean()
            axis.set_title(f"{PREDICTORS[name].title}, {error:.1f} points", fontsize=8)
            axis.set_xlabel("trained accuracy, %")
            axis.locator_params(nbins=4)
        row[0].set_ylabel(f"{setting}\nprojected accuracy, %")
    axes[0, 0].legend(fontsize=6, loc="lower right")
    figure.tight_layout()
    save(figure, path)
    plt.close(figure)


def draw_mixes(by_setting: dict[str, Sequence[Outcome]], path: Path) -> None:
    """Draw what each predictor chose: its shares, what it promised and what was reached."""
    plt = plots()
    names = [*PREDICTORS, "even"]
    titles = [*(one.title for one in PREDICTORS.values()), "Even mix"]
    figure, axes = plt.subplots(
        len(by_setting), 2, figsize=(9, 2.6 * len(by_setting)), squeeze=False, sharey=True
    )
    places = np.arange(len(names))
    for (shares, accuracy), (setting, found) in zip(axes, by_setting.items(), strict=True):
        mixes = np.mean([[o.mixes[name]["p"] for name in names] for o in found], axis=0)
        left = np.zeros(len(names))
        for source, color in enumerate(SOURCES):
            width = 100 * mixes[:, source]
            shares.barh(places, width, left=left, color=color, label="ABC"[source])
            left = left + width
        for o in found:
            promised = [100 * o.mixes[name]["projected"] for name in names[:-1]]
            trained = [100 * o.mixes[name]["trained"] for name in names]
            first = o is found[0]
            accuracy.plot(
                promised, places[:-1], "|", color="0.4", label="projected" if first else None
            )
            accuracy.plot(trained, places, ".", color=COLORS[1], label="trained" if first else None)
        shares.set_yticks(places, titles)
        shares.set_xlim(0, 100)
        shares.set_title(f"{setting}: shares of the sources, %", fontsize=8)
        accuracy.set_title(f"{setting}: accuracy of the mix, %", fontsize=8)
        accuracy.axvline(100, color="0.8", lw=0.8, zorder=0)
    axes[0, 0].invert_yaxis()
    axes[0, 0].legend(fontsize=6, loc="center left")
    axes[0, 1].legend(fontsize=6, loc="center right")
    figure.tight_layout()
    save(figure, path)
    plt.close(figure)
