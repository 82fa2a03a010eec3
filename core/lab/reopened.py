"""A finished experiment taken up again: its learner retrained on any choice of its images."""

from __future__ import annotations

from pathlib import Path

from core.datasets import align_classes, open_source
from core.lab.effects import Bench, make_bench
from core.lab.folder import Experiment
from core.lab.planting import Planted
from core.progress import Progress, silent
from core.runs import find_run


def bench_of(
    experiment: Experiment,
    home: Path,
    learner: str,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> Bench:
    """Return a bench on the images of the first repetition; accuracy is of the validation images.

    Its rows are those of the experiment's run. Embeddings are taken from `home` where they are.

    Parameters
    ----------
    home : where the experiment and its run are
    learner : a name in `core.evaluation.LEARNERS`
    seed : of the learner

    Raises
    ------
    ConfigError : there is no such learner
    DataError : a set of the run cannot be read any more, or has no pictures for such a learner
    RunError : the run has been removed
    """
    from core.embedding import embed_pair
    from core.evaluation import learner_named

    chosen = learner_named(learner)
    run = find_run(home, str(experiment.record.run))
    sources = run.record.train.source, run.record.validation.source
    train, validation = align_classes(*(open_source(one, progress=progress) for one in sources))
    pair = embed_pair(
        train,
        validation,
        experiment.record.embedder,
        seed=experiment.record.seeds[0],
        cache_dir=home / "embeddings",
        device=device,
        progress=progress,
    )
    planted = Planted(
        train=train,
        validation=validation,
        train_source=sources[0],
        validation_source=sources[1],
        truth=experiment.values[["id", "fault"]],
        removed_classes=experiment.record.removed_classes,
        facts=experiment.record.facts,
    )
    return make_bench(chosen, pair, planted, None, seed=seed, device=device, progress=progress)
