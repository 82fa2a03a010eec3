"""Small finished experiments, for tests of what reads them; nothing is planted or trained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from core.evaluation import evaluate
from core.lab import (
    Experiment,
    ExperimentRecord,
    Scored,
    detection_table,
    sampled_curves,
    write_experiment,
)
from core.runs import Run
from tests.factories import make_home_run

# How far a contender sets faults apart from sound images, in standard deviations of its values.
SEPARATION = {"lava": 2.5, "lava:published": 1.5, "label-posterior": 2.4, "random": 0.0}
KINDS = ("wrong label", "noise")


def make_home_experiment(
    home: Path,
    *,
    run: Run | None = None,
    methods: tuple[str, ...] = tuple(SEPARATION),
    seeds: tuple[int, ...] = (0, 1, 2),
    removal: bool = True,
    attacked: bool = True,
    title: str = "5 % noisy labels, 5 % noisy features",
    created: str = "2026-01-02T04:00:00+00:00",
    **settings: object,
) -> Experiment:
    """Write an experiment to `home`/experiments/<id> about `run`, or about one made for it.

    Every tenth image is faulty, of the two kinds in turn, and "lava" finds them best. `settings`
    are those of `tests.factories.make_run`.
    """
    run = run or make_home_run(home, **{"n": 200, **settings})
    values = run.values
    fault = np.where(np.arange(len(values)) % 10 == 0, KINDS[0], "")
    fault[::20] = KINDS[1]
    truth = pd.DataFrame({"id": values["id"], "fault": fault})[fault != ""]
    table = values[["id", "label", "class_name"]].assign(row=range(len(values)), fault=fault)
    scored = []
    for method in methods:
        for seed in seeds:
            rng = np.random.default_rng((seed, methods.index(method)))
            worth = rng.standard_normal(len(fault)) - SEPARATION.get(method, 1.0) * (fault != "")
            ranked = pd.DataFrame({"id": values["id"], "value": worth})
            scored.append(Scored(method, seed, evaluate(ranked, truth), 1.5 + seed))
            if seed == seeds[0]:
                table[method] = worth
    source = run.record.train
    name = f"{run.id}{title}{methods}{seeds}{created}"
    experiment_id = hashlib.sha256(name.encode()).hexdigest()[:16]
    record = ExperimentRecord(
        id=experiment_id,
        created=created,
        title=title,
        configuration={
            "train": source.source,
            "validation": run.record.validation.source,
            "faults": [
                {"name": "noisy-labels", "fraction": 0.05, "options": {}},
                {"name": "noisy-features", "fraction": 0.05, "options": {"strength": 0.5}},
            ],
            "methods": list(methods),
            "seeds": list(seeds),
            "removal": removal,
        },
        embedder=run.record.embedder,
        class_names=run.class_names,
        train=source,
        validation=run.record.validation,
        data=source,
        methods=methods,
        kinds=KINDS,
        faults={kind: int((fault == kind).sum()) for kind in KINDS},
        skipped={"exact": "it is for 100 images at most, and there are 200"},
        versions=run.record.versions,
        device="cpu",
        run=run.id,
        learner="linear" if removal else None,
        seconds={"Planting": 0.5, "Embedding": 2.0, "Total": 12.0},
    )
    return write_experiment(
        home / "experiments" / experiment_id,
        record,
        detection=detection_table(scored),
        curves=sampled_curves(scored),
        values=table,
        effects=_effects(methods, seeds, len(values), attacked) if removal else _no_effects(),
    )


def _no_effects() -> pd.DataFrame:
    return _effects((), (), 1, attacked=False)


def _effects(
    methods: tuple[str, ...], seeds: tuple[int, ...], n: int, attacked: bool
) -> pd.DataFrame:
    """Invent accuracies that rise while the worst images go, and fall while the best do."""
    columns = [
        "order",
        "seed",
        "end",
        "share",
        "removed",
        "accuracy",
        "attack_success",
        "target_confidence",
    ]
    rows = []
    for order in (*methods, *(("random", "truth") if methods else ())):
        skill = 2.5 if order == "truth" else SEPARATION.get(order, 1.0)
        for seed in seeds:
            for end, sign in (("worst", 1), ("best", -1)):
                if order in ("random", "truth") and end == "best":
                    continue
                for share in (0.0, 0.05, 0.1, 0.2, 0.3):
                    gain = 0.02 * sign * skill * min(share, 0.1) * 10 - 0.05 * share
                    success = max(0.0, 0.9 - 4 * skill * share) if attacked else np.nan
                    rows.append(
                        (
                            order,
                            seed,
                            end,
                            share,
                            round(share * n),
                            0.8 + gain + 0.002 * seed,
                            success,
                            0.9 * success,
                        )
                    )
    table = pd.DataFrame(rows, columns=columns)
    return table.drop_duplicates(["order", "seed", "end", "share"], ignore_index=True)
