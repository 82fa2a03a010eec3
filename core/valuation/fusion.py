"""One score from three signals: what a fault of each kind looks like, and how common it is.

The calibrated gradient sees images that are far from the validation set or cost a lot to match;
the label surprise -log P_i(y_i) of the plan sees labels that do not fit, and is blind to the rest.
No fixed weighting of the two serves both a set with wrong labels and one with noisy images: what
finds the one buries the other. So faults of each kind are planted in held-out validation images
(`core.valuation.calibration`), where a logistic regression learns how much likelier the signals of
an image are under that fault than under none; and how common each kind is follows from the
signals of the training images, by maximum likelihood. Neither step knows which training images are
faulty. The score is the logarithm of the odds that an image is faulty.

NumPy alone: a page, or whoever values new images, can score without loading torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from core.transport import GroundCost

# -log of a probability, in nats: beyond this a label is simply wrong.
MOST_SURPRISE = 20.0
# Log ratios beyond this come from signals far outside of what was planted.
_MOST_LOG_RATIO = 30.0
# A kind that the training set does not seem to hold is not ruled out: a few images of it hide in
# the error of the estimate, and others may come later.
_LEAST_SHARE = 0.02
_ROUNDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is seen of n images, float64, shapes (n,).

    Attributes
    ----------
    surprise : -log P_i(y_i), in nats: how little the features fit the label; 0 to 20
    distance : soft minimum of the feature cost to the validation images, in units of the mean
        cost between them
    gradient : f_i + <b, g>, in the same units: the calibrated gradient up to a constant that does
        not depend on what else is in the training set
    """

    surprise: np.ndarray
    distance: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """The verdict on n images.

    Attributes
    ----------
    score : float64, shape (n,), log odds of being faulty, in nats; **higher is worse**
    probability : float64, shape (n,), the same as a probability; only as good as the planted
        faults resemble the real ones
    kind : int64, shape (n,), the likeliest kind of fault, a position in `Fusion.kinds`
    """

    score: np.ndarray
    probability: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """The constants of the score; `fused` is all that a new image needs.

    Attributes
    ----------
    unit : mean feature cost between validation images, in units of cost
    epsilon : of the label posterior, in units of cost
    center, scale : median and deviation of distance and gradient over sound held-out images
    kinds : names of the faults
    weights : one row a kind, one column a term of `terms`
    offsets : one a kind; log ratio = weights @ terms + offset
    shares : share of each kind in the training set, 0 to 1; the rest is sound
    """

    unit: float
    epsilon: float
    center: tuple[float, float]
    scale: tuple[float, float]
    kinds: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]
    shares: tuple[float, ...]

    def log_ratios(self, signals: Signals) -> np.ndarray:
        """Return log p(signals | kind) / p(signals | sound), float64, shape (n, kinds)."""
        ratios = terms(signals, self.center, self.scale) @ np.array(self.weights).T
        ratios += np.array(self.offsets)
        return np.clip(ratios, -_MOST_LOG_RATIO, _MOST_LOG_RATIO)

    def fused(self, signals: Signals) -> Fused:
        """Return the score of each image."""
        joint = self.log_ratios(signals) + np.log(self.shares)
        peak = joint.max(axis=1)
        faulty = peak + np.log(np.exp(joint - peak[:, None]).sum(axis=1))
        score = faulty - np.log1p(-sum(self.shares))
        return Fused(
            score=score,
            probability=1 / (1 + np.exp(-score)),
            kind=joint.argmax(axis=1).astype(np.int64),
        )

    def with_shares_of(self, signals: Signals) -> Fusion:
        """Return the fusion with the shares that make these images likeliest.

        Expectation maximization of a mixture whose components are known: the likelihood is concave
        in the shares, so that there is one answer.
        """
        ratios = np.exp(self.log_ratios(signals))
        likelihood = np.column_stack([np.ones(len(ratios)), ratios])
        shares = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
        for _ in range(_ROUNDS):
            before = shares
            joint = likelihood * shares
            shares = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
            if np.abs(shares - before).max() < 1e-6:
                break
        shares = np.maximum(shares, _LEAST_SHARE)
        return replace(self, shares=tuple((shares[1:] / shares.sum()).tolist()))

    def to_json(self) -> dict[str, Any]:
        """Return the constants as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Fusion:
        """Return the fusion that `to_json` described.

        Raises
        ------
        KeyError : a constant is missing
        """
        known = {item.name: raw[item.name] for item in fields(cls)}
        for name in ("center", "scale", "kinds", "offsets", "shares"):
            known[name] = tuple(known[name])
        known["weights"] = tuple(tuple(row) for row in known["weights"])
        return cls(**known)


def terms(signals: Signals, center: tuple[float, float], scale: tuple[float, float]) -> np.ndarray:
    """Return what the log ratios are linear in, float64, shape (n, 11).

    Distance and gradient in deviations, within -4 and 8; the surprise and its logarithm; squares,
    products, and what exceeds two deviations.
    """
    surprise = np.minimum(signals.surprise, MOST_SURPRISE)
    log = np.log(surprise + 0.05)
    a = np.clip((signals.distance - center[0]) / scale[0], -4, 8)
    z = np.clip((signals.gradient - center[1]) / scale[1], -4, 8)
    columns = [surprise / 5, log]
    columns += [a, a * a / 10, log * a / 3, np.maximum(a - 2, 0)]
    columns += [z, z * z / 10, log * z / 3, np.maximum(z - 2, 0), a * z / 5]
    return np.column_stack(columns)


def surprise_of(own_probability: np.ndarray) -> np.ndarray:
    """Return -log of the probability of the label given, in nats, 0 to 20, float64."""
    # Probabilities within rounding of 1 are exactly 0 surprise, never below.
    own = np.clip(np.asarray(own_probability, np.float64), np.exp(-MOST_SURPRISE), 1.0)
    return np.asarray(0.0 - np.log(own))


def signals_of(
    own_probability: np.ndarray,
    distance: np.ndarray,
    f: np.ndarray,
    g: np.ndarray,
    *,
    unit: float,
    b: np.ndarray | None = None,
) -> Signals:
    """Return the signals of n images.

    Parameters
    ----------
    own_probability, distance : as `core.transport.label_posterior` gives them at the fusion's
        epsilon under the cost of features alone, shapes (n,)
    f, g : potentials, shapes (n,) and (m,); for new images f is the soft transform of g
    unit : `Fusion.unit`
    b : validation masses, shape (m,); uniform if None
    """
    anchor = float(np.mean(g)) if b is None else float(b @ g / b.sum())
    return Signals(
        surprise=surprise_of(own_probability),
        distance=np.asarray(distance, dtype=np.float64) / unit,
        gradient=(np.asarray(f, dtype=np.float64) + anchor) / unit,
    )


def unit_of(y: np.ndarray, y_labels: np.ndarray, p: int) -> float:
    """Return the mean feature cost between validation images; 1 where they all coincide."""
    cost = GroundCost(x=y, y=y, x_labels=y_labels, y_labels=y_labels, p=p)
    return cost.mean() or 1.0
