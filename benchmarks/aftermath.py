"""What comes after a ranking: the kind of fault that is named, and the attack once it is acted on.

Both look at the run of the default method that an experiment keeps of its first repetition.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from core.lab import Experiment, bench_of
from core.runs import find_run

SUGGESTED = "what the plan suggests"


def named_kinds(experiment: Experiment, home: Path, share: float) -> pd.DataFrame:
    """Count, among the worst `share` of the images, the faults by planted and by named kind.

    Returns
    -------
    one row a planted kind, one column a named one
    """
    run = find_run(home, str(experiment.record.run))
    values = run.values
    planted = experiment.values.set_index("row")["fault"].reindex(range(len(values))).to_numpy()
    worst = np.argsort(values["value"].to_numpy(), kind="stable")[: round(share * len(values))]
    found = worst[planted[worst] != ""]
    named = values["likely_fault"].to_numpy()[found]
    return pd.crosstab(
        pd.Series(planted[found], name="planted"), pd.Series(named, name="named"), dropna=False
    )


def share_named_right(kinds: pd.DataFrame) -> float:
    """Return the share of the faults found whose named kind is the planted one."""
    right = sum(int(kinds.at[kind, kind]) for kind in kinds.index if kind in kinds.columns)
    return right / float(kinds.to_numpy().sum())


def attack(
    experiment: Experiment, home: Path, learner: str, seeds: tuple[int, ...]
) -> pd.DataFrame:
    """Retrain a learner on all images, without what looks harmful or is suggested, and the faults.

    What was measured before is kept under `home` and not measured again.

    Returns
    -------
    one row a training: without ("nothing", "what looks harmful", "what the plan suggests", "the
    faults"), seed, removed, accuracy, attack_success, target_confidence
    """
    kept = home / "attacks" / f"{experiment.id}-{learner}.json"
    if kept.is_file():
        return pd.DataFrame(json.loads(kept.read_text()))
    run = find_run(home, str(experiment.record.run))
    faulty = experiment.values.sort_values("row")["fault"].to_numpy() != ""
    choices = {
        "nothing": np.zeros(len(faulty), bool),
        "what looks harmful": run.cut.harmful,
        SUGGESTED: run.suggested,
        "the faults": faulty,
    }
    rows = []
    for seed in seeds:
        bench = bench_of(experiment, home, learner, seed=seed)
        for without, gone in choices.items():
            effect = bench.measure(np.flatnonzero(~gone))
            rows.append(
                {"without": without, "seed": seed, "removed": int(gone.sum()), **asdict(effect)}
            )
            print(experiment.record.title, rows[-1], flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(rows))
    return pd.DataFrame(rows)
