"""Small experiments made in milliseconds, with nothing compared: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from core import __version__
from core.corruption import PlantedFault
from core.evaluation import evaluate
from core.lab import (
    Experiment,
    ExperimentRecord,
    ExperimentSpec,
    Scored,
    detection_table,
    sampled_curves,
    write_experiment,
)
from core.runs import Run

METHODS = ("lava", "label-posterior", "sava")
_NOISE = {"lava": 0.4, "label-posterior": 0.9, "sava": 100.0}
KINDS = ("wrong label", "backdoor")


def make_experiment(
    home: Path,
    run: Run,
    *,
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int] = (0, 1, 2),
    effects: bool = True,
    experiment_id: str = "e" * 16,
    created: str = "2026-01-02T03:04:05+00:00",
) -> Experiment:
    """Write an experiment about the images of `run`: every fifth image is faulty.

    The methods find faults the worse the later they are named.
    """
    spec = ExperimentSpec(
        train=run.record.train.source,
        validation=run.record.validation.source,
        embedder=run.record.embedder,
        faults=(PlantedFault("noisy-labels", 0.1), PlantedFault("trojan-square", 0.1)),
        methods=tuple(methods),
        seeds=tuple(seeds),
    )
    scored, values = [], pd.DataFrame()
    for seed in seeds:
        table = _values(run, methods, seed)
        values = table if values.empty else values
        truth = table.loc[table["fault"] != "", ["id", "fault"]]
        for method in methods:
            found = evaluate(table[["id"]].assign(value=table[method]), truth)
            scored.append(Scored(method, seed, found, 1.5 + seed))
    record = ExperimentRecord(
        id=experiment_id,
        created=created,
        title=spec.title,
        configuration=spec.configuration(),
        embedder=run.record.embedder,
        class_names=run.record.class_names,
        train=run.record.train,
        validation=run.record.validation,
        data=run.record.train,
        methods=tuple(methods),
        skipped={"batchwise-lava": "it is for small sets"},
        kinds=KINDS,
        faults=values["fault"].value_counts().reindex(KINDS).to_dict(),
        versions={"assay": __version__},
        device="cpu",
        run=run.id,
        learner="linear" if effects else None,
        learner_note="Accuracy is measured on the validation set.",
        seconds={"Total": 65.0},
    )
    return write_experiment(
        home / "experiments" / experiment_id,
        record,
        detection=detection_table(scored),
        curves=sampled_curves(scored),
        values=values,
        effects=_effects(methods, seeds) if effects else _effects((), ()),
    )


def _values(run: Run, methods: Sequence[str], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(run.values)
    fault = np.full(n, "", dtype=object)
    faulty = rng.permutation(n)[: max(2, n // 5)]
    fault[faulty[::2]], fault[faulty[1::2]] = KINDS
    table = run.values[["id", "label", "class_name"]].assign(
        row=np.arange(n), fault=fault, clean_label=""
    )
    for method in methods:
        noise = _NOISE.get(method, 1.5) * rng.standard_normal(n)
        table[method] = noise - (fault != "")
    return table


def _effects(methods: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """Invent what removal does: accuracy peaks where as many go as are faulty."""
    rows = []
    for place, order in enumerate([*methods, *(["truth"] if methods else [])]):
        skill = 1.0 if order == "truth" else max(0.8 - 0.3 * place, 0.0)
        for seed in seeds:
            for end in ("worst", "best"):
                for share in (0.0, 0.1, 0.2, 0.3):
                    gain = skill * min(share, 0.2) - max(share - 0.2, 0.0)
                    gain = gain if end == "worst" else -share
                    rows.append(
                        {
                            "order": order,
                            "seed": seed,
                            "end": end,
                            "share": share,
                            "removed": round(100 * share),
                            "accuracy": 0.7 + 0.5 * gain + 0.002 * seed,
                            "attack_success": min(max(0.9 - 4 * skill * share, 0.01), 1.0),
                            "target_confidence": max(0.8 - 3 * skill * share, 0.02),
                        }
                    )
    if methods:
        start = next(row for row in rows if row["order"] == methods[0])
        gone = {"end": "suggested", "share": 0.12, "removed": 12}
        rows.append({**start, **gone, "accuracy": 0.78, "attack_success": 0.03})
    columns = ["order", "seed", "end", "share", "removed", "accuracy"]
    columns += ["attack_success", "target_confidence"]
    return pd.DataFrame(rows, columns=columns)
