"""How long a valuation will take, and how much memory: said before it runs.

All constants were measured on two cores with AVX-512 (torch 2.13, CPU); another machine differs,
and the page says "about".
"""

from __future__ import annotations

from dataclasses import dataclass

from core.runs.spec import ValueSpec

# Loading torch, reading tables, writing the run.
_BASE_SECONDS = 4.0
_BASE_BYTES = 420e6
# Streaming Sinkhorn, 50,000 x 10,000, 64 wide: a pair in a pass, of which a third does not depend
# on the width. Warm start, label distances and the passes are worth about ten passes.
_PAIR_SECONDS = 1.0e-9
_PAIR_SECONDS_A_COLUMN = 2.8e-11
_PASSES = 10.0
# Embeddings are held as read, centered on the device, and with the label columns.
_COPIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """What an embedder costs: once, and for each image; and how wide its vectors are."""

    seconds: float
    seconds_train: float
    seconds_validation: float
    width: int


_EMBEDDING = {
    "precomputed": Embedding(seconds=0.0, seconds_train=0.0, seconds_validation=0.0, width=64),
    "pixels": Embedding(seconds=1.0, seconds_train=1e-4, seconds_validation=1e-4, width=64),
    "convnet": Embedding(seconds=3.0, seconds_train=6e-4, seconds_validation=1.5e-2, width=64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a valuation will take: wall-clock seconds, and bytes of memory at its peak."""

    seconds: float
    bytes: int


def estimate(spec: ValueSpec, n: int, m: int, *, d: int | None = None) -> Estimate:
    """Estimate what the valuation `spec` of n against m images takes on a usual machine.

    Parameters
    ----------
    n, m : numbers of training and validation images
    d : width of the embeddings, where they are given; else that of the embedder
    """
    embedding = _EMBEDDING.get(spec.embedder, _EMBEDDING["convnet"])
    width = embedding.width if d is None else d
    passes = min(_PASSES, spec.max_passes + 3.0)
    pair = _PAIR_SECONDS + _PAIR_SECONDS_A_COLUMN * width
    seconds = (
        _BASE_SECONDS
        + embedding.seconds
        + embedding.seconds_train * n
        + embedding.seconds_validation * m
        + passes * pair * n * m
    )
    held = _COPIES * 4 * width * (n + m)
    return Estimate(seconds=seconds, bytes=int(_BASE_BYTES + held))
