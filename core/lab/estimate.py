"""How long an experiment will take: said before it runs."""

from __future__ import annotations

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
    parts = [estimate(spec.value_spec(name, 0), n, m, d=d) for name in names]
    trained = seeds if spec.embeds_anew else 1
    seconds = seeds * sum(one.valuing for one in parts)
    if parts:
        # What is left of the embedding with next to no training images: it is not made again.
        once = estimate(spec.value_spec(names[0], 0), 1, m, d=d).embedding
        again = _CHANGED * (parts[0].embedding - once)
        seconds += parts[0].startup + parts[0].embedding * trained + again * (seeds - trained)
        # Kept, as the embedding is, and made by the first contender that calibrates.
        seconds += max(one.holding_out for one in parts) * trained
    seconds += seeds * n * (_PLANTING_SECONDS + len(names) * _SCORING_SECONDS)
    memory = max((one.bytes for one in parts), default=0)
    if spec.removal:
        # Each ranking and a random order; the faults first; and, once, nothing at all.
        shares = len(WORST_SHARES) - 1
        fits = seeds * (len(names) * (shares + len(BEST_SHARES)) + shares + 2)
        width = d if d is not None else _WIDTH
        seconds += fits * _fit_seconds(spec.learner, n, width, n_classes)
    return Estimate(seconds=seconds, bytes=memory)


def _fit_seconds(learner: str, n: int, d: int, v: int) -> float:
    if learner == "linear":
        return _HEAD_SECONDS * _HEAD_ITERATIONS * n * max(1.0, d * v / 64)
    return _NETWORK_SECONDS * _NETWORK_PASSES * n
