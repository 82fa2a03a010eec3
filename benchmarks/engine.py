"""The engine against its peers: seconds, peak memory, accuracy, growth; written to docs/engine.md.

Needs the CIFAR-10 embeddings of `$ASSAY_SHARED/data/cifar10`. Every case runs in a process of its
own, all of them in one run of this script.

    python benchmarks/engine.py [--out docs]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import (
    Problem,
    cifar,
    in_own_process,
    machine,
    peak_bytes,
    resident_bytes,
    timed,
)

TOLERANCE = 0.002
SIZES = (50_000, 100_000, 200_000, 500_000, 1_000_000)
VALIDATION_SIZES = (1000, 2500, 5000, 10_000)
WIDTHS = (16, 64, 256, 1024)
CLASSES = (10, 100, 1000)


def accuracy(wrong: np.ndarray, harm: np.ndarray) -> dict[str, float]:
    """Return how well `harm` finds the images that are wrong."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auroc": float(roc_auc_score(wrong, harm)),
        "ap": float(average_precision_score(wrong, harm)),
    }


def lava(problem: Problem) -> tuple[dict[str, Any], np.ndarray]:
    """Run label distances and potentials; return the figures, and the training potential."""
    from core.transport import GroundCost, SinkhornConfig, label_distances, solve_sinkhorn

    before = resident_bytes()
    distances, label_seconds = timed(lambda: label_distances(*problem.sets, problem.n_classes))
    cost = GroundCost(
        x=problem.x,
        y=problem.y,
        x_labels=problem.x_labels,
        y_labels=problem.y_labels,
        label_distances=distances,
    )
    config = SinkhornConfig(tolerance=TOLERANCE, max_passes=500)
    solution, seconds = timed(lambda: solve_sinkhorn(cost, config))
    figures = {
        "label_seconds": label_seconds,
        "potential_seconds": seconds,
        "seconds": label_seconds + seconds,
        "above_inputs": peak_bytes() - before,
        "peak": peak_bytes(),
        "marginal_error": solution.marginal_error,
        "passes": solution.passes,
    }
    return figures, solution.f


def case_lava() -> dict[str, Any]:
    """Measure full LAVA on CIFAR-10 embeddings with 30 % wrong labels."""
    problem = cifar()
    figures, f = lava(problem)
    return {**figures, **accuracy(problem.wrong, f)}


def case_published() -> dict[str, Any]:
    """Measure the published loop on the same."""
    from benchmarks.published import published_sava

    problem, before = cifar(), resident_bytes()
    found = published_sava(*problem.sets, problem.n_classes)
    assert found.value is not None  # noqa: S101 - all pairs were solved
    return {
        "seconds": found.seconds,
        "label_seconds": found.label_seconds,
        "potential_seconds": found.pair_seconds,
        "above_inputs": peak_bytes() - before,
        **accuracy(problem.wrong, -found.value),
    }


def case_limit() -> dict[str, Any]:
    """Measure a full pass beside its matrix product and its exponentials alone."""
    import torch

    from core.transport import GroundCost, label_distances
    from core.transport.passes import Passes

    problem = cifar()
    distances = label_distances(*problem.sets, problem.n_classes)
    cost = GroundCost(
        x=problem.x,
        y=problem.y,
        x_labels=problem.x_labels,
        y_labels=problem.y_labels,
        label_distances=distances,
    )
    n, m = cost.shape
    a, b, g = np.full(n, 1 / n), np.full(m, 1 / m), np.zeros(m)
    passes = Passes(cost, a, b, device="cpu", precision="float32", tile=None)
    passes.sweep(g, 0.1)
    # The plain form: one product of width d + v makes the cost, labels are one-hot columns.
    u = torch.cat([torch.tensor(cost.x), torch.tensor(distances[cost.x_labels])], dim=1)
    one_hot = torch.nn.functional.one_hot(torch.tensor(cost.y_labels)).float()
    v = torch.cat([torch.tensor(cost.y), one_hot], dim=1).T.contiguous()
    widths = {"features": (u[:, :64].contiguous(), v[:64].contiguous()), "labels too": (u, v)}
    result: dict[str, Any] = {"pass": min(timed(lambda: passes.sweep(g, 0.1))[1] for _ in range(5))}
    for name, (left, right) in widths.items():
        result[name] = min(timed(lambda: _product_and_exp(left, right))[1] for _ in range(5))  # noqa: B023
    return result


def _product_and_exp(u: Any, v: Any, rows: int = 400) -> None:
    import torch

    out, bias = torch.empty(rows, v.shape[1]), torch.zeros(v.shape[1])
    for start in range(0, len(u), rows):
        torch.addmm(bias, u[start : start + rows], v, alpha=-0.01, out=out).exp_()


def case_pot(n: int, m: int) -> dict[str, Any]:
    """Measure POT's log-domain Sinkhorn and its exact solver, and ours, on one dense problem."""
    import ot

    from core.transport import GroundCost, SinkhornConfig, solve_sinkhorn

    problem = cifar()
    cost = GroundCost(
        x=problem.x[:n],
        y=problem.y[:m],
        x_labels=problem.x_labels[:n],
        y_labels=problem.y_labels[:m],
    )
    config = SinkhornConfig(tolerance=1e-5, max_passes=1000)
    ours, ours_seconds = timed(lambda: solve_sinkhorn(cost, config))
    dense = ot.dist(cost.x.astype(float), cost.y.astype(float)) / 2
    a, b = ot.unif(n), ot.unif(m)
    (_, log), pot_seconds = timed(
        lambda: ot.sinkhorn(
            a, b, dense, 0.1, method="sinkhorn_log", numItermax=5000, stopThr=1e-6, log=True
        )
    )
    _, exact_seconds = timed(lambda: ot.emd2(a, b, dense, numItermax=10_000_000))
    f = 0.1 * (log["log_u"] - np.log(a))
    gap = np.abs((ours.f - ours.f.mean()) - (f - f.mean())).max()
    return {
        "ours": ours_seconds,
        "pot": pot_seconds,
        "pot_iterations": len(log["err"]) * 10,
        "exact": exact_seconds,
        "gap": float(gap / dense.mean()),
        "marginal_error": ours.marginal_error,
    }


def case_growth(n: int = 50_000, m: int = 10_000, d: int = 64, v: int = 10) -> dict[str, Any]:
    """Measure full LAVA on CIFAR-10 embeddings that are resampled, projected, or clustered anew."""
    figures, _ = lava(_grown(cifar(), n, m, d, v))
    return figures


def _grown(problem: Problem, n: int, m: int, d: int, v: int) -> Problem:
    rng = np.random.default_rng(1)
    x, y, x_labels, y_labels = problem.x, problem.y, problem.x_labels, problem.y_labels
    if v != problem.n_classes:
        x_labels, y_labels = _clustered(problem, v, rng)
    if d != x.shape[1]:
        # A random map that keeps distances on average.
        turn = rng.standard_normal((x.shape[1], d)).astype(np.float32) / np.float32(d) ** 0.5
        x, y = x @ turn, y @ turn
    if n > len(x):
        rows = rng.integers(0, len(x), n)
        x, x_labels = x[rows], x_labels[rows]
        for part in np.array_split(np.arange(n), max(1, n // 100_000)):
            x[part] += rng.normal(0, 0.05, (len(part), x.shape[1])).astype(np.float32)
    return Problem(x[:n], x_labels[:n], y[:m], y_labels[:m], np.zeros(n, bool), v)


def _clustered(problem: Problem, v: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return labels of v clusters of the validation images, a tenth of the training ones wrong."""
    from sklearn.cluster import MiniBatchKMeans

    clusters = MiniBatchKMeans(v, random_state=0, n_init=1).fit(problem.y)
    labels = clusters.predict(problem.x).astype(np.int64)
    wrong = rng.random(len(labels)) < 0.1
    labels[wrong] = rng.integers(0, v, wrong.sum())
    return labels, clusters.predict(problem.y).astype(np.int64)


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    "lava": case_lava,
    "published": case_published,
    "limit": case_limit,
    "pot": case_pot,
    "growth": case_growth,
}


def against_published() -> str:
    """Compare with the published solver's loop."""
    runs = [in_own_process(__file__, "lava") for _ in range(3)]
    ours = sorted(runs, key=lambda run: run["seconds"])[1]
    peer = in_own_process(__file__, "published")
    spread = ", ".join(f"{run['seconds']:.1f}" for run in runs)
    rows = [
        "| 50,000 × 10,000, width 64, 10 classes | published loop | Assay |",
        "|---|---|---|",
        f"| seconds, label distances included | {peer['seconds']:.1f} | **{ours['seconds']:.1f}** "
        f"(median of {spread}) |",
        f"| … label distances | {peer['label_seconds']:.1f} | {ours['label_seconds']:.2f} |",
        f"| … potentials | {peer['potential_seconds']:.1f} | {ours['potential_seconds']:.2f} |",
        f"| AUROC, 30 % wrong labels | {peer['auroc']:.4f} | {ours['auroc']:.4f} |",
        f"| average precision | {peer['ap']:.4f} | {ours['ap']:.4f} |",
        f"| peak memory above the inputs, MB | {peer['above_inputs'] / 1e6:.0f} "
        f"| {ours['above_inputs'] / 1e6:.0f} |",
        f"| marginal error | not certified | {ours['marginal_error']:.4f} "
        f"after {ours['passes']} full passes |",
    ]
    return (
        "## Against the published solver's loop\n\n"
        "The peer is SAVA's loop as published: geomloss `SamplesLoss`, tensorized, blur √0.1, one "
        "solve a pair of batches of 1,024, label distances by the same solver, cached "
        "(`benchmarks/published.py`). Assay solves the whole problem, not batches of it.\n\n"
        + "\n".join(rows)
        + f"\n\n**{peer['seconds'] / ours['seconds']:.1f} times faster.**\n"
    )


def against_the_limit() -> str:
    """Compare a pass with what the machine must do at least."""
    found = in_own_process(__file__, "limit")
    return (
        "## A full pass against the machine's limit\n\n"
        f"One pass over 50,000 × 10,000 pairs takes {found['pass']:.3f} s, "
        f"{found['pass'] * 2:.2f} ns a pair. The matrix product and the exponentials alone take "
        f"{found['labels too']:.3f} s where the label term is columns of the product (width 74), "
        f"a ratio of **{found['pass'] / found['labels too']:.2f}**, and {found['features']:.3f} s "
        f"for the features alone (width 64), a ratio of "
        f"**{found['pass'] / found['features']:.2f}**.\n"
    )


def against_pot() -> str:
    """Compare with POT."""
    rows = [
        "| N × M | POT log-Sinkhorn, s | POT exact, s | Assay, s | potentials apart |",
        "|" + "---|" * 5,
    ]
    for n, m in ((1024, 512), (2048, 1024)):
        found = in_own_process(__file__, "pot", n=n, m=m)
        rows.append(
            f"| {n:,} × {m:,} | {found['pot']:.1f} ({found['pot_iterations']:,} iterations) "
            f"| {found['exact']:.1f} | **{found['ours']:.2f}** "
            f"| {found['gap']:.1e} of the mean cost |"
        )
    return (
        "## Against POT\n\nFeature cost, ε = 0.1, to a marginal error of 1e-5 "
        "(POT, in double precision: 1e-6 in its own measure, at most 5,000 iterations).\n\n"
        + "\n".join(rows)
        + "\n"
    )


def growth(folder: Path) -> str:
    """Measure how time and memory grow with N, M, d and V, and draw it."""
    axes = {
        "n": ("N, training images", SIZES),
        "m": ("M, validation images", VALIDATION_SIZES),
        "d": ("d, width", WIDTHS),
        "v": ("V, classes", CLASSES),
    }
    parts, drawn = [], {}
    for name, (title, values) in axes.items():
        found = [in_own_process(__file__, "growth", **{name: value}) for value in values]
        drawn[title] = (values, found)
        slope = np.polyfit(np.log(values), np.log([f["seconds"] for f in found]), 1)[0]
        rows = [
            "| " + title + " | label distances, s | potentials, s | peak, MB | marginal error |"
        ]
        rows.append("|" + "---|" * 5)
        rows += [
            f"| {value:,} | {f['label_seconds']:.2f} | {f['potential_seconds']:.2f} "
            f"| {f['peak'] / 1e6:,.0f} | {f['marginal_error']:.4f} |"
            for value, f in zip(values, found, strict=True)
        ]
        parts.append("\n".join(rows) + f"\n\nTime grows as {title.split(',')[0]}^{slope:.2f}.")
    _draw(drawn, folder / "engine-growth.svg")
    return (
        "## Growth\n\nFrom 50,000 × 10,000, width 64, 10 classes, one axis at a time: rows are "
        "resampled with jitter beyond 50,000, widths are random projections, classes beyond ten "
        "are clusters of the validation images, a tenth of the training labels wrong. Peak memory "
        "is the whole process, torch (0.35 GB) and inputs included.\n\n"
        "![Seconds against N, M, d and V, logarithmic axes](engine-growth.svg)\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def _draw(drawn: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "assay", "font.size": 9})
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(12, 2.8), layout="constrained")
    for axis, (title, (values, found)) in zip(axes, drawn.items(), strict=True):
        for key, label, color in (
            ("potential_seconds", "potentials", "#0072B2"),
            ("label_seconds", "label distances", "#D55E00"),
        ):
            axis.loglog(values, [f[key] for f in found], "o-", color=color, label=label)
        axis.set_xlabel(title)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and write; or run one case and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--settings", default="{}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(CASES[options.case](**json.loads(options.settings))))
        return
    parts = [
        "# The engine, measured",
        "Written by `python benchmarks/engine.py`; CIFAR-10 embeddings of width 64.\n\n"
        f"Machine: {machine()}. Date: {date.today().isoformat()}. Tolerance of the marginal error: "
        f"{TOLERANCE}.",
        against_published(),
        against_the_limit(),
        against_pot(),
        growth(options.out),
    ]
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    (options.out / "engine.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
