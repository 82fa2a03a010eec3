"""How networks are trained and used; imported only there, for torch is slow to load."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.embedding.architectures import Architecture, PreActResNet, build_network, computing_in
from core.embedding.convnet_config import BottleneckConfig, ConvnetConfig, ResnetConfig
from core.embedding.network import ResidualNetwork, mirrored, shifted
from core.embedding.side_by_side import Parts
from core.errors import DataError
from core.progress import Progress

# Before the names of the network's own arrays.
_WEIGHT = "weights."


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network in evaluation mode, its architecture and what its pictures are normalized by.

    Attributes
    ----------
    network : maps normalized pictures to logits, and by `.features` to its penultimate layer
    architecture : its shape
    mean, deviation : of each channel of pictures in [0, 1], shapes (1, channels, 1, 1)
    mirror : it was trained on pictures both ways: features are the mean over both
    device : cpu, cuda or mps
    """

    network: ResidualNetwork | PreActResNet
    architecture: Architecture
    mean: Tensor
    deviation: Tensor
    mirror: bool
    device: str

    def features(self, pictures: np.ndarray, config: ConvnetConfig, parts: Parts) -> np.ndarray:
        """Return the penultimate layer, float32, of uint8 pictures (b, channels, side, side)."""
        return self._through(self.represent, pictures, config, parts)

    def represent(self, prepared: Tensor) -> Tensor:
        """Map normalized pictures (b, channels, side, side) to features (b, d), float32."""
        features = self.network.features(prepared).float()
        if not self.mirror:
            return features
        # What is in a picture does not depend on the side that it is seen from; what the network
        # sees by mistake does.
        return (features + self.network.features(prepared.flip(3)).float()) / 2

    def logits(self, pictures: np.ndarray, config: ConvnetConfig, parts: Parts) -> np.ndarray:
        """Return what the head says of uint8 pictures, float32, shape (b, classes trained on)."""
        return self._through(self.network, pictures, config, parts)

    def _through(
        self,
        layers: Callable[[Tensor], Tensor],
        pictures: np.ndarray,
        config: ConvnetConfig,
        parts: Parts,
    ) -> np.ndarray:
        precision = config.embed_precision if isinstance(config, ResnetConfig) else "float32"

        def compute(_: int, part: np.ndarray) -> np.ndarray:
            # Both contexts hold for the thread that enters them.
            with torch.inference_mode(), computing_in(precision, self.device):
                batch = torch.from_numpy(part).to(self.device)
                out = layers(_prepared(batch, self.mean, self.deviation))
                array: np.ndarray = out.float().cpu().numpy()
            return array

        pieces = np.array_split(pictures, min(parts.count, len(pictures)))
        return np.concatenate(parts.map(compute, pieces))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the whole network as named arrays; `from_arrays` makes it again."""
        weights = {
            f"{_WEIGHT}{name}": part.cpu().numpy()
            for name, part in self.network.state_dict().items()
        }
        shape = self.architecture
        blocks = {"blocks": np.array(shape.blocks)} if shape.blocks else {}
        squeeze = {"squeeze": np.array(shape.squeeze)} if shape.squeeze > 1 else {}
        mirror = {"mirror": np.array(True)} if self.mirror else {}
        return {
            **weights,
            **blocks,
            **squeeze,
            **mirror,
            "widths": np.array(shape.widths),
            "pictures_mean": self.mean.cpu().numpy(),
            "pictures_deviation": self.deviation.cpu().numpy(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], device: str) -> TrainedNetwork:
        """Return the network that `arrays` described, together with "side" and "channels".

        Raises `KeyError` or `RuntimeError` where arrays are missing or do not fit together.
        """
        weights = {
            name.removeprefix(_WEIGHT): torch.from_numpy(part.copy())
            for name, part in arrays.items()
            if name.startswith(_WEIGHT)
        }
        shape = Architecture(
            widths=tuple(arrays["widths"].tolist()),
            blocks=tuple(arrays["blocks"].tolist()) if "blocks" in arrays else (),
            squeeze=int(arrays.get("squeeze", 1)),
        )
        with torch.random.fork_rng(devices=[]):
            network = build_network(
                int(arrays["channels"]), int(arrays["side"]), shape, len(weights["head.bias"])
            )
        network.load_state_dict(weights)
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, deviation = (
            torch.from_numpy(arrays[name].copy()).to(device)
            for name in ("pictures_mean", "pictures_deviation")
        )
        mirror = bool(arrays.get("mirror", False))
        return cls(network.eval(), shape, mean, deviation, mirror, device)


def train_network(
    pictures: np.ndarray,
    labels: np.ndarray,
    config: ConvnetConfig,
    seed: int,
    device: str,
    parts: Parts,
    progress: Progress,
) -> TrainedNetwork:
    """Train a new network to tell the classes of `pictures` apart.

    Parameters
    ----------
    pictures : uint8, shape (m, channels, side, side)
    labels : int64, shape (m,); any numbers
    config, seed : they decide the result; torch's global random state does not, nor is it changed
    device : cpu, cuda or mps
    parts : each batch is cut into so many, which are normalized each by itself

    Raises
    ------
    DataError : training diverged
    """
    generator = torch.Generator().manual_seed(seed)
    # Only classes that are there get an output: an empty one has nothing to learn from.
    present, compact = np.unique(labels, return_inverse=True)
    target = torch.from_numpy(compact.astype(np.int64)).to(device)
    stack = torch.from_numpy(pictures).to(device)
    mean, deviation = _statistics(stack)
    _, channels, side, _ = pictures.shape
    shape = _architecture(config)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # of the CPU: it makes the weights
        network = build_network(channels, side, shape, len(present))
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    most = round(config.shift * side)
    batches = _Batches(len(pictures), config, generator)
    optimizer = _optimizer(network, config)
    gradients = _Gradients(network, config, parts, device)
    for step, chosen in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _one_cycle((step + 0.5) / batches.steps)
        rows = chosen.to(device)
        batch = shifted(_prepared(stack[rows], mean, deviation), most, generator)
        if config.mirror:
            batch = mirrored(batch, generator)
        gradients.compute(batch, target[rows])
        optimizer.step()
        progress(
            "Training the embedder",
            (step + 1) / batches.steps,
            f"step {step + 1:,} of {batches.steps:,}",
        )
    gradients.merge_statistics()
    if not all(bool(part.isfinite().all()) for part in network.state_dict().values()):
        raise DataError(
            "The embedder's training on the validation pictures diverged: its weights are not "
            "finite. Choose the embedder 'convnet', or another seed."
        )
    return TrainedNetwork(network.eval(), shape, mean, deviation, config.mirror, device)


def _architecture(config: ConvnetConfig) -> Architecture:
    if not isinstance(config, ResnetConfig):
        return Architecture(config.widths)
    squeeze = config.squeeze if isinstance(config, BottleneckConfig) else 1
    return Architecture(config.widths, config.blocks, squeeze)


class _Gradients:
    """The gradients of a network, computed part by part of a batch, side by side.

    Each part has a twin of the network: the same weights, normalization statistics of its own.
    """

    def __init__(
        self,
        network: ResidualNetwork | PreActResNet,
        config: ConvnetConfig,
        parts: Parts,
        device: str,
    ) -> None:
        self._parameters = list(network.parameters())
        # What is in the memo is not copied.
        shared = {id(parameter): parameter for parameter in self._parameters}
        twins = [copy.deepcopy(network, dict(shared)) for _ in range(parts.count - 1)]
        self._networks = [network, *twins]
        self._parts = parts
        self._smoothing = config.label_smoothing
        self._precision = config.precision if isinstance(config, ResnetConfig) else "float32"
        self._device = device

    def compute(self, batch: Tensor, target: Tensor) -> None:
        """Set the weights' gradients to those of the mean loss over the batch."""
        count = self._parts.count
        pieces = list(zip(batch.tensor_split(count), target.tensor_split(count), strict=True))

        def one(number: int, piece: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
            pictures, classes = piece
            with computing_in(self._precision, self._device):
                logits = self._networks[number](pictures)
            loss = functional.cross_entropy(
                logits.float(), classes, label_smoothing=self._smoothing
            )
            return torch.autograd.grad(loss * (len(pictures) / len(batch)), self._parameters)

        found = self._parts.map(one, pieces)
        for parameter, *gradients in zip(self._parameters, *found, strict=True):
            parameter.grad = gradients[0]
            for gradient in gradients[1:]:
                parameter.grad += gradient

    def merge_statistics(self) -> None:
        """Give the network the mean of its twins' normalization statistics."""
        for own, *others in zip(*(part.buffers() for part in self._networks), strict=True):
            if own.is_floating_point():
                own.copy_(torch.stack([own, *others]).mean(dim=0))


def _optimizer(
    network: ResidualNetwork | PreActResNet, config: ConvnetConfig
) -> torch.optim.Optimizer:
    if isinstance(config, ResnetConfig):
        return torch.optim.SGD(
            network.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            nesterov=config.momentum > 0,
            weight_decay=config.weight_decay,
        )
    return torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )


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
        self._epochs = config.epochs_for(count)
        self.steps = self._epochs * self._parts

    def __iter__(self) -> Iterator[Tensor]:
        for _ in range(self._epochs):
            order = [torch.randperm(self._count, generator=self._generator)] * self._repeats
            yield from torch.cat(order).tensor_split(self._parts)


def _statistics(stack: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and deviation of each channel over uint8 pictures, shapes (1, c, 1, 1)."""
    levels = stack.float() / 255
    mean = levels.mean(dim=(0, 2, 3), keepdim=True)
    # A channel without contrast (all pictures blank) is left at its own scale.
    deviation = levels.std(dim=(0, 2, 3), keepdim=True, correction=0)
    return mean, deviation.where(deviation > 1e-3, deviation.new_ones(()))


def _prepared(batch: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    prepared = (batch.float() / 255 - mean) / deviation
    return prepared.contiguous(memory_format=torch.channels_last)
