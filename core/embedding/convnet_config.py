"""Settings of the networks trained here; apart from those, so that reading them loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ConfigError

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvnetConfig:
    """Settings of `embed_trained`; with these defaults, of the small convnet.

    Attributes
    ----------
    widths : channels of the stages; the last is the features' width d
    epochs : passes over the validation set
    most_views : pictures trained on in all, repeats counted; a large validation set gets fewer
        epochs so that this is kept, but 5 at least
    batch : pictures a training step, about
    learning_rate : peak of the one-cycle schedule
    weight_decay : of the optimizer
    label_smoothing : 0 to 1; it keeps the classes apart without pulling each into one point
    shift : augmentation, up to this share of the side both ways, rounded to pixels
    mirror : augmentation, left to right, in features too; unsafe where that changes the label
        (digits, text)
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

    @property
    def parts(self) -> int:
        """Into how many parts a batch is cut on the CPU, each computed by a thread of its own."""
        return 1

    def epochs_for(self, m: int) -> int:
        """Return the epochs that m pictures get: `most_views` bounds them, but 5 at least."""
        return min(self.epochs, max(5, self.most_views // m))

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResnetConfig(ConvnetConfig):
    """Settings of `embed_trained` for a pre-activation residual network (He et al. 2016).

    With these defaults it is CIFAR's ResNet-20. A validation set of 10,000 pictures is seen 30
    times, a small one 100 times, so that it too gets some hundred steps.

    Attributes
    ----------
    blocks : residual blocks of each stage
    momentum : of stochastic gradient descent, Nesterov's, 0 to 1
    precision : what training computes in, "float32" or "bfloat16"; the latter only where the
        device has instructions for it, for it is slower elsewhere. Weights stay float32
    embed_precision : the same for the features. In bfloat16 those of ResNet-20 are off by 0.4 % of
        their spread (root mean square over 6,000 pictures of CIFAR-10, 1.7 % at most) and take a
        fifth of the time
    """

    blocks: tuple[int, ...] = (3, 3, 3)
    epochs: int = 100
    most_views: int = 300_000
    batch: int = 128
    learning_rate: float = 0.4
    weight_decay: float = 5e-4
    shift: float = 0.125
    mirror: bool = True
    max_side: int = 32
    momentum: float = 0.9
    precision: str = "bfloat16"
    embed_precision: str = "bfloat16"

    @property
    def parts(self) -> int:
        """Two, for two cores; each half is large enough to be normalized by itself."""
        return 2

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        # Not super(): a dataclass with slots is made anew, and its methods know the first one.
        ConvnetConfig.__post_init__(self)
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1:
            raise ConfigError("blocks must be positive, one number for each of widths.")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum must be in [0, 1), got {self.momentum}.")
        if not {self.precision, self.embed_precision} <= set(PRECISIONS):
            raise ConfigError(f"precision and embed_precision must be {' or '.join(PRECISIONS)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BottleneckConfig(ResnetConfig):
    """Settings of `embed_trained` for PreActResNet-50; the others are those of `ResnetConfig`.

    Attributes
    ----------
    squeeze : by which a block narrows its channels within, 2 or more
    """

    widths: tuple[int, ...] = (256, 512, 1024, 2048)
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    learning_rate: float = 0.3
    squeeze: int = 4

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        ResnetConfig.__post_init__(self)
        if self.squeeze < 2 or any(width % self.squeeze for width in self.widths):
            raise ConfigError("squeeze must be 2 or more, and divide each of widths.")
