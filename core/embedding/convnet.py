"""A small residual network, trained on the validation set alone (LAVA, section 4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.datasets import LabelledImages, decode_batches
from core.embedding.scale import centered_and_scaled
from core.embedding.shape import proposed_shape
from core.errors import ConfigError
from core.progress import Progress

if TYPE_CHECKING:  # torch takes a second to load: a cache hit must not wait for it
    import torch

    from core.embedding.network import ResidualNetwork

_TRAINING = "Training the embedder"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvnetConfig:
    """Settings of `embed_convnet`.

    Attributes
    ----------
    widths : channels of the stages; the last is the features' width d
    epochs : passes over the validation set
    most_views : pictures trained on in all, repeats counted; a large validation set gets fewer
        epochs so that this is kept, but 5 at least
    batch : pictures a training step, about
    learning_rate : peak of the one-cycle schedule
    weight_decay : of AdamW
    label_smoothing : 0 to 1; it keeps the classes apart without pulling each into one point
    shift : augmentation, up to this share of the side both ways, rounded to pixels
    mirror : augmentation, left to right; unsafe where that changes the label (digits, text)
    max_side : larger pictures are brought to this many pixels a side
    embed_batch : pictures embedded at a time
    mean_cost : mean of |φ - φ'|² / 2 between validation images after scaling
    """

    widths: tuple[int, ...] = (16, 32, 64)
    epochs: int = 25
    most_views: int = 100_000
    batch: int = 100
    learning_rate: float = 0.01
    weight_decay: float = 1e-3
    label_smoothing: float = 0.1
    shift: float = 0.04
    mirror: bool = False
    max_side: int = 64
    embed_batch: int = 500
    mean_cost: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        counts = (*self.widths, self.epochs, self.most_views, self.batch)
        counts += (self.max_side, self.embed_batch)
        if not self.widths or min(counts) < 1:
            raise ConfigError(
                "widths, epochs, most_views, batch, max_side and embed_batch must be positive."
            )
        if not (self.learning_rate > 0 and self.mean_cost > 0):
            raise ConfigError("learning_rate and mean_cost must be positive.")
        if self.weight_decay < 0 or not 0 <= self.shift < 1 or not 0 <= self.label_smoothing < 1:
            raise ConfigError(
                "weight_decay must not be negative; shift and label_smoothing must be in [0, 1)."
            )


def embed_convnet(
    train: LabelledImages,
    validation: LabelledImages,
    config: ConvnetConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Train a residual network on the validation set and return its penultimate layer.

    The training set, whose labels and pictures are in doubt, plays no part in the network, as in
    LAVA. Classes without validation images have no output; their training images are embedded
    like all others. Torch's global random state is as before afterwards.

    Returns
    -------
    x, y : float32, shapes (n, widths[-1]) and (m, widths[-1]), scaled by `centered_and_scaled`

    Notes
    -----
    Time O(epochs · m + n) passes of the network, memory O(m · picture + embed_batch · activations):
    the validation pictures are held as bytes, the training pictures are streamed.

    References
    ----------
    Just et al., LAVA: Data Valuation without Pre-Specified Learning Algorithms, ICLR 2023.
    """
    import torch

    place = resolve_device(device)
    side, channels = proposed_shape(validation, config.max_side)
    progress(_TRAINING, 0.0, "reading the validation pictures")
    pictures = np.concatenate(list(decode_batches(validation, side, channels, config.embed_batch)))
    with _repeatable_kernels():
        network, mean, deviation = _trained(
            pictures, validation.labels, config, seed, place, progress
        )
        total = len(validation) + len(train)

        def features(batches: Iterable[np.ndarray], done: int) -> np.ndarray:
            rows = []
            for batch in batches:
                prepared = _prepared(torch.from_numpy(batch).to(place), mean, deviation)
                rows.append(network.features(prepared).cpu().numpy())
                done += len(batch)
                progress("Embedding", done / total, f"{done:,} of {total:,}")
            return np.concatenate(rows)

        with torch.inference_mode():
            parts = range(0, len(pictures), config.embed_batch)
            y = features((pictures[i : i + config.embed_batch] for i in parts), 0)
            x = features(decode_batches(train, side, channels, config.embed_batch), len(validation))
    return centered_and_scaled(x, y, config.mean_cost)


def resolve_device(device: str) -> str:
    """Return cpu, cuda or mps for auto, cpu, cuda or mps.

    Raises
    ------
    ConfigError : unknown, or not there on this machine
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(device, False):
        usable = ", ".join(name for name, available in there.items() if available)
        raise ConfigError(f"The device '{device}' is not available here. Choose one of: {usable}.")
    return device


@contextmanager
def _repeatable_kernels() -> Iterator[None]:
    """Let cuDNN pick repeatable kernels in full float32; nothing to do for a CPU."""
    import torch

    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield


def _trained(
    pictures: np.ndarray,
    labels: np.ndarray,
    config: ConvnetConfig,
    seed: int,
    device: str,
    progress: Progress,
) -> tuple[ResidualNetwork, torch.Tensor, torch.Tensor]:
    """Return the network in evaluation mode, and the channels' mean and deviation."""
    import torch
    from torch.nn import functional

    from core.embedding.network import ResidualNetwork, mirrored, shifted

    generator = torch.Generator().manual_seed(seed)
    # Only classes that are there get an output: an empty one has nothing to learn from.
    present, compact = np.unique(labels, return_inverse=True)
    target = torch.from_numpy(compact.astype(np.int64)).to(device)
    stack = torch.from_numpy(pictures).to(device)
    mean, deviation = _statistics(stack)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResidualNetwork(*pictures.shape[1:3], config.widths, len(present))
    network = network.to(device=device, memory_format=torch.channels_last).train()
    most = round(config.shift * pictures.shape[-1])
    batches = _Batches(len(pictures), config, generator)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    for step, chosen in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _one_cycle((step + 0.5) / batches.steps)
        rows = chosen.to(device)
        batch = shifted(_prepared(stack[rows], mean, deviation), most, generator)
        if config.mirror:
            batch = mirrored(batch, generator)
        loss = functional.cross_entropy(
            network(batch), target[rows], label_smoothing=config.label_smoothing
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        progress(_TRAINING, (step + 1) / batches.steps, f"step {step + 1:,} of {batches.steps:,}")
    return network.eval(), mean, deviation


def _one_cycle(done: float) -> float:
    """Return the share of the peak learning rate: up over the first fifth, then a cosine to 0."""
    if done < 0.2:
        return 0.04 + 0.96 * done / 0.2
    return 0.5 + 0.5 * math.cos(math.pi * (done - 0.2) / 0.8)


class _Batches:
    """The rows of each training step: every epoch in a new order, in parts of equal size."""

    _FEWEST = 16  # batch normalization needs several pictures; a tiny set repeats its own

    def __init__(self, count: int, config: ConvnetConfig, generator: torch.Generator) -> None:
        self._count = count
        self._repeats = -(-self._FEWEST // count)
        self._parts = -(-count * self._repeats // max(config.batch, self._FEWEST))
        self._generator = generator
        self._epochs = min(config.epochs, max(5, config.most_views // count))
        self.steps = self._epochs * self._parts

    def __iter__(self) -> Iterator[torch.Tensor]:
        import torch

        for _ in range(self._epochs):
            order = [torch.randperm(self._count, generator=self._generator)] * self._repeats
            yield from torch.cat(order).tensor_split(self._parts)


def _statistics(stack: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean and deviation of each channel over uint8 pictures, shapes (1, c, 1, 1)."""
    levels = stack.float() / 255
    mean = levels.mean(dim=(0, 2, 3), keepdim=True)
    # A channel without contrast (all pictures blank) is left at its own scale.
    deviation = levels.std(dim=(0, 2, 3), keepdim=True, correction=0)
    return mean, deviation.where(deviation > 1e-3, deviation.new_ones(()))


def _prepared(batch: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
    import torch

    prepared = (batch.float() / 255 - mean) / deviation
    return prepared.contiguous(memory_format=torch.channels_last)
