"""SAVA against the published loop, in the same process: seconds, peak memory, detection.

CIFAR-10 embeddings with 30 % uniformly wrong labels, 50,000 against 10,000, from
`$ASSAY_SHARED/data/cifar10`; batches of 1024, random and stratified, and other sizes. The bars: at
least 3 times faster than the loop of `published.py` (one geomloss call a pair), and values within
1e-3 of their standard deviation of those of pairs solved to 1e-7.

The published loop is stopped after --pairs pairs and its time extrapolated; --pairs 0 runs it to
the end and measures its detection too.

    python benchmarks/sava.py [--images 50000] [--validation 10000] [--pairs 0] [--sizes] [--out F]
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import CIFAR, REPO, Problem, cifar, resident_bytes, write_report
from benchmarks.published import published_sava
from core.evaluation import detection_curve
from core.valuation import (
    LavaConfig,
    SavaConfig,
    TransportValuation,
    value_batchwise_lava,
    value_lava,
    value_sava,
)

CLASSES = 10


@dataclass(frozen=True)
class Measured:
    """What a call returned, its wall-clock seconds, and what it added to the resident size."""

    result: Any
    seconds: float
    megabytes: float


def measure(call: Callable[[], Any]) -> Measured:
    """Run a call; sample the resident size every 5 ms meanwhile."""
    before, peak, done = resident_bytes(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], resident_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return Measured(result, seconds, max(0.0, (peak[0] - before) / 1e6))


def row(name: str, found: Measured, value: np.ndarray | None, data: Problem, base: float) -> str:
    """Return a line of the table."""
    detection = "– | –"
    if value is not None:
        curve = detection_curve(value, data.wrong)
        detection = f"{curve.auroc:.4f} | {curve.average_precision:.4f}"
    return (
        f"| {name} | {found.seconds:.1f} | {base / found.seconds:.1f} | {found.megabytes:,.0f} "
        f"| {detection} |"
    )


def published(data: Problem, pairs: int) -> tuple[Measured, np.ndarray | None]:
    """Return the published loop's cost, extrapolated where it was stopped, and its values."""
    found = measure(lambda: published_sava(*data.sets, CLASSES, max_pairs=pairs or None))
    return Measured(found.result, found.result.seconds, found.megabytes), found.result.value


def agreement(data: Problem) -> str:
    """Return how far values of two training batches are from those of pairs solved to 1e-7."""
    few = data.part(2042, len(data.y))
    usual, tight = (
        value_sava(
            *few.sets, CLASSES, SavaConfig(tolerance=tolerance, max_passes=3000, batch_size=1024)
        ).value
        for tolerance in (1e-4, 1e-7)
    )
    gap = np.abs(usual - tight) / tight.std()
    return (
        f"At the default tolerance the values of {len(usual):,} images are "
        f"{np.sqrt((gap**2).mean()):.1e} (root mean square) and {gap.max():.1e} (at most) of their "
        "standard deviation from those of pairs solved to 1e-7."
    )


def table(data: Problem, options: argparse.Namespace) -> list[str]:
    """Measure every method once, in one process, and return the lines of a table."""
    loop, loop_value = published(data, options.pairs)
    base = loop.seconds
    solved, everything = loop.result.pairs, loop.result.all_pairs
    lines = [
        "| method | seconds | times faster | MB beside the inputs | AUROC | AP |",
        "|---|---|---|---|---|---|",
        row(f"published loop ({solved} of {everything} pairs)", loop, loop_value, data, base),
    ]
    runs: list[tuple[str, Callable[[], TransportValuation]]] = [
        ("SAVA, random", lambda: value_sava(*data.sets, CLASSES, SavaConfig())),
        (
            "SAVA, stratified",
            lambda: value_sava(*data.sets, CLASSES, SavaConfig(batches="stratified")),
        ),
        ("batch-wise LAVA", lambda: value_batchwise_lava(*data.sets, CLASSES, SavaConfig())),
        ("LAVA", lambda: value_lava(*data.sets, CLASSES, LavaConfig())),
    ]
    sizes = (128, 512, 2048, 4096) if options.sizes else ()
    runs[3:3] = [
        (
            f"SAVA, batches of {size:,}",
            lambda size=size: value_sava(*data.sets, CLASSES, SavaConfig(batch_size=size)),
        )
        for size in sizes
    ]
    for name, call in runs:
        found = measure(call)
        lines.append(row(name, found, found.result.value, data, base))
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--validation", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=0, help="of the published loop; 0 for all")
    parser.add_argument("--sizes", action="store_true", help="other batch sizes as well")
    parser.add_argument("--out", type=Path, default=REPO / "docs/sava.md")
    options = parser.parse_args()
    if not CIFAR.is_dir():
        sys.exit(f"{CIFAR} is not on this machine; set ASSAY_SHARED.")
    data = cifar().part(options.images, options.validation)
    size = (
        f"CIFAR-10 embeddings, 30 % wrong labels, {len(data.x):,} against {len(data.y):,}, width "
        f"{data.x.shape[1]}, batches of 1,024, {torch.get_num_threads()} threads, all in one "
        "process. Seconds of SAVA and LAVA include the resemblance of each image to the classes."
    )
    lines = table(data, options)
    parts = [size, "\n".join(lines), agreement(data)]
    write_report(options.out, "Transport in batches, measured", __file__, parts)


if __name__ == "__main__":
    main()
