"""What benchmarks share: the machine in words, the data, cases in processes of their own."""

from __future__ import annotations

import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ASSAY_SHARED", REPO.parent / "shared"))
CIFAR = SHARED / "data/cifar10"
# Debian's package dataset-fashion-mnist.
FASHION = Path("/usr/share/datasets/fashion-mnist")


def machine() -> str:
    """Return processor, cores and Python version."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


@dataclass(frozen=True)
class Problem:
    """A training set of which it is known what is wrong, and a validation set."""

    x: np.ndarray
    x_labels: np.ndarray
    y: np.ndarray
    y_labels: np.ndarray
    wrong: np.ndarray
    n_classes: int

    @property
    def sets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return both sets as every method takes them."""
        return self.x, self.x_labels, self.y, self.y_labels

    def part(self, n: int, m: int) -> Problem:
        """Return the first n training against the first m validation images."""
        return Problem(
            x=self.x[:n],
            x_labels=self.x_labels[:n],
            y=self.y[:m],
            y_labels=self.y_labels[:m],
            wrong=self.wrong[:n],
            n_classes=self.n_classes,
        )


def cifar(share: float = 0.3, *, seed: int = 0) -> Problem:
    """Return the CIFAR-10 embeddings, a share of the training labels uniformly wrong."""
    with np.load(CIFAR / "embeddings_train.npz") as train:
        x, labels = train["embeddings"], train["labels"].astype(np.int64)
    with np.load(CIFAR / "embeddings_test.npz") as test:
        y, y_labels = test["embeddings"], test["labels"].astype(np.int64)
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(labels)) < share
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, wrong.sum())) % 10
    return Problem(x=x, x_labels=labels, y=y, y_labels=y_labels, wrong=wrong, n_classes=10)


def fashion_mnist() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images, uint8, shape (n, 28, 28), and labels, int64, of "train" and "test"."""
    sets = {}
    for part, stem in (("train", "train"), ("test", "t10k")):
        with gzip.open(FASHION / f"{stem}-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        with gzip.open(FASHION / f"{stem}-labels-idx1-ubyte.gz") as file:
            sets[part] = images, np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    return sets


def peak_bytes() -> int:
    """Return the largest resident size that this process has had."""
    # A child process inherits ru_maxrss from its parent; VmHWM is its own.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_bytes() -> int:
    """Return the resident size of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def write_report(path: Path, title: str, script: str, parts: list[str]) -> None:
    """Write a page of docs/, with what made it, on which machine and when."""
    head = (
        f"# {title}\n\nWritten by `python benchmarks/{Path(script).name}`. Machine: {machine()}. "
        f"Date: {date.today().isoformat()}."
    )
    text = "\n\n".join(part.strip() for part in [head, *parts]) + "\n"
    path.write_text(text, encoding="utf-8")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what `work` returns, and how many seconds that took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def in_own_process(script: str, case: str, **settings: Any) -> dict[str, Any]:
    """Run a case of `script` in a process of its own, so that its memory is its own."""
    command = [sys.executable, script, "--case", case, "--settings", json.dumps(settings)]
    done = subprocess.run(command, check=True, cwd=REPO, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(case, settings, {k: v for k, v in result.items() if not isinstance(v, list)}, flush=True)
    return result
