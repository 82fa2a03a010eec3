"""How long an experiment will take: said before it runs."""

from __future__ import annotations

from dataclasses import replace

from core.lab.effects import BEST_SHARES, WORST_SHARES
from core.lab.spec import ExperimentSpec, unavailable
from core.runs import Estimate, estimate

# Planting and writing a picture; scoring a ranking; and fitting a linear head, measured on two
# cores as the others: per image, and per image and feature of an iteration.
_PLANTING_SECONDS = 5e-5
_SCORING_SECONDS = 4e-6
_HEAD_SECONDS, _HEAD_ITERATIONS, _WIDTH = 1.5e-8, 60, 64
# Share of the images that are embedded anew in later repetitions with the same embedder.
_CHANGED = 0.2
# A network is trained for so many passes over the images, each in so many seconds.
_NETWORK_SECONDS, _NETWORK_PASSES = 7e-4, 30


def estimate_experiment(
    spec: ExperimentSpec, n: int, m: int, *, d: int | None = None, n_classes: int = 10
) -> Estimate:
    """Estimate what `spec` takes on a usual machine.

    Parameters
    ----------
    n, m : numbers of training and validation images
    d : width of the embeddings that the sets bring along, None where they bring none
    n_classes : number of classes
    """
    n = n if spec.images is None else min(n, spec.images)
    seeds = len(spec.seeds)
    names = [name for name in spec.methods if not unavailable(name, n)]
    usual = replace(spec.value_spec("lava", 0), settings="published")
    width = d if d is not None else _WIDTH
    given = replace(usual, embedder="precomputed")
    base = estimate(usual, n, m, d=d)
    embedding = max(0.0, base.seconds - estimate(given, n, m, d=width).seconds)
    trained = seeds if spec.embeds_anew else 1
    seconds = embedding * (trained + _CHANGED * (seeds - trained))
    memory = base.bytes
    for name in names:
        one = estimate(replace(spec.value_spec(name, 0), embedder="precomputed"), n, m, d=width)
        seconds += seeds * one.seconds
        memory = max(memory, one.bytes)
    seconds += seeds * n * (_PLANTING_SECONDS + len(names) * _SCORING_SECONDS)
    if spec.removal:
        fits = seeds * (len(names) * (len(WORST_SHARES) - 1 + len(BEST_SHARES)) + len(WORST_SHARES))
        seconds += fits * _fit_seconds(spec.learner, n, width, n_classes)
    return Estimate(seconds=seconds, bytes=memory)


def _fit_seconds(learner: str, n: int, d: int, v: int) -> float:
    if learner == "linear":
        return _HEAD_SECONDS * _HEAD_ITERATIONS * n * max(1.0, d * v / 64)
    return _NETWORK_SECONDS * _NETWORK_PASSES * n
