"""How often a suggested label is the right one, against the confidence that is shown with it.

On the bundled sample, and on the CIFAR-10 embeddings (`$ASSAY_SHARED/data/cifar10`) with wrong
labels drawn evenly. The truth is used to count, and for nothing else.

    python benchmarks/suggestions.py [--size N M] [--out docs/suggestions.md]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.common import CIFAR, machine
from core.datasets import sample_truth_path
from core.runs import Run, ValueSpec, suggestions, value_run
from core.valuation import NO_LABEL

WAYS: dict[str, dict[str, str]] = {
    "LAVA, calibrated": {"settings": "calibrated"},
    "LAVA, published": {"settings": "published"},
    "label posterior": {"method": "label-posterior"},
}
SHARES = (0.05, 0.3)
BANDS = (0.5, 0.7, 0.9, 0.95, 1.01)

Problem = tuple[str, str, str, pd.Series]


def problems(folder: Path, size: tuple[int, int]) -> Iterator[Problem]:
    """Yield name, training source, validation source, and the true class name by image id."""
    truth = pd.read_csv(sample_truth_path()).set_index("id")["clean_label"]
    yield "sample, 6 % wrong labels", "sample:train", "sample:val", truth.dropna()
    if not CIFAR.is_dir():
        return
    rng = np.random.default_rng(0)
    for side, count in (("train", size[0]), ("test", size[1])):
        with np.load(CIFAR / f"embeddings_{side}.npz", allow_pickle=False) as whole:
            rows = np.sort(rng.choice(len(whole["labels"]), count, replace=False))
            names = whole["class_names"]
            part = {name: whole[name][rows] for name in ("embeddings", "labels", "ids")}
        if side == "test":
            np.savez(folder / "validation.npz", class_names=names, **part)
        else:
            training = part
    for share in SHARES:
        labels = training["labels"].copy()
        wrong = rng.random(len(labels)) < share
        labels[wrong] = (labels[wrong] + rng.integers(1, len(names), wrong.sum())) % len(names)
        source = folder / f"train-{share}.npz"
        np.savez(source, class_names=names, **{**training, "labels": labels})
        truth = pd.Series(names[training["labels"]], index=training["ids"])
        name = f"CIFAR-10, {share:.0%} wrong labels".replace("%", " %")
        yield name, str(source), str(folder / "validation.npz"), truth


def row_of(name: str, way: str, run: Run, truth: pd.Series) -> list[str]:
    """Return a line of the table: what was suggested, and how much of it was right."""
    found = suggestions(run)
    suggested = found.label != NO_LABEL
    names = np.array(run.class_names)
    given = run.values["class_name"]
    # What the truth does not list is labelled rightly.
    right_names = run.values["id"].map(truth).where(lambda known: known.notna(), given).to_numpy()
    right = names[found.label[suggested]] == right_names[suggested]
    confidence = found.confidence[suggested]
    wrong = (given.to_numpy() != right_names).sum()
    bands = [
        f"{right[inside].mean():.0%} of {inside.sum():,}".replace("%", " %") if inside.any() else ""
        for low, high in pairwise(BANDS)
        for inside in [(confidence >= low) & (confidence < high)]
    ]
    return [
        name,
        way,
        f"{suggested.sum():,}",
        f"{confidence.mean():.0%}".replace("%", " %"),
        f"{right.mean():.0%}".replace("%", " %"),
        f"{right.sum() / wrong:.0%}".replace("%", " %"),
        *bands,
    ]


def main() -> None:
    """Value, suggest, count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, default=(20_000, 5_000), metavar=("N", "M"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    heads = ["data", "method", "suggested", "mean confidence", "right", "of all wrong labels"]
    heads += [f"{low:.2f} to {min(high, 1):.2f}" for low, high in pairwise(BANDS)]
    rows = [heads, ["---"] * len(heads)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, train, validation, truth in problems(folder, tuple(arguments.size)):
            for way, settings in WAYS.items():
                spec = ValueSpec(train=train, validation=validation, **settings)
                run = value_run(spec, folder / f"run-{len(rows)}", cache_dir=folder / "cache")
                rows.append(row_of(name, way, run, truth))
                print(" | ".join(rows[-1]), file=sys.stderr)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = (
        f"# Suggested labels: how often they are right\n\n{machine()}, {date.today():%d %B %Y}. "
        "A label is suggested where it is likelier than not the right one. By band of confidence: "
        f"the share that is right, of how many. CIFAR-10: {arguments.size[0]:,} x "
        f"{arguments.size[1]:,} embeddings.\n\n{table}\n"
    )
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
