"""What a valuation costs and finds at its defaults, measured and written to docs/costs.md.

Each is a run of the command line in a process of its own, as a user would start it:

* the bundled sample, with its planted faults
* CIFAR-10 embeddings with 30 % uniformly wrong labels, 50,000 against 10,000
  (from `$ASSAY_SHARED/data/cifar10`; left out where that is absent)
* all of Fashion-MNIST, 60,000 against 10,000, embedder `pixels`
  (from Debian's package dataset-fashion-mnist; left out where that is absent)
* the wait for the first image, by first_image.py (left out where Chromium is absent)

    python benchmarks/costs.py [--out docs/costs.md]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.common import CIFAR, FASHION, fashion_mnist, machine
from benchmarks.common import cifar as cifar_problem
from core.datasets import sample_truth_path
from core.evaluation import Evaluation, evaluate, read_truth
from core.runs import Run, open_run

CHROMIUM = "/usr/bin/chromium"
WRONG_SHARE = 0.3
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Measured:
    """A run of the command line, and what it cost."""

    run: Run
    seconds: float

    @property
    def sentence(self) -> str:
        """Return size, cost and certificate in words."""
        record = self.run.record
        stages = ", ".join(
            f"{k.lower()} {v:.1f}" for k, v in record.seconds.items() if k != "Total"
        )
        return (
            f"{record.train.images:,} against {record.validation.images:,} images: "
            f"**{self.seconds:.1f} s** for the whole process ({stages}), peak memory "
            f"**{record.peak_memory / 1e6:,.0f} MB**, marginal error "
            f"**{record.marginal_error:.2g}** (tolerance {record.tolerance:g}) after "
            f"{record.passes} full passes."
        )


def value(folder: Path, train: str, validation: str, *options: str) -> Measured:
    """Run `python -m core value` with an empty state folder."""
    out = folder / "run"
    command = [sys.executable, "-m", "core", "value", "--train", train, "--val", validation]
    started = time.perf_counter()
    subprocess.run(
        [*command, "--out", str(out), *options],
        check=True,
        cwd=REPO,
        env={**os.environ, "ASSAY_HOME": str(folder / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Measured(open_run(out), time.perf_counter() - started)


def table(result: Evaluation) -> str:
    """Return the detection figures as a Markdown table, with what a random order gives."""
    lines = [
        "| fault | images | AUROC | average precision | recall in the first 10 % |",
        "|---|---|---|---|---|",
    ]
    for row in result.table(0.1).itertuples():
        lines.append(
            f"| {row.fault} | {row.faults:,} | {row.auroc:.3f} | {row.average_precision:.3f} "
            f"| {row.recall:.3f} |"
        )
    first = result.overall
    rate = first.faults / first.images
    most = min(1.0, 0.1 / rate)
    lines.append(f"| *random order, all faults* | {first.faults:,} | 0.500 | {rate:.3f} | 0.100 |")
    lines.append(f"| *perfect order, all faults* | {first.faults:,} | 1.000 | 1.000 | {most:.3f} |")
    return "\n".join(lines)


def sample(folder: Path) -> str:
    """Measure the bundled sample at the default settings, for several seeds of the network."""
    measured, results = [], []
    for seed in SEEDS:
        place = folder / str(seed)
        measured.append(value(place, "sample:train", "sample:val", "--seed", str(seed)))
        results.append(evaluate(measured[-1].run.values, read_truth(sample_truth_path())))
    spread = "; ".join(
        f"seed {seed}: {result.overall.auroc:.3f}, {result.overall.recall_at(0.1):.3f}"
        for seed, result in zip(SEEDS, results, strict=True)
    )
    return (
        "## The bundled sample\n\nDefault settings (embedder `convnet`, trained on the validation "
        f"images alone). {measured[0].sentence}\n\n{table(results[0])}\n\n"
        "The network's training follows from the seed; the default is 0. AUROC and recall of all "
        f"faults: {spread}.\n"
    )


def cifar(folder: Path) -> str:
    """Measure CIFAR-10 embeddings with uniformly wrong labels."""
    problem = cifar_problem(WRONG_SHARE)
    with np.load(CIFAR / "embeddings_train.npz") as train:
        ids, class_names = train["ids"].astype(str), train["class_names"]
    path = folder / "train.npz"
    np.savez(path, embeddings=problem.x, labels=problem.x_labels, ids=ids, class_names=class_names)
    truth = pd.DataFrame({"id": ids[problem.wrong], "fault": "wrong-label"})
    parts = ["## CIFAR-10 embeddings, 30 % uniformly wrong labels\n\nEmbeddings of width 64."]
    for settings in ("calibrated", "published"):
        place = folder / settings
        place.mkdir()
        measured = value(
            place, str(path), str(CIFAR / "embeddings_test.npz"), "--settings", settings
        )
        found = table(evaluate(measured.run.values, truth))
        parts.append(f"Settings {settings}. {measured.sentence}\n\n{found}")
    return "\n\n".join(parts) + "\n"


def fashion(folder: Path) -> str:
    """Measure all of Fashion-MNIST with the embedder `pixels`."""
    for part, (images, labels) in fashion_mnist().items():
        np.savez(folder / f"{part}.npz", images=images, labels=labels)
    paths = (str(folder / f"{part}.npz") for part in ("train", "test"))
    measured = value(folder, *paths, "--embedder", "pixels")
    return f"## All of Fashion-MNIST\n\nEmbedder `pixels`. {measured.sentence}\n"


def browser(folder: Path) -> str:
    """Measure what a person waits for."""
    script = REPO / "benchmarks/first_image.py"
    done = subprocess.run(
        [sys.executable, str(script)], check=True, cwd=folder, capture_output=True, text=True
    )
    return (
        "## In the browser\n\n`python benchmarks/first_image.py`:\n\n"
        f"```text\n{done.stdout.strip()}\n```\n\n"
        "How quick the review and the map are: [workbench.md](workbench.md).\n"
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPO / "docs/costs.md")
    options = parser.parse_args()
    parts = [
        "# What it costs",
        "Written by `python benchmarks/costs.py`; each figure is one run of the command line in "
        "a process of its own, imports and embedding included.\n\n"
        "In the tables, each kind of fault is held against the sound images alone; recall is the "
        "share of the faults found in the first 10 % of those images, worst first.\n\n"
        f"Machine: {machine()}. Date: {date.today().isoformat()}.",
    ]
    wanted = [
        (sample, True),
        (cifar, CIFAR.is_dir()),
        (fashion, FASHION.is_dir()),
        (browser, Path(CHROMIUM).is_file() and CIFAR.is_dir()),
    ]
    for measure, there in wanted:
        if not there:
            print(f"{measure.__name__}: its data are not on this machine; left out.")
            continue
        with tempfile.TemporaryDirectory() as folder:
            parts.append(measure(Path(folder)))
            print(parts[-1], flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    print(json.dumps({"written": str(options.out)}))


if __name__ == "__main__":
    main()
