"""The settings of feature collision; apart from the work, which needs torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonFrogsConfig:
    """How poison is made.

    Attributes
    ----------
    base : the class whose images are poisoned; the first with enough images where none is given
    target : the class of the target image; any but `base` where none is given
    target_id : the validation image that is the target; one of the class at random where none is
        given
    beta : weight of the mean square change of the pixels, in units of their range squared, against
        the squared distance of the features, as a share of what it is at the start; at least 0
    opacity : share of the target that is blended into the base first, 0 to 0.5
    steps : of gradient descent at most, at least 1
    reached : an image is done where its squared distance is this share of that at the start, 0 to 1
    """

    base: str | None = None
    target: str | None = None
    target_id: str | None = None
    beta: float = 10.0
    opacity: float = 0.0
    steps: int = 200
    reached: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not self.beta >= 0 or not 0 <= self.opacity <= 0.5 or not 0 <= self.reached <= 1:
            raise ConfigError("beta must be 0 or more, opacity 0 to 0.5, reached 0 to 1.")
        if self.steps < 1:
            raise ConfigError(f"steps must be at least 1, got {self.steps}.")
        if self.base is not None and self.base == self.target:
            raise ConfigError(f"base and target are two classes, got {self.base!r} for both.")
