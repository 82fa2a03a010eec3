"""The papers' claims about finding faults, beside what was measured: docs/evidence.md.

Every claim of `benchmarks/claims.py` is an experiment on CIFAR-10 (`$ASSAY_SHARED/data/cifar10`):
faults are planted in the 50,000 training pictures, a ResNet-20 is trained on the 10,000 validation
pictures alone, and all methods rank the same embeddings. Experiments, networks and embeddings are
kept under `--home`, so that what was measured once is not measured again: a second run writes the
page in seconds. All of it from nothing takes hours on two cores; `--images 5000` gives a first
impression in a fraction of that, and is not written to docs.

    python benchmarks/evidence.py [--home FOLDER] [--only NAME ...] [--images N] [--out FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from benchmarks.aftermath import SUGGESTED, attack, named_kinds, share_named_right
from benchmarks.claims import CLAIMS, EMBEDDER, Claim
from benchmarks.common import CIFAR, write_report
from core.cli.progress import Display
from core.lab import Experiment, contender_title, open_experiment, run_experiment
from core.runs import home as default_home

DEFAULT = "lava"
FIGURE = "evidence-detection.svg"
LEARNER = "convnet"
EFFECTS = ("accuracy", "attack_success", "target_confidence")
# Seeds of the trainings; a training takes minutes.
ATTACKED = {"trojan-square": (0, 1, 2)}
ATTACK_BAR, NAMED_RIGHT, MOST_INSPECTED = 0.15, 0.75, 0.15
# Of the images inspected: what the figure shows.
SHOWN = 0.6
HURTS, HELPS = "#D55E00", "#0072B2"
# A method that is ahead by less than this, or by less than the spread, is not called better.
LEAST_LEAD = 0.001


PROJECTIONS = """
## Projections

What accuracy a mix of sources will reach is projected from small pilots, and the mixes that are
chosen by it were trained: figures 4, and 2 and 5 of the projektor paper, with CIFAR-10 in place of
ImageNet-100. Settings, errors, intervals and what there is to gain: [projection.md](projection.md);
the paper's claim about a network: [projection-network.md](projection-network.md).

![Projected against trained accuracy, by predictor](projection.svg)

![Mixes that the predictors chose, what they promised and what they reached](projection-mixes.svg)
"""


@dataclass(frozen=True)
class Measured:
    """A claim and the experiments about it."""

    claim: Claim
    experiments: list[Experiment]

    @property
    def experiment(self) -> Experiment:
        """Return the first experiment."""
        return self.experiments[0]

    def figures(self, method: str) -> np.ndarray:
        """Return a method's figure for each seed."""
        return np.concatenate([self.claim.measure(one, method) for one in self.experiments])

    def ranked(self) -> list[tuple[str, np.ndarray]]:
        """Return methods and their figures, best first."""
        found = [(name, self.figures(name)) for name in self.experiment.record.methods]
        return sorted(found, key=lambda pair: -float(pair[1].mean()))

    def better(self) -> list[str]:
        """Return the methods that are ahead of the default by more than the spread."""
        own = self.figures(DEFAULT)
        ahead = []
        for name, figures in self.ranked():
            lead = figures - own
            error = lead.std(ddof=1) / len(lead) ** 0.5 if len(lead) > 1 else 0.0
            if name != DEFAULT and lead.mean() > max(LEAST_LEAD, 2 * error):
                ahead.append(name)
        return ahead


def words(figures: np.ndarray) -> str:
    """Return mean and spread over the seeds."""
    mean = f"{figures.mean():.3f}"
    return mean if len(figures) < 2 else f"{mean} ± {figures.std(ddof=1):.3f}"


def first_paragraph(measured: list[Measured]) -> str:
    """Say where the default is the best single ranking, and where it is not."""
    lost = [(one, one.better()) for one in measured if one.better()]
    kept = len(measured) - len(lost)
    text = (
        f"The default (LAVA, calibrated on the validation set) is the best of "
        f"{len(measured[0].experiment.record.methods)} methods, or as good within the spread over "
        f"the seeds, in {kept} of {len(measured)} cases."
    )
    for one, names in lost:
        ahead = ", ".join(
            f"{contender_title(name)} ({words(one.figures(name))})" for name in names[:3]
        )
        text += (
            f" **It loses on {one.claim.title[0].lower()}{one.claim.title[1:]}**, "
            f"{one.claim.measured}: {words(one.figures(DEFAULT))} against {ahead}."
        )
    return text


def claims_table(measured: list[Measured]) -> str:
    """Return each claim beside what was measured."""
    rows = [
        "| planted | figure | paper | bar | LAVA, calibrated | LAVA as published | best other |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        others = [pair for pair in one.ranked() if pair[0] not in (DEFAULT, f"{DEFAULT}:published")]
        name, figures = others[0]
        own = one.figures(DEFAULT)
        bar = one.claim.bar
        judged = "" if bar is None else f"{bar:g}, {'met' if own.mean() >= bar else '**missed**'}"
        rows.append(
            f"| {one.claim.title} | {one.claim.measured} | {one.claim.paper} | {judged} "
            f"| **{words(own)}** | {words(one.figures(f'{DEFAULT}:published'))} "
            f"| {contender_title(name)}: {words(figures)} |"
        )
    return "\n".join(rows)


def details(one: Measured) -> str:
    """Return every method's figures on one claim."""
    record = one.experiment.record
    table = pd.concat([part.detection for part in one.experiments])
    table = table[table["fault"] == "all faults"]
    rows = [
        f"### {one.claim.title}",
        f"`{' '.join(one.claim.faults)}`, seeds {', '.join(map(str, one.claim.seeds))}.",
        f"| method | {one.claim.measured} | AUROC | average precision | seconds |\n"
        "|---|---|---|---|---|",
    ]
    lines = []
    for name, figures in one.ranked():
        own = table[table["method"] == name]
        lines.append(
            f"| {contender_title(name)} | {words(figures)} | {words(own['auroc'].to_numpy())} "
            f"| {words(own['average_precision'].to_numpy())} | {own['seconds'].median():.1f} |"
        )
    rows[-1] += "\n" + "\n".join(lines)
    if record.skipped:
        why = "; ".join(f"{contender_title(k)}: {v}" for k, v in record.skipped.items())
        rows.append(f"Left out: {why}.")
    return "\n\n".join(rows)


def kinds_named(one: Measured, home: Path) -> str:
    """Return which kinds of fault are named right, in words and a table."""
    kinds = named_kinds(one.experiment, home, MOST_INSPECTED)
    rows = [f"| planted | {' | '.join(f'named {name}' for name in kinds.columns)} |"]
    rows.append("|---" * (len(kinds.columns) + 1) + "|")
    rows += [
        f"| {kind} | {' | '.join(f'{count:,}' for count in kinds.loc[kind])} |"
        for kind in kinds.index
    ]
    return (
        f"Of the faults of the mixed bag that the default finds within the first "
        f"{100 * MOST_INSPECTED:.0f} %, **{100 * share_named_right(kinds):.1f} %** are said to be "
        f"of the kind that was planted (bar: {100 * NAMED_RIGHT:.0f} %; first seed).\n\n"
        + "\n".join(rows)
    )


def attacks(measured: list[Measured], home: Path) -> str:
    """Return what becomes of backdoors once what looks harmful is removed."""
    rows = [
        "| backdoor | removed | images | accuracy | attack success | confidence in the target |",
        "|---|---|---|---|---|---|",
    ]
    worst = 0.0
    for one in measured:
        table = attack(one.experiment, home, LEARNER, ATTACKED[one.claim.name])
        for without, own in table.groupby("without", sort=False):
            figures = [words(own[name].to_numpy()) for name in EFFECTS]
            count = int(own["removed"].iloc[0])
            rows.append(f"| {one.claim.title} | {without} | {count:,} | {' | '.join(figures)} |")
            if without == SUGGESTED:
                worst = max(worst, float(own["attack_success"].mean()))
    judged = "met" if worst < ATTACK_BAR else "**missed**"
    return (
        "A small residual network is trained anew on the pictures of the first seed, three times. "
        "*What looks harmful* lies below even odds. "
        "*What the plan suggests* is that, and all that is a backdoor with 1 chance in 20. "
        f"Attack success after that is {100 * worst:.1f} % at worst (bar: below "
        f"{100 * ATTACK_BAR:.0f} %, {judged}).\n\n" + "\n".join(rows)
    )


def draw(measured: list[Measured], path: Path) -> None:
    """Draw the detection curves of all claims, the default against the others."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "assay"
    from matplotlib import pyplot as plt

    columns = 3
    rows = -(-len(measured) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(11, 3 * rows), sharey=True, squeeze=False)
    for axis in axes.flat[len(measured) :]:
        axis.set_visible(False)
    for axis, one in zip(axes.flat, measured, strict=False):
        curves = one.experiment.curves
        shown = slice(0, round(SHOWN * (len(curves.share) - 1)) + 1, 4)
        share = curves.share[shown]
        for name in curves.methods:
            mean, deviation = (part[shown] for part in curves.band(name))
            if name == DEFAULT:
                axis.plot(share, mean, color=HELPS, linewidth=2, label="LAVA, calibrated")
                low, high = mean - deviation, mean + deviation
                axis.fill_between(share, low, high, color=HELPS, alpha=0.2)
            elif name == f"{DEFAULT}:published":
                axis.plot(share, mean, color=HURTS, label="LAVA as published")
            elif name != "random":
                axis.plot(share, mean, color="#8A8A86", linewidth=0.7, alpha=0.7)
        axis.plot(share, curves.optimal[0][shown], "k:", linewidth=0.8, label="optimal")
        axis.plot([0, SHOWN], [0, SHOWN], "k--", linewidth=0.6, label="random")
        axis.set_title(one.claim.name, fontsize=9)
        axis.set_xlim(0, SHOWN)
        axis.set_ylim(0, 1.02)
    axes[0][0].legend(fontsize=7, loc="lower right")
    figure.supxlabel("share of the images inspected, worst first", fontsize=9)
    figure.supylabel("share of the faults found", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def measure(claim: Claim, home: Path, images: int | None) -> Measured:
    """Run the experiment in a process of its own, so that one's memory is not another's."""
    command = [sys.executable, __file__, "--run", claim.name, "--home", str(home)]
    command += [] if images is None else ["--images", str(images)]
    done = subprocess.run(command, check=True, cwd=REPO, stdout=subprocess.PIPE, text=True)
    one = Measured(claim, [open_experiment(home, name) for name in done.stdout.split()])
    print(claim.name, words(one.figures(DEFAULT)), "better:", one.better(), flush=True)
    return one


def aftermath(measured: list[Measured], home: Path) -> list[str]:
    """Return the sections about what comes after the rankings, as far as they were measured."""
    parts = []
    mixed = [one for one in measured if one.claim.name == "mixed"]
    if mixed:
        parts += ["## The kind of fault that is named", kinds_named(mixed[0], home)]
    attacked = [one for one in measured if one.claim.name in ATTACKED]
    if attacked:
        parts += ["## Attacks after the removal that is suggested", attacks(attacked, home)]
    return parts


def main() -> None:
    """Measure, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=default_home() / "evidence")
    parser.add_argument("--only", nargs="+", choices=[claim.name for claim in CLAIMS])
    parser.add_argument("--images", type=int)
    parser.add_argument("--out", type=Path, default=REPO / "docs/evidence.md")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        claim = next(claim for claim in CLAIMS if claim.name == options.run)
        for spec in claim.specs(options.images):
            print(run_experiment(spec, options.home, Display(sys.stderr))[0].id)
        return
    if not CIFAR.is_dir():
        sys.exit(f"{CIFAR} is not there: name its parent by ASSAY_SHARED.")
    wanted = [claim for claim in CLAIMS if not options.only or claim.name in options.only]
    measured = [measure(claim, options.home, options.images) for claim in wanted]
    if options.images is not None:
        print(claims_table(measured))
        return
    draw(measured, options.out.parent / FIGURE)
    count = max(len(one.claim.seeds) for one in measured)
    parts = [
        first_paragraph(measured),
        f"Embedder `{EMBEDDER}`, trained on the validation pictures alone, once; faults planted by "
        f"{count} seeds, mean and deviation over them. CIFAR-10's pictures here are JPEG, slightly "
        "lossy. What a valuation costs: [costs.md](costs.md).",
        "## Claims",
        claims_table(measured),
        f"![Detection curves of each claim]({FIGURE})\n\nGrey: the other methods.",
        *aftermath(measured, options.home),
        PROJECTIONS,
        "## Every method",
        *map(details, measured),
    ]
    write_report(options.out, "Evidence", __file__, parts)


if __name__ == "__main__":
    main()
