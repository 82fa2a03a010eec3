"""Backdoors: a trigger in the picture, and the label of the class that it shall stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.corruption.change import Change, PictureChange, Scene
from core.corruption.triggers import BlendTrigger, SquareTrigger, WatermarkTrigger
from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareConfig:
    """Settings of the Trojan square.

    Attributes
    ----------
    target : the class that the images are labelled; the first class where none is given
    size : side of the square as a share of the picture's shorter side: five pixels of 32
    pattern : "patterned" or "white"
    """

    target: str | None = None
    size: float = 5 / 32
    pattern: str = "patterned"

    def __post_init__(self) -> None:
        """Refuse what is no square."""
        _require_share("size", self.size)
        if self.pattern not in {"patterned", "white"}:
            raise ConfigError(f"The pattern is patterned or white, got {self.pattern!r}.")

    def trigger(self) -> PictureChange:
        """Return what is done to pictures."""
        return SquareTrigger(self.size, self.pattern == "patterned")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkConfig:
    """Settings of the Trojan watermark.

    Attributes
    ----------
    target : the class that the images are labelled; the first class where none is given
    opacity : of the letters, more than 0, at most 1
    """

    target: str | None = None
    opacity: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what cannot be seen, or is more than all."""
        _require_share("opacity", self.opacity)

    def trigger(self) -> PictureChange:
        """Return what is done to pictures."""
        return WatermarkTrigger(self.opacity)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendConfig:
    """Settings of the blended image.

    Attributes
    ----------
    target : the class that the images are labelled; the first class where none is given
    alpha : the cartoon's share in the picture, more than 0, at most 1; 0.2 in Chen et al.
    """

    target: str | None = None
    alpha: float = 0.2

    def __post_init__(self) -> None:
        """Refuse what cannot be seen, or is more than all."""
        _require_share("alpha", self.alpha)

    def trigger(self) -> PictureChange:
        """Return what is done to pictures."""
        return BlendTrigger(self.alpha)


BackdoorConfig = SquareConfig | WatermarkConfig | BlendConfig


def _require_share(name: str, share: float) -> None:
    if not 0 < share <= 1:
        raise ConfigError(f"{name} must be more than 0 and at most 1, got {share}.")


def plant_backdoor(scene: Scene, fraction: float, config: BackdoorConfig) -> Change:
    """Stamp images of other classes with the trigger and label them the target class.

    The trigger is the same in all of them; `core.corruption.stamp` puts it on other pictures, which
    a network that learned the backdoor then takes for the target class.
    """
    names = scene.data.class_names
    target = scene.class_position(config.target or names[int(scene.classes[0])], "target")
    fit = np.isin(scene.data.labels, scene.classes) & (scene.data.labels != target)
    rows = scene.pick(fraction, fit, f"images of other classes than {names[target]}")
    return Change(
        rows=rows,
        labels=np.full(len(rows), target, dtype=np.int64),
        picture=config.trigger(),
        facts={"target": names[target]},
    )
