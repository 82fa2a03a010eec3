"""The network that poison is made against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.datasets import LabelledImages


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network, and the validation images among which the target of the poison is.

    Attributes
    ----------
    module : torch module, differentiable, in evaluation mode: pictures in [0, 1], float32, shape
        (b, channels, side, side), to features, shape (b, d)
    side, channels : the pictures that it takes: pixels, and 1 for gray or 3 for RGB
    validation : the set that the target is taken from
    """

    module: Any
    side: int
    channels: int
    validation: LabelledImages
