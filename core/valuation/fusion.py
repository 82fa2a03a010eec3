"""One score from several signals: what a fault of each kind looks like, and how common it is.

The calibrated gradient sees images that are far from the validation set or cost a lot to match;
the label surprise -log P_i(y_i) of the plan sees labels that do not fit, and is blind to the rest;
strangeness and damage (`core.valuation.strangeness`) see pictures that are like no class. No fixed
weighting serves both a set with wrong labels and one with noisy images: what finds the one buries
the other. So faults of each kind are planted in held-out validation images
(`core.valuation.calibration`), where a logistic regression learns how much likelier the signals of
an image are under that fault than under none; and how common each kind is, and each way to be
mislabelled (`core.valuation.mislabelling`), follows from the signals of the training images, by
maximum likelihood. Neither step knows which training images are faulty. The score is the logarithm
of the odds that an image is faulty.

NumPy alone: a page, or whoever values new images, can score without loading torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.transport import GroundCost
from core.valuation.mislabelling import Mislabelling, find_mislabelling
from core.valuation.strangeness import Damage, yardstick

if TYPE_CHECKING:
    from core.transport import LabelPosterior

# What a backdoor's images have in common is the label given, not a look of their own: they are
# found as wrong labels, and named by the label that is flooded with them.
WRONG_LABEL, BACKDOOR = "wrong label", "backdoor"
# -log of a probability, in nats: beyond this a label is simply wrong.
MOST_SURPRISE = 20.0
# Log ratios beyond this come from signals far outside of what was planted.
_MOST_LOG_RATIO = 30.0
# The most that a kind is given which the training set does not seem to hold: see `with_shares_of`.
_MOST_UNSEEN = 0.02
_ROUNDS = 500
_SHIFTED = ("distance", "gradient")  # what fusions of earlier versions see beside the surprise


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
    strangeness : distance to the nearest class in deviations of the classes (`Yardstick`); None
        where no fusion asks for it
    damage : how far the image lies in the direction of damaged pictures (`Damage`); None where no
        pictures were damaged to find out
    classes, labels : probability of each class by the features, shape (n, v), and the label given;
        None where ways to be mislabelled are not told apart
    """

    surprise: np.ndarray
    distance: np.ndarray
    gradient: np.ndarray
    strangeness: np.ndarray | None = None
    damage: np.ndarray | None = None
    classes: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def seen(self) -> tuple[str, ...]:
        """Return the names of the signals that are there beside the surprise."""
        names = ("distance", "gradient", "strangeness", "damage")
        return tuple(name for name in names if getattr(self, name) is not None)

    def columns(self, names: tuple[str, ...]) -> np.ndarray:
        """Return these signals side by side, float64, shape (n, len(names))."""
        return np.column_stack([getattr(self, name) for name in names]).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fused:
    """The verdict on n images.

    Attributes
    ----------
    score : float64, shape (n,), log odds of being faulty, in nats; **higher is worse**
    probability : float64, shape (n,), the same as a probability; only as good as the planted
        faults resemble the real ones
    kind : str, shape (n,), the likeliest kind of fault: one of `Fusion.kinds`, or "backdoor"
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
    center, scale : median and deviation of the signals `seen` over sound held-out images
    kinds : names of the faults
    weights : one row a kind, one column a term of `terms`
    offsets : one a kind; log ratio = weights @ terms + offset
    shares : share of each kind in the training set, 0 to 1; the rest is sound
    seen : names of the signals beside the surprise
    damage : the direction of damaged pictures in the space of these embeddings, if `seen` has it
    mislabelling : how common each way to be mislabelled is; None where that is not told apart
    """

    unit: float
    epsilon: float
    center: tuple[float, ...]
    scale: tuple[float, ...]
    kinds: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]
    shares: tuple[float, ...]
    seen: tuple[str, ...] = _SHIFTED
    damage: Damage | None = None
    mislabelling: Mislabelling | None = None

    def signals(
        self,
        cost: GroundCost,
        found: LabelPosterior,
        f: np.ndarray,
        g: np.ndarray,
        b: np.ndarray | None = None,
    ) -> Signals:
        """Return all that this fusion wants to see of the training images of `cost`.

        Parameters
        ----------
        cost : the ground cost: its embeddings and labels are used
        found : what the images resemble at `epsilon`, with the classes if those are kept
        f, g, b : as `signals_of` takes them
        """
        further: dict[str, np.ndarray] = {}
        if "strangeness" in self.seen:
            further["strangeness"] = yardstick(cost.y, cost.y_labels).strangeness(cost.x)
        if "damage" in self.seen and self.damage is not None:
            further["damage"] = self.damage(cost.x)
        if found.classes is not None:
            further |= {"classes": found.classes, "labels": cost.x_labels}
        return signals_of(
            found.own_probability, found.distance, f, g, unit=self.unit, b=b, **further
        )

    def log_ratios(self, signals: Signals) -> np.ndarray:
        """Return log p(signals | kind) / p(signals | sound), float64, shape (n, kinds)."""
        standard = (signals.columns(self.seen) - self.center) / self.scale
        ratios = terms(signals.surprise, standard) @ np.array(self.weights).T
        ratios += np.array(self.offsets)
        ratios = np.clip(ratios, -_MOST_LOG_RATIO, _MOST_LOG_RATIO)
        if self.mislabelling is not None and WRONG_LABEL in self.kinds:
            assert signals.classes is not None  # noqa: S101 - for the type checker
            assert signals.labels is not None  # noqa: S101
            ratios[:, self.kinds.index(WRONG_LABEL)] += self.mislabelling.log_commonness(
                signals.classes, signals.labels
            )
        return ratios

    def fused(self, signals: Signals) -> Fused:
        """Return the score of each image."""
        joint = self.log_ratios(signals) + np.log(self.shares)
        peak = joint.max(axis=1)
        faulty = peak + np.log(np.exp(joint - peak[:, None]).sum(axis=1))
        score = faulty - np.log1p(-sum(self.shares))
        return Fused(
            score=score,
            probability=1 / (1 + np.exp(-score)),
            kind=self._named(np.array(self.kinds, dtype=object)[joint.argmax(axis=1)], signals),
        )

    def _named(self, kind: np.ndarray, signals: Signals) -> np.ndarray:
        if self.mislabelling is not None and signals.labels is not None:
            flooded = np.array(self.mislabelling.flooded)[signals.labels]
            kind[(kind == WRONG_LABEL) & flooded] = BACKDOOR
        return kind.astype(str)

    def fitted_to(self, signals: Signals) -> Fusion:
        """Return the fusion with the mislabelling and the shares that these images speak for."""
        if signals.classes is None or signals.labels is None:
            return self.with_shares_of(signals)
        found = find_mislabelling(signals.classes, signals.labels)
        return replace(self, mislabelling=found).with_shares_of(signals)

    def with_shares_of(self, signals: Signals) -> Fusion:
        """Return the fusion with the shares that make these images likeliest.

        Expectation maximization of a mixture whose components are known: the likelihood is concave
        in the shares, so that there is one answer. A kind that these images do not seem to hold is
        not ruled out: a few images of it hide in the error of the estimate, and others may come
        later. It gets one standard error, from the observed information, and 0.02 at most: more,
        and the clearest sound images by that kind's lights displace faults that are there.
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
        shares = np.maximum(shares, np.minimum(_standard_errors(likelihood, shares), _MOST_UNSEEN))
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
        known = {item.name: raw[item.name] for item in fields(cls) if item.name in _ALWAYS}
        known["seen"] = raw.get("seen", _SHIFTED)
        for name in ("center", "scale", "kinds", "offsets", "shares", "seen"):
            known[name] = tuple(known[name])
        known["weights"] = tuple(tuple(row) for row in known["weights"])
        if raw.get("damage") is not None:
            damage = raw["damage"]
            known["damage"] = Damage(
                direction=tuple(damage["direction"]), origin=float(damage["origin"])
            )
        if raw.get("mislabelling") is not None:
            found = raw["mislabelling"]
            known["mislabelling"] = Mislabelling(
                ratio=tuple(tuple(row) for row in found["ratio"]), flooded=tuple(found["flooded"])
            )
        return cls(**known)


def _standard_errors(likelihood: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the error of each share that is taken from the sound ones, each by itself.

    Parameters
    ----------
    likelihood : of each image under each kind, against that of sound ones: the first column is 1
    shares : with which these images are likeliest
    """
    slope = (likelihood - 1) / (likelihood @ shares)[:, None]
    # Of what looks the same either way, as the sound do as sound, nothing is known: no bound.
    information = np.maximum(np.square(slope).sum(axis=0), np.finfo(np.float64).tiny)
    return np.asarray(1 / np.sqrt(information))


# Runs of earlier versions have these alone.
_ALWAYS = (
    *("unit", "epsilon", "center", "scale"),
    *("kinds", "weights", "offsets", "shares"),
)


def terms(surprise: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Return what the log ratios are linear in, float64, shape (n, 2 + 4 s + s (s - 1) / 2).

    Parameters
    ----------
    surprise : in nats, shape (n,): it counts itself and its logarithm
    standard : s further signals in deviations, shape (n, s): they count within -4 and 8, with their
        squares and products and what exceeds two deviations
    """
    surprise = np.minimum(surprise, MOST_SURPRISE)
    log = np.log(surprise + 0.05)
    columns = [surprise / 5, log]
    standard = np.clip(standard, -4, 8).T
    for z in standard:
        columns += [z, z * z / 10, log * z / 3, np.maximum(z - 2, 0)]
    for i in range(len(standard)):
        columns += [standard[j] * standard[i] / 5 for j in range(i)]
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
    **further: np.ndarray | None,
) -> Signals:
    """Return the signals of n images.

    Parameters
    ----------
    own_probability, distance : as `core.transport.label_posterior` gives them at the fusion's
        epsilon under the cost of features alone, shapes (n,)
    f, g : potentials, shapes (n,) and (m,); for new images f is the soft transform of g
    unit : `Fusion.unit`
    b : validation masses, shape (m,); uniform if None
    further : `strangeness`, `damage`, `classes` and `labels` of `Signals`
    """
    anchor = float(np.mean(g)) if b is None else float(b @ g / b.sum())
    return Signals(
        surprise=surprise_of(own_probability),
        distance=np.asarray(distance, dtype=np.float64) / unit,
        gradient=(np.asarray(f, dtype=np.float64) + anchor) / unit,
        **further,
    )


def unit_of(y: np.ndarray, y_labels: np.ndarray, p: int) -> float:
    """Return the mean feature cost between validation images; 1 where they all coincide."""
    cost = GroundCost(x=y, y=y, x_labels=y_labels, y_labels=y_labels, p=p)
    return cost.mean() or 1.0
