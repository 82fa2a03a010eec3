"""The studies of the LAVA and SAVA papers, measured: docs/studies.md.

Every case of `benchmarks/study_cases.py` is measured on CIFAR-10 (`$ASSAY_SHARED/data/cifar10`),
most on the precomputed embeddings, and held against what the paper says in words. The study of
embedders trains its networks on the 10,000 validation pictures, or finds them under `--home`, where
`evidence.py` keeps its own.

    python benchmarks/studies.py [--only NAME ...] [--seeds N ...] [--embedders NAME ...]
        [--home FOLDER] [--tables FOLDER] [--out FILE]

With `--only` the page goes to the standard output, unless `--out` is given. `--tables` keeps what
was measured, and measures only what is not there: to draw and write again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.common import CIFAR, timed, write_report
from benchmarks.study_cases import CASES, Case
from benchmarks.study_figures import FIGURES, NAMES, draw_figure
from benchmarks.study_sets import Sets, Verdict
from core.embedding import EMBEDDERS
from core.runs import home as default_home

PAGE = REPO / "docs/studies.md"
WHOLE = ("images", "problems")


@dataclass(frozen=True)
class Measured:
    """A case, its figures, and the verdict on them."""

    case: Case
    table: pd.DataFrame

    @property
    def verdict(self) -> Verdict:
        """Return whether the figures agree with the paper."""
        return self.case.judge(self.table)


def spread(numbers: pd.Series, digits: int = 3) -> str:
    """Return mean and deviation over the seeds; one number alone where they are all the same."""
    mean, deviation = numbers.mean(), numbers.std(ddof=1)
    return (
        f"{mean:.{digits}f}" if not deviation > 0 else f"{mean:.{digits}f} ± {deviation:.{digits}f}"
    )


def markdown(table: pd.DataFrame, by: tuple[str, ...], shown: tuple[str, ...]) -> str:
    """Return a table of one line a setting, mean and deviation over the seeds."""
    lines = [
        "| " + " | ".join(NAMES.get(name, name) for name in (*by, *shown)) + " |",
        "|" + "---|" * (len(by) + len(shown)),
    ]
    for setting, rows in table.groupby(list(by), sort=False, dropna=False):
        cells = [_cell(one) for one in setting]
        for name in shown:
            cells.append(spread(rows[name], 4 if name == "change" else 3))
            if name in WHOLE:
                cells[-1] = f"{rows[name].mean():,.0f}"
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def first_paragraph(measured: list[Measured]) -> str:
    """Say what holds and what does not."""
    parts = []
    for word, intro in (
        ("agrees", "agree with the paper"),
        ("in part", "agree in part"),
        ("disagrees", "do not agree"),
        ("not measured", "were not measured"),
    ):
        names = [_lower(one.case.title) for one in measured if one.verdict.agrees == word]
        if names:
            parts.append(f"**{len(names)} {intro}**: {'; '.join(names)}.")
    return f"Of {len(measured)} studies, as measured here: " + " ".join(parts)


def overview(measured: list[Measured]) -> str:
    """Return each claim beside the verdict."""
    lines = ["| study | the paper says | measured | |", "|---|---|---|---|"]
    lines += [
        f"| [{one.case.title}](#{_anchor(one.case.title)}), {one.case.source} | {one.case.claim} "
        f"| {one.verdict.said} | **{one.verdict.agrees}** |"
        for one in measured
    ]
    return "\n".join(lines)


def details(one: Measured) -> str:
    """Return the figures of a study."""
    case = one.case
    parts = [f"### {case.title}", f"{case.source}. {case.size}."]
    if case.shown:
        parts.append(markdown(one.table, case.by, case.shown))
    return "\n\n".join(parts)


def pictures(measured: list[Measured], folder: Path) -> list[str]:
    """Draw what was measured, and return what shows the figures on the page."""
    tables = {one.case.name: one.table for one in measured}
    shown = []
    for name, (text, panels) in FIGURES.items():
        drawn = [(draw, tables[case]) for case, draw in panels.items() if case in tables]
        if drawn:
            draw_figure(drawn, folder / name)
            shown.append(f"![{text}]({name})\n\n{text}")
    return shown


def figures_of(case: Case, sets: Sets, folder: Path | None) -> pd.DataFrame:
    """Measure a case, or read what was kept of it."""
    kept = None if folder is None else folder / f"{case.measure.__name__}.csv"
    if kept is not None and kept.is_file():
        return pd.read_csv(kept)
    table, seconds = timed(lambda: case.measure(sets))
    print(f"{case.name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(kept, index=False)
    return table


def report(measured: list[Measured], sets: Sets, shown: list[str]) -> list[str]:
    """Return the parts of the page."""
    return [
        first_paragraph(measured),
        "CIFAR-10. LAVA and SAVA run with the published settings (regularization 0.1, weights 1), "
        "not with those that the dashboard calibrates. Where no embedder is named the embeddings "
        "are 64 features of a ResNet-20 trained on the test split, which is the validation set "
        "here: it knows the validation pictures better than an embedder would that never saw them. "
        "Accuracy is therefore measured on 10,000 pictures of the training split that neither this "
        "network nor any valuation has seen, by a linear head (logistic regression) on the "
        "embeddings; the papers train a ResNet-18. Sizes are training × validation images; where "
        "they are smaller than the paper's (50,000 × 10,000), the figures are those of smaller "
        f"sets. Mean ± deviation over {len(sets.seeds)} seeds, each of which draws other images "
        "and other faults. Noise is planted in the embeddings. “Found within half”: the share of "
        "the faults among the worst half of the images.",
        "## Claims",
        overview(measured),
        *shown,
        "## Figures of each study",
        *map(details, measured),
    ]


def main() -> None:
    """Measure, draw and write."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1))
    parser.add_argument(
        "--embedders",
        nargs="+",
        choices=list(EMBEDDERS),
        default=("resnet-20", "convnet", "pixels"),
        metavar="NAME",
        help="beside the precomputed; preact-resnet-18 takes hours on a CPU",
    )
    parser.add_argument("--home", type=Path, default=default_home() / "evidence")
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not CIFAR.is_dir():
        sys.exit(f"{CIFAR} is not there: name its parent by ASSAY_SHARED.")
    sets = Sets(tuple(options.seeds), tuple(options.embedders), options.home)
    measured: list[Measured] = []
    for case in CASES:
        if options.only and case.name not in options.only:
            continue
        same = [one.table for one in measured if one.case.measure is case.measure]
        table = same[0] if same else figures_of(case, sets, options.tables)
        measured.append(Measured(case, table))
    if options.only and options.out is None:
        print("\n\n".join(report(measured, sets, [])))
        return
    out = options.out or PAGE
    shown = pictures(measured, out.parent)
    write_report(out, "The papers' studies, measured", __file__, report(measured, sets, shown))


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "all"
    if isinstance(value, float):
        return f"{value:g}"
    return NAMES.get(value, f"{value:,}" if isinstance(value, int) else str(value))


def _lower(title: str) -> str:
    return title if title[1:2].isupper() else title[0].lower() + title[1:]


def _anchor(title: str) -> str:
    kept = [letter for letter in title.lower() if letter.isalnum() or letter in " -"]
    return "".join(kept).replace(" ", "-")


if __name__ == "__main__":
    main()
