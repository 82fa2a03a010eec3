"""How close and how quick incremental valuation is, and SAVA's growing partitions (appendix G.1).

CIFAR-10 embeddings (`$ASSAY_SHARED/data/cifar10`) with 30 % uniformly wrong labels and 10 % noisy
features, against all 10,000 validation images:

* 5,000 images are held back, the other 45,000 valued, and those held back added in one pass; then
  all 50,000 are valued anew, in the same process: Spearman correlation of the values of the images
  held back, seconds, and what the addition itself said of its distance to a new valuation
* the same where those held back are half of one class: when adding must not be trusted
* five equal partitions with all classes arrive one after the other; each is added to the run of the
  first, and the whole is valued anew at each step: seconds, AUROC and average precision of both

    python benchmarks/incremental.py [--train 50000] [--validation 10000] [--tolerance 0.002]
                                     [--out FILE]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import CIFAR, REPO, cifar, timed, write_report
from core.transport import GroundCost
from core.valuation import LavaConfig, TransportValuation, value_lava, value_new

CLASSES, WRONG, NOISY = 10, 0.3, 0.1
HELD_BACK, PARTITIONS = 0.1, 5


@dataclass(frozen=True)
class Problem:
    """Training images with known faults, validation images, and how they are valued."""

    x: np.ndarray
    labels: np.ndarray
    faulty: np.ndarray
    y: np.ndarray
    y_labels: np.ndarray
    config: LavaConfig

    def value(self, rows: np.ndarray) -> tuple[TransportValuation, float]:
        """Value the training images `rows`; return also the seconds."""
        return timed(
            lambda: value_lava(
                self.x[rows], self.labels[rows], self.y, self.y_labels, CLASSES, self.config
            )
        )

    def add(
        self, before: TransportValuation, rows: np.ndarray, new: np.ndarray
    ) -> tuple[TransportValuation, float]:
        """Add the images `new` to the valuation of `rows`; return also the seconds."""
        old = GroundCost(
            x=self.x[rows],
            y=self.y,
            x_labels=self.labels[rows],
            y_labels=self.y_labels,
            label_distances=before.label_distances,
        )
        cost = replace(old, x=self.x[new], x_labels=self.labels[new])
        return timed(lambda: value_new(cost, old, before, CLASSES))

    def quality(self, valuation: TransportValuation, rows: np.ndarray) -> tuple[float, float]:
        """Return AUROC and average precision of the faults among `rows`."""
        score, faulty = -valuation.value, self.faulty[rows]
        return float(roc_auc_score(faulty, score)), float(average_precision_score(faulty, score))


def problem(n: int, m: int, tolerance: float) -> Problem:
    """Read the embeddings, and plant the faults."""
    rng = np.random.default_rng(0)
    clean, picked = cifar(0.0), rng.permutation(50_000)[:n]
    x, labels = clean.x[picked], clean.x_labels[picked]
    y, y_labels = clean.y[:m], clean.y_labels[:m]
    wrong, noisy = rng.random(n) < WRONG, rng.random(n) < NOISY
    labels[wrong] = (labels[wrong] + rng.integers(1, CLASSES, wrong.sum())) % CLASSES
    noise = rng.standard_normal((int(noisy.sum()), x.shape[1])) * x.std(axis=0)
    x[noisy] += noise.astype(np.float32)
    config = LavaConfig(tolerance=tolerance)
    return Problem(x, labels, wrong | noisy, y, y_labels, config)


def held_back(data: Problem, new: np.ndarray, title: str) -> str:
    """Return how values of images that come later compare with those of a new valuation."""
    old = np.setdiff1d(np.arange(len(data.x)), new)
    before, first = data.value(old)
    found, added = data.add(before, old, new)
    anew, whole = data.value(np.concatenate([old, new]))
    later = slice(len(old), None)
    ranks = spearmanr(found.value[later], anew.value[later])[0]
    gradients = found.calibrated_gradient, anew.calibrated_gradient
    shift = np.std(gradients[0] - gradients[1]) / np.std(gradients[1])
    said = found.details["added"]
    rows = [
        "| | seconds | marginal error |",
        "|---|---|---|",
        f"| valued at first | {first:.2f} | {before.marginal_error:.2g} |",
        f"| added | **{added:.2f}** | at most {found.marginal_error:.2g} |",
        f"| valued anew | {whole:.2f} | {anew.marginal_error:.2g} |",
    ]
    return (
        f"## {title}: {len(new):,} images added to {len(old):,}\n\n"
        + "\n".join(rows)
        + f"\n\nA new valuation takes **{whole / added:.1f}** times as long. Spearman "
        f"correlation of the new images' values with those of a new valuation: **{ranks:.5f}** "
        f"(said: {said['rank_correlation']:.5f}). Shift of all calibrated gradients, as a share "
        f"of their spread: {shift:.3f} (said: {said['shift']:.3f})."
    )


def growing(data: Problem) -> str:
    """Return SAVA's appendix G.1: partitions that arrive one after the other."""
    parts = np.array_split(np.arange(len(data.x)), PARTITIONS)
    lines = [
        "| images | added s | AUROC | AP | valued anew s | AUROC | AP | Spearman | said |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = parts[0]
    current, seconds = data.value(rows)
    for part in parts[1:]:
        current, seconds = data.add(current, rows, part)
        rows = np.concatenate([rows, part])
        anew, whole = data.value(rows)
        (area, precision), (area_anew, precision_anew) = (
            data.quality(valuation, rows) for valuation in (current, anew)
        )
        later = slice(len(rows) - len(part), None)
        ranks = spearmanr(current.value[later], anew.value[later])[0]
        said = current.details["added"]["rank_correlation"]
        lines.append(
            f"| {len(rows):,} | {seconds:.2f} | {area:.4f} | {precision:.4f} | {whole:.2f} | "
            f"{area_anew:.4f} | {precision_anew:.4f} | {ranks:.4f} | {said:.4f} |"
        )
    title = f"## Five growing partitions of {len(parts[0]):,} (SAVA, appendix G.1)"
    return title + "\n\n" + "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=50_000)
    parser.add_argument("--validation", type=int, default=10_000)
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.002,
        help="marginal error that valuations are solved to; above it they differ from each other "
        "by more than from an addition",
    )
    parser.add_argument("--out", type=Path, default=REPO / "docs/incremental.md")
    options = parser.parse_args()
    if not CIFAR.is_dir():
        sys.exit(f"{CIFAR} is absent; set ASSAY_SHARED to the folder that holds data/cifar10.")
    data = problem(options.train, options.validation, options.tolerance)
    count = int(HELD_BACK * options.train)
    one_class = np.flatnonzero(data.labels == 3)
    parts = [
        "CIFAR-10 embeddings, 30 % wrong labels and 10 % noisy features, against "
        f"{options.validation:,}.",
        held_back(data, np.arange(count), "Drawn at random"),
        held_back(data, one_class[::2], "Half of one class, which must not be trusted"),
        growing(data),
    ]
    write_report(options.out, "Images that come later, measured", __file__, parts)


if __name__ == "__main__":
    main()
