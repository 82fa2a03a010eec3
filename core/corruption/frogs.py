"""Poison frogs: images that a network takes for another one, while nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.corruption.change import Change, Scene
from core.corruption.frogs_config import PoisonFrogsConfig
from core.corruption.network import Network
from core.datasets import decode_batches
from core.errors import ConfigError, DataError

_BATCH = 64
# The first step changes pixels by this share of their range, root mean square.
_FIRST_MOVE = 0.005
_LONGER, _SHORTER = 1.5, 0.5  # steps after one that held what it promised, and one that did not
# Weights of red, green and blue in gray (ITU-R BT.601), as Pillow converts.
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class HeldPictures:
    """Pictures that are kept; a picture's key is its position among them."""

    pictures: tuple[np.ndarray, ...]

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return the picture that is held for `key`."""
        return self.pictures[key]


def plant_poison_frogs(scene: Scene, fraction: float, config: PoisonFrogsConfig) -> Change:
    """Change images of one class so that their features approach those of one target image.

    For a base b and a target t, minimise over pictures x

        ‖φ(x) - φ(t)‖² / ‖φ(b) - φ(t)‖² + β · mean((x - b)²),

    by forward-backward splitting: a step along the gradient of the first term, then the proximal
    map of the second, within what a pixel can be. Labels are kept.

    DEVIATION: Shafahi et al. fix the length of the step and weigh with β · 2048² / dim(b)² for the
    network of their paper. Here the terms are free of the scales of features and pictures, and
    each image's step is halved where the first term grew by more than its gradient promised (Beck
    and Teboulle's condition), which spares choosing it for each network.

    Notes
    -----
    Time O(steps · images) passes of the network both ways. Memory O(batch) activations and the
    poisoned pictures themselves, which are held.

    References
    ----------
    Shafahi et al., Poison Frogs! Targeted Clean-Label Poisoning Attacks on Neural Networks,
    NeurIPS 2018, algorithm 1.
    Beck and Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm, SIAM J. Imaging Sciences
    2009, section 3.
    """
    network: Network = scene.network
    rows, base_name = _bases(scene, fraction, config)
    target_row = _target(scene, network, base_name, config)
    poison = _poison(scene, network, rows, target_row, config)
    validation = network.validation
    target_id = str(validation.ids[target_row])
    left = np.array([made.distance_left for made in poison])
    changed = np.array([made.pixel_change for made in poison])
    return Change(
        rows=rows,
        picture=HeldPictures(tuple(made.pixels for made in poison)),
        keys=np.arange(len(rows), dtype=np.uint64),
        columns={"target": target_id, "distance_left": left, "pixel_change": changed},
        facts={
            "base": base_name,
            "target": target_id,
            "target_class": validation.class_names[int(validation.labels[target_row])],
            "mean_distance_left": float(left.mean()),
            "mean_pixel_change": float(changed.mean()),
        },
    )


@dataclass(frozen=True, slots=True)
class Poison:
    """A poisoned picture.

    Attributes
    ----------
    pixels : uint8, shape (height, width) or (height, width, 3)
    distance_left : distance of its features to the target's, as a share of that at the start
    pixel_change : root mean square of the change, in units of a pixel's range
    """

    pixels: np.ndarray
    distance_left: float
    pixel_change: float


def _bases(scene: Scene, fraction: float, config: PoisonFrogsConfig) -> tuple[np.ndarray, str]:
    """Return the rows to poison, and the name of their class."""
    labels, names = scene.data.labels, scene.data.class_names
    name = config.base
    if name is None:
        counts = np.bincount(labels[scene.free], minlength=len(names))
        count = scene.count(fraction)
        enough = [
            u for u in scene.classes.tolist() if counts[u] >= count and names[u] != config.target
        ]
        name = names[enough[0] if enough else int(scene.classes[0])]
    position = scene.class_position(name, "base")
    return scene.pick(fraction, labels == position, f"images of class {name}"), name


def _target(scene: Scene, network: Network, base: str, config: PoisonFrogsConfig) -> int:
    """Return the row of the target among the validation images."""
    validation = network.validation
    names = np.array(validation.class_names, dtype=object)[validation.labels]
    if config.target_id is not None:
        found = np.flatnonzero(validation.ids == config.target_id)
        if not len(found):
            raise ConfigError(
                f"{validation.source}: there is no image {config.target_id!r} for target_id."
            )
        if names[found[0]] == base:
            raise ConfigError(f"The target {config.target_id!r} is itself of class {base!r}.")
        return int(found[0])
    fit = names == config.target if config.target is not None else names != base
    rows = np.flatnonzero(fit)
    if not len(rows):
        wanted = repr(config.target) if config.target is not None else f"other than {base!r}"
        raise ConfigError(f"{validation.source}: there is no target image, of class {wanted}.")
    return int(scene.draws.first(validation.ids, rows, 1)[0])


def _poison(
    scene: Scene, network: Network, rows: np.ndarray, target: int, config: PoisonFrogsConfig
) -> list[Poison]:
    """Return the poisoned pictures of `rows`, in order."""
    device = next((part.device for part in network.module.parameters()), torch.device("cpu"))
    wanted = next(
        decode_batches(
            network.validation.take(np.array([target])), network.side, network.channels, 1
        )
    )
    aim = torch.from_numpy(wanted).to(device).float() / 255
    collide = Collision(network, aim, config)
    pictures = [_decoded(scene, int(row)) for row in rows]
    made: dict[int, Poison] = {}
    with _untrained(network.module):
        for places in _alike(pictures):
            batch = np.stack([pictures[place] for place in places])
            start = len(made)

            def report(share: float, start: int = start, count: int = len(places)) -> None:
                done = (start + share * count) / len(pictures)
                scene.progress("Making poison", done, f"{start:,} of {len(pictures):,} images")

            made |= dict(zip(places, collide(batch, report), strict=True))
    return [made[place] for place in range(len(pictures))]


def _decoded(scene: Scene, row: int) -> np.ndarray:
    images = scene.data.images
    if images is None:
        raise DataError(f"{scene.data.source}: it has embeddings only; poison needs pictures.")
    try:
        return np.asarray(images.decode(row))
    except OSError as error:
        raise DataError(
            f"{scene.data.source}: the picture {scene.data.ids[row]} cannot be read ({error}). "
            "Leave it out first."
        ) from error


def _alike(pictures: list[np.ndarray]) -> Iterator[list[int]]:
    """Yield positions of pictures of one shape, a batch at most at a time."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        shapes.setdefault(picture.shape, []).append(place)
    for places in shapes.values():
        for start in range(0, len(places), _BATCH):
            yield places[start : start + _BATCH]


@contextmanager
def _untrained(module: nn.Module) -> Iterator[None]:
    """Keep a network from learning, and leave it as it was."""
    training = module.training
    wanted = [part.requires_grad for part in module.parameters()]
    module.eval().requires_grad_(False)
    try:
        yield
    finally:
        module.train(training)
        for part, want in zip(module.parameters(), wanted, strict=True):
            part.requires_grad_(want)


class Collision:
    """Moves pictures towards a target, for the network; `plant_poison_frogs` says how.

    Parameters
    ----------
    target : as the network takes it, shape (1, channels, side, side), in [0, 1]
    """

    def __init__(self, network: Network, target: Tensor, config: PoisonFrogsConfig) -> None:
        self._network, self._target, self._config = network, target, config

    def __call__(self, pixels: np.ndarray, report: Callable[[float], None]) -> list[Poison]:
        """Return the poison made of pictures of one shape, uint8, (b, height, width[, 3])."""
        base = _as_tensor(pixels).to(self._target.device)
        with torch.no_grad():
            goal = self._network.module(self._target)
            start = _squared(self._features(base) - goal)
        # A picture that is the target already has nowhere to go.
        start = start.clamp_min(torch.finfo(start.dtype).tiny)
        x = self._descend(base, goal, start, report)
        rounded = torch.round(x * 255) / 255
        with torch.no_grad():
            left = torch.sqrt(_squared(self._features(rounded) - goal) / start)
        changed = torch.sqrt(torch.square(rounded - base).mean(dim=(1, 2, 3)))
        stored = _as_pixels(rounded, pixels.ndim == 3)
        parts = zip(stored, left.tolist(), changed.tolist(), strict=True)
        return [Poison(*part) for part in parts]

    def _features(self, x: Tensor) -> Tensor:
        features: Tensor = self._network.module(
            prepared(x, self._network.side, self._network.channels)
        )
        return features

    def _loss(self, x: Tensor, goal: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first term for each picture, shape (b,), and its gradient."""
        x = x.detach().requires_grad_(True)
        loss = _squared(self._features(x) - goal) / start
        (gradient,) = torch.autograd.grad(loss.sum(), x)
        return loss.detach(), gradient

    def _descend(
        self, base: Tensor, goal: Tensor, start: Tensor, report: Callable[[float], None]
    ) -> Tensor:
        config = self._config
        # Of the sum over pixels: the mean's weight, spread; twice, as the square is halved below.
        beta = 2 * config.beta / base[0].numel()
        anchor = self._watermarked(base)
        x = anchor
        loss, gradient = self._loss(x, goal, start)
        length = gradient.flatten(1).norm(dim=1).clamp_min(1e-12)
        step = _FIRST_MOVE * base[0].numel() ** 0.5 / length
        for number in range(config.steps):
            report(number / config.steps)
            t = step[:, None, None, None]
            # The proximal map of a separable square within bounds: its minimum, clipped.
            moved = ((x - t * gradient + t * beta * anchor) / (1 + t * beta)).clamp(0, 1)
            moved_loss, moved_gradient = self._loss(moved, goal, start)
            move = (moved - x).flatten(1)
            promised = loss + (gradient.flatten(1) * move).sum(1) + _squared(move) / (2 * step)
            held = moved_loss <= promised
            going = (loss > config.reached) & held
            keep = going[:, None, None, None]
            x, gradient = torch.where(keep, moved, x), torch.where(keep, moved_gradient, gradient)
            loss = torch.where(going, moved_loss, loss)
            step = step * torch.where(held, _LONGER, _SHORTER)
            if bool((loss <= config.reached).all()):
                break
        return x

    def _watermarked(self, base: Tensor) -> Tensor:
        """Return the base with the target shining through, in the base's own shape."""
        opacity = self._config.opacity
        if opacity == 0:
            return base
        target = self._target
        if target.shape[1] != base.shape[1]:
            target = target.expand(-1, 3, -1, -1) if base.shape[1] == 3 else _gray(target)
        if target.shape[2:] != base.shape[2:]:
            target = functional.interpolate(
                target, tuple(base.shape[2:]), mode="bicubic", antialias=True
            ).clamp(0, 1)
        return (1 - opacity) * base + opacity * target


def prepared(x: Tensor, side: int, channels: int) -> Tensor:
    """Return pictures as `core.datasets.decode_batches` would prepare them, differentiably.

    Parameters
    ----------
    x : in [0, 1], shape (b, 1 or 3, height, width)
    """
    if x.shape[1] != channels:
        x = _gray(x) if channels == 1 else x.expand(-1, 3, -1, -1)
    if x.shape[2:] == (side, side):
        return x
    resized = functional.interpolate(x, (side, side), mode="bicubic", antialias=True)
    return resized.clamp(0, 1)


def _gray(x: Tensor) -> Tensor:
    weights = torch.tensor(_LUMINANCE, dtype=x.dtype, device=x.device)
    return (x * weights[:, None, None]).sum(dim=1, keepdim=True)


def _squared(x: Tensor) -> Tensor:
    return torch.square(x).flatten(1).sum(dim=1)


def _as_tensor(pixels: np.ndarray) -> Tensor:
    whole = pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, 3, 1)
    return torch.from_numpy(np.ascontiguousarray(whole)).float() / 255


def _as_pixels(x: Tensor, gray: bool) -> list[np.ndarray]:
    whole = torch.round(x * 255).to(torch.uint8).cpu().numpy()
    pixels = whole[:, 0] if gray else np.moveaxis(whole, 1, 3)
    return [np.ascontiguousarray(picture) for picture in pixels]
