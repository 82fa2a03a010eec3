"""How long a valuation will take, and how much memory: said before it runs.

The constants were measured on two cores with AVX-512 (torch 2.13, CPU). Other machines differ, so
the page says "about".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.runs.spec import ValueSpec
from core.transport import batch_memory, choose_batch_size
from core.valuation import METHODS

# Loading torch, reading tables, writing the run; what torch and the tables take up.
_BASE_SECONDS = 4.0
_BASE_BYTES = 450e6
# One pair in one pass of the streaming solver: 0.93 ns at 64 columns (docs/engine.md), of which
# exp and the sums take two fifths whatever the width.
_PAIR_SECONDS = 4.0e-10
_PAIR_SECONDS_A_COLUMN = 8.5e-12
# Warm start, label distances, kernels, passes and resemblance, in full passes. Small problems are
# solved far more tightly, and in double precision.
_PASSES_SMALL, _PASSES_LARGE, _SMALL_PAIRS = 250.0, 12.0, 2e7
# What is kept of the plan: all of a small one; of a large one a fortieth at most, and no more than
# so many entries, with what it takes to put them together.
_KEPT_WHOLE, _KEPT_BYTES_WHOLE = 3e7, 8.0
_KEPT_PART, _KEPT_ENTRIES, _KEPT_BYTES = 0.025, 48e6, 12.0
# One entry of the cost of a pair of batches, solved to the default tolerance; small problems are
# slower, for a call of many waits for the last (benchmarks/sava.py).
_ENTRY_SECONDS, _ENTRY_SECONDS_OF_ONE = 2.5e-8, 1.2e-5
# What such a valuation does beside, in full passes: label distances and resemblance.
_PASSES_BESIDE = 2.0
# Embeddings as read, as the solver holds them, with label columns, and as they are written.
_COPIES = 4
# Methods without transport: seconds a pair of a training and a validation image, and seconds a
# training image. Of those that retrain a head many times the first is what their registry says.
_BASELINES = {
    "knn-shapley": (3e-8, 0.0),
    "knn-disagreement": (1e-8, 0.0),
    "g-shapley": (1.5e-5, 0.0),
    "leave-one-out": (0.0, 5e-3),
    "tmc-shapley": (0.0, 3e-2),
    "permutation-shapley": (0.0, 8e-2),
    "least-core": (0.0, 4e-1),
    "banzhaf": (0.0, 1e-2),
    "data-oob": (0.0, 5e-3),
}
_BASELINE = (0.0, 1e-4)
# Network simplex: 1.9 s at 4,096 x 2,048, growing a little faster than the pairs; its bytes a pair.
_SIMPLEX_SECONDS, _SIMPLEX_GROWTH, _SIMPLEX_BYTES = 9.4e-9, 1.2, 41.0
# Calibration: fits and label distances, and passes over all pairs of images held out and kept, at
# most 1,000 of each; and the share of the training of an embedder that is done once more. The sizes
# are those of `CalibrationConfig`, whose module loads torch.
_CALIBRATION_SECONDS, _CALIBRATION_PASSES, _CALIBRATION_SIDE = 3.0, 2500.0, 1000
_TRAINED_AGAIN, _FEWEST_TO_CALIBRATE = 0.7, 200
# One picture decoded and projected.
_PIXELS_SECONDS = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """What a network costs: seconds a picture, backwards too and forwards only; bytes of memory."""

    training: float = 0.0
    forward: float
    memory: float
    width: int


# The convnet on 28 x 28 pixels; the others trained here on 32 x 32 in color, in bfloat16 with AMX
# (without such instructions they take three times as long). Memory: the layers, the optimizer and
# the activations of a batch. Residual networks see each picture both ways.
_NETWORKS = {
    "convnet": _Cost(training=7e-4, forward=2.5e-4, memory=200e6, width=64),
    "resnet-20": _Cost(training=9e-4, forward=6e-4, memory=400e6, width=64),
    "preact-resnet-18": _Cost(training=1.2e-2, forward=5e-3, memory=1.5e9, width=512),
    "preact-resnet-34": _Cost(training=2.4e-2, forward=1e-2, memory=2e9, width=512),
    "preact-resnet-50": _Cost(training=5.5e-2, forward=2.5e-2, memory=3e9, width=2048),
    # Nothing is trained; small pictures, which are enlarged to 112 pixels. Large ones: four times.
    "resnet18-imagenet": _Cost(forward=2.5e-3, memory=0.6e9, width=512),
    "resnet50-imagenet": _Cost(forward=5e-3, memory=0.9e9, width=2048),
    "vgg16-imagenet": _Cost(forward=1.5e-2, memory=1.8e9, width=4096),
    "googlenet-imagenet": _Cost(forward=2.5e-3, memory=0.6e9, width=1024),
}
# Of the embedders that no table knows, and of the pixels.
_WIDTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a valuation will take.

    Attributes
    ----------
    seconds : wall-clock time of all of it
    bytes : memory at its peak
    startup, embedding, holding_out : the seconds among these that several valuations of the same
        sets spend once: before anything begins; to embed both sets; to embed the validation images
        again without some of them, for calibration
    """

    seconds: float
    bytes: int
    startup: float = 0.0
    embedding: float = 0.0
    holding_out: float = 0.0

    @property
    def valuing(self) -> float:
        """Return the seconds that each valuation of these sets takes."""
        return self.seconds - self.startup - self.embedding - self.holding_out


def estimate(spec: ValueSpec, n: int, m: int, *, d: int | None = None) -> Estimate:
    """Estimate what the valuation `spec` of n against m images takes on a usual machine.

    Parameters
    ----------
    n, m : numbers of training and validation images
    d : width of the embeddings that the sets bring along, None where they bring none; only used
        where `spec.embedder` takes them

    Raises
    ------
    ConfigError : no batches fit the memory limit of `spec`
    """
    embedder = spec.embedder
    if embedder == "auto":
        embedder = "convnet" if d is None else "precomputed"
    network = _NETWORKS.get(embedder)
    width = network.width if network else _WIDTH
    if d is not None and embedder == "precomputed":
        width = d
    memory = _BASE_BYTES + _COPIES * 4 * width * (n + m) + _kernel_bytes(n, m)
    solving = lava_seconds(n, m, width)
    method = METHODS[spec.method]
    if method.in_batches:
        size = choose_batch_size(n, m, spec.batch_size, spec.memory_limit)
        entry = _ENTRY_SECONDS + _ENTRY_SECONDS_OF_ONE / size
        solving = _PASSES_BESIDE * _pass_seconds(n, m, width) + entry * n * m
        memory += batch_memory(n, m, size)
    if not method.transports:
        solving = _PASSES_BESIDE * _pass_seconds(n, m, width)
        pair, image = _BASELINES.get(spec.method, _BASELINE)
        solving += pair * n * m + image * n
    if spec.method == "exact":
        solving = _PASSES_LARGE * _pass_seconds(n, m, width)
        solving += _SIMPLEX_SECONDS * (n * m) ** _SIMPLEX_GROWTH
        memory += _SIMPLEX_BYTES * n * m
    if network:
        memory += network.memory
    embedding, holding_out = _embedding_seconds(embedder, n, m), 0.0
    if method.calibrates and spec.settings == "calibrated" and m >= _FEWEST_TO_CALIBRATE:
        side = min(m / 2, _CALIBRATION_SIDE)
        solving += _CALIBRATION_SECONDS
        solving += _CALIBRATION_PASSES * _pass_seconds(round(side), round(side), width)
        holding_out = _TRAINED_AGAIN * _embedding_seconds(embedder, 0, m)
    return Estimate(
        seconds=_BASE_SECONDS + embedding + holding_out + solving,
        bytes=int(memory),
        startup=_BASE_SECONDS,
        embedding=embedding,
        holding_out=holding_out,
    )


def lava_seconds(n: int, m: int, d: int) -> float:
    """Estimate how long LAVA takes on n against m embeddings of width d, in seconds."""
    usual = _PASSES_SMALL if n * m <= _SMALL_PAIRS else _PASSES_LARGE
    return usual * _pass_seconds(n, m, d)


def _pass_seconds(n: int, m: int, d: int) -> float:
    return (_PAIR_SECONDS + _PAIR_SECONDS_A_COLUMN * d) * n * m


def _kernel_bytes(n: int, m: int) -> float:
    if n * m <= _KEPT_WHOLE:
        return _KEPT_BYTES_WHOLE * n * m
    return _KEPT_BYTES * min(_KEPT_PART * n * m, _KEPT_ENTRIES)


def lava_instead(spec: ValueSpec, n: int, m: int, *, d: int | None = None) -> Estimate | None:
    """Return what LAVA would take in place of a method in batches, where that is less time.

    None where `spec` asks for no method in batches, or where LAVA would take longer. Parameters,
    and errors, as `estimate`.
    """
    if not METHODS[spec.method].in_batches:
        return None
    lava = estimate(replace(spec, method="lava"), n, m, d=d)
    return lava if lava.seconds < estimate(spec, n, m, d=d).seconds else None


def _embedding_seconds(embedder: str, n: int, m: int) -> float:
    if embedder == "pixels":
        return _PIXELS_SECONDS * (n + m)
    network = _NETWORKS.get(embedder)
    if network is None:
        return 0.0
    from core.embedding import EMBEDDERS

    views = m * EMBEDDERS[embedder].config.epochs_for(m) if network.training else 0
    return network.training * views + network.forward * (n + m)
