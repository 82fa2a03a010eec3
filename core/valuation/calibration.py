"""Settings chosen from the user's own validation set.

Part of the validation set is held out, faults are planted in it (`core.valuation.planting`), it is
valued against the rest, and the settings that find most win. No training image plays a part, let
alone its label. Choosing is done with the other repetitions' fusion, so that no bag is judged by
constants fitted on itself; where several settings are as good within the error of the repetitions,
the earliest in the list wins, and the published ones come first: an embedder that has seen the
validation images makes held-out ones look easier than training images will be, and small
differences there mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport import SinkhornConfig, label_posterior, solve_sinkhorn
from core.valuation.evidence import RESEMBLANCE_EPSILON
from core.valuation.fusion import Fusion, Signals, signals_of, terms, unit_of
from core.valuation.lava import LavaConfig, Problem, pose_problem
from core.valuation.planting import KINDS, SOUND, Bag, HeldOut, plant
from core.valuation.strangeness import damage_direction, yardstick

CALIBRATED = ("label_distance_kind", "label_weight", "epsilon", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationConfig:
    """Settings of the calibration.

    Attributes
    ----------
    repeats : splits and plantings, at least 2
    most_images : of a larger validation set so many are used
    held_out : share of the validation set held out where the embedder is trained anew for it
    fewest_images, fewest_a_class : a validation set below that is too small; a class below
        `fewest_a_class` does not count
    label_weights : tried beside 1
    epsilon_shares : tried beside the method's own epsilon, as shares of the mean feature cost
        between validation images
    ridge : weight of the squared coefficients against the mean loss of a row
    least_gain : in average precision; settings that gain less over earlier ones are not preferred
    least_gain_optimistic : the same where the embedder may have seen the validation images
    nominal_share : share of faulty images that average precision is stated for, 0 to 1
    """

    repeats: int = 5
    most_images: int = 2000
    held_out: float = 0.3
    fewest_images: int = 200
    fewest_a_class: int = 10
    label_weights: tuple[float, ...] = (0.5, 3.0)
    epsilon_shares: tuple[float, ...] = (0.02, 0.1)
    ridge: float = 0.015
    least_gain: float = 0.01
    least_gain_optimistic: float = 0.02
    nominal_share: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.repeats < 2 or self.fewest_a_class < 2 or self.fewest_images < 1:
            raise ConfigError(
                "repeats and fewest_a_class must be at least 2, fewest_images at least 1."
            )
        if self.most_images < 2 * self.fewest_a_class:
            raise ConfigError("most_images must leave two classes of fewest_a_class images.")
        for name in ("held_out", "nominal_share"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} must lie between 0 and 1, got {getattr(self, name)}.")
        if min(self.ridge, *self.label_weights, *self.epsilon_shares) <= 0:
            raise ConfigError("ridge, label_weights and epsilon_shares must be above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Detection quality on the planted faults, over the repetitions: mean and deviation."""

    auroc: float
    auroc_deviation: float
    average_precision: float
    average_precision_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was chosen, and what to expect of it.

    Attributes
    ----------
    settings : of `CALIBRATED`, by name, as `LavaConfig` takes them
    fusion : with equal shares; `Fusion.with_shares_of` finds those of a training set
    expected : detection quality by kind of fault, and "all faults"
    tried : every setting tried, with its mean average precision
    confidence : mean probability of the likeliest class over sound held-out images
    """

    settings: Mapping[str, Any]
    fusion: Fusion
    expected: Mapping[str, Expected]
    tried: Sequence[Mapping[str, Any]]
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Return all but the fusion, as JSON can hold it."""
        return {
            "settings": dict(self.settings),
            "expected": {name: asdict(item) for name, item in self.expected.items()},
            "tried": [dict(item) for item in self.tried],
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class _Valued:
    """A bag valued with one setting."""

    signals: Signals
    kind: np.ndarray
    confidence: np.ndarray


def too_small(y_labels: np.ndarray, config: CalibrationConfig | None = None) -> str:
    """Return why a validation set with these labels is too small to calibrate on, or ""."""
    config = config or CalibrationConfig()
    _, counts = np.unique(y_labels, return_counts=True)
    if len(y_labels) < config.fewest_images:
        return (
            f"the validation set has {len(y_labels):,} images; calibration needs "
            f"{config.fewest_images}"
        )
    if (counts >= config.fewest_a_class).sum() < 2:
        return f"fewer than two validation classes have {config.fewest_a_class} images"
    return ""


def calibrate(
    parts: Sequence[HeldOut],
    n_classes: int,
    base: LavaConfig,
    *,
    fixed: Iterable[str] = (),
    config: CalibrationConfig | None = None,
    optimistic: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Calibration:
    """Choose settings by planted faults.

    Parameters
    ----------
    parts : held-out and kept images; one a repetition, used in turn where there are fewer
    base : settings that are not chosen, and those to start from
    fixed : names of `CALIBRATED` that the user set: they stay
    optimistic : the embedder may have been trained on the images held out
    seed : what is planted where

    Raises
    ------
    ConfigError : there are no parts

    Notes
    -----
    Nine settings at most, each solved once a repetition, on at most `most_images` images.
    """
    config = config or CalibrationConfig()
    if not parts:
        raise ConfigError("Calibration needs held-out validation images.")
    streams = np.random.SeedSequence(seed).spawn(config.repeats)
    bags = [
        plant(parts[i % len(parts)], i, np.random.default_rng(stream))
        for i, stream in enumerate(streams)
    ]
    search = _Search(bags, n_classes, config, progress)
    gain = config.least_gain_optimistic if optimistic else config.least_gain
    best = search.run(base, frozenset(fixed), gain)
    valued = search.valued[best]
    return Calibration(
        settings={name: getattr(best, name) for name in CALIBRATED},
        fusion=_fit(valued, search.unit(best.p), config),
        expected=_quality(valued, search.scores(best), config),
        tried=search.tried,
        confidence=float(np.mean([item.confidence[item.kind == SOUND].mean() for item in valued])),
    )


class _Search:
    """Tries settings on the same bags, and remembers."""

    def __init__(
        self, bags: Sequence[Bag], n_classes: int, config: CalibrationConfig, progress: Progress
    ) -> None:
        self.bags, self.n_classes, self.config, self.progress = bags, n_classes, config, progress
        self.valued: dict[LavaConfig, list[_Valued]] = {}
        self.tried: list[dict[str, Any]] = []
        self._figures: dict[LavaConfig, np.ndarray] = {}
        self._problems: dict[tuple[int, LavaConfig], Problem] = {}
        self._most, self._gain = 0, 0.0

    def unit(self, p: int) -> float:
        """Return the mean feature cost between kept images."""
        return float(np.mean([unit_of(bag.y, bag.y_labels, p) for bag in self.bags]))

    def run(self, base: LavaConfig, fixed: frozenset[str], gain: float) -> LavaConfig:
        """Return the best settings: weight and kind first, then epsilon, then p."""
        config, self._gain = self.config, gain
        weights = [base.label_weight, *config.label_weights]
        weights = weights[:1] if "label_weight" in fixed else list(dict.fromkeys(weights))
        kinds = ["training", "validation"]
        kinds = [base.label_distance_kind] if "label_distance_kind" in fixed else kinds
        self._most = len(weights) * len(kinds) + len(config.epsilon_shares) + 1
        best = self._best(
            [replace(base, label_weight=w, label_distance_kind=k) for w in weights for k in kinds]
        )
        if "epsilon" not in fixed:
            unit = self.unit(best.p)
            best = self._best(
                [best, *(replace(best, epsilon=s * unit) for s in config.epsilon_shares)]
            )
        if "p" not in fixed:
            other = 3 - best.p
            # The same share of the mean cost: the two powers have different units.
            scale = 1.0 if "epsilon" in fixed else self.unit(other) / self.unit(best.p)
            best = self._best([best, replace(best, p=other, epsilon=best.epsilon * scale)])
        return best

    def _best(self, candidates: Sequence[LavaConfig]) -> LavaConfig:
        """Return the first that the best does not clearly surpass.

        Clearly: by more than the standard error of the difference, and by `least_gain`.
        """
        for candidate in candidates:
            self._try(candidate)
        figures = [self._figures[candidate] for candidate in candidates]
        top = max(figures, key=lambda figure: float(figure.mean()))
        for candidate, figure in zip(candidates, figures, strict=True):
            behind = top - figure
            if behind.mean() <= max(behind.std(ddof=1) / np.sqrt(len(behind)), self._gain):
                return candidate
        raise AssertionError("the best candidate is not behind itself")

    def _try(self, candidate: LavaConfig) -> None:
        if candidate in self.valued:
            return
        valued = []
        for number, bag in enumerate(self.bags):
            done = (len(self.valued) + number / len(self.bags)) / self._most
            self.progress(
                "Calibration",
                min(done, 1.0),
                f"setting {len(self.valued) + 1} of {self._most} at most, planting {number + 1}",
            )
            problem = self._problem(number, candidate)
            valued.append(_value(bag, problem, self.n_classes, self.unit(candidate.p)))
        self.valued[candidate] = valued
        figures = _by_kind(valued, self.scores(candidate), self.config)
        self._figures[candidate] = figures
        self.tried.append(
            {
                **{name: getattr(candidate, name) for name in CALIBRATED},
                "average_precision": float(figures.mean()),
            }
        )

    def _problem(self, number: int, candidate: LavaConfig) -> Problem:
        """Return a bag's problem; label distances do not depend on their weight."""
        key = number, replace(candidate, label_weight=1.0)
        if key not in self._problems:
            bag = self.bags[number]
            self._problems[key] = pose_problem(
                bag.x, bag.x_labels, bag.y, bag.y_labels, self.n_classes, key[1]
            )
        problem = self._problems[key]
        return replace(problem, cost=replace(problem.cost, label_weight=candidate.label_weight))

    def scores(self, candidate: LavaConfig) -> list[np.ndarray]:
        """Return the score in each bag, with constants fitted on the other ones."""
        valued, unit = self.valued[candidate], self.unit(candidate.p)
        return [
            _fit([*valued[:i], *valued[i + 1 :]], unit, self.config).fused(item.signals).score
            for i, item in enumerate(valued)
        ]


def _value(bag: Bag, problem: Problem, n_classes: int, unit: float) -> _Valued:
    settings = SinkhornConfig(
        epsilon=problem.epsilon, tolerance=0.03, max_passes=50, device=problem.device
    )
    solution = solve_sinkhorn(problem.cost, settings)
    seen = label_posterior(
        problem.features, n_classes, epsilon=RESEMBLANCE_EPSILON * unit, device=problem.device
    )
    damage = None if bag.y_noisy is None else damage_direction(bag.y, bag.y_noisy)
    signals = signals_of(
        seen.own_probability,
        seen.distance,
        solution.f,
        solution.g,
        unit=unit,
        strangeness=yardstick(bag.y, bag.y_labels).strangeness(bag.x),
        damage=None if damage is None else damage(bag.x),
    )
    return _Valued(signals, bag.kind, seen.probability)


def _fit(valued: Sequence[_Valued], unit: float, config: CalibrationConfig) -> Fusion:
    """Fit the log ratio of each kind against the sound images of all bags."""
    # Damage that does not show in one of the bags is no signal.
    names = min((item.signals.seen for item in valued), key=len)
    surprise = np.concatenate([item.signals.surprise for item in valued])
    seen = np.concatenate([item.signals.columns(names) for item in valued])
    kind = np.concatenate([item.kind for item in valued])
    sound = kind == SOUND
    center = np.median(seen[sound], axis=0)
    scale = seen[sound].std(axis=0)
    scale[scale == 0] = 1.0
    columns = terms(surprise, (seen - center) / scale)
    present = [k for k in range(len(KINDS)) if (kind == k).any()]
    weights, offsets = [], []
    for k in present:
        rows = sound | (kind == k)
        faulty = kind[rows] == k
        model = LogisticRegression(C=1 / (config.ridge * rows.sum()), max_iter=1000)
        model.fit(columns[rows], faulty)
        weights.append(tuple(model.coef_[0].tolist()))
        # Odds in the bag, less the odds by which the kind was planted: the ratio of likelihoods.
        # The ridge makes it cautious: its mean over sound images is below 1, and shares estimated
        # with it are rather too small than too large.
        planted = float(np.log(faulty.sum() / (~faulty).sum()))
        offsets.append(float(model.intercept_[0]) - planted)
    return Fusion(
        unit=unit,
        epsilon=RESEMBLANCE_EPSILON * unit,
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        seen=names,
        kinds=tuple(KINDS[k] for k in present),
        weights=tuple(weights),
        offsets=tuple(offsets),
        shares=(config.nominal_share / len(present),) * len(present),
    )


def _by_kind(
    valued: Sequence[_Valued], scores: Sequence[np.ndarray], config: CalibrationConfig
) -> np.ndarray:
    """Return the average precision of each bag, the mean over the kinds planted, shape (r,)."""
    return np.array(
        [
            np.mean(
                [
                    _precision(item.kind, score, k, config)
                    for k in range(len(KINDS))
                    if (item.kind == k).any()
                ]
            )
            for item, score in zip(valued, scores, strict=True)
        ]
    )


def _precision(
    kind: np.ndarray, score: np.ndarray, k: int | None, config: CalibrationConfig
) -> float:
    """Return the average precision of one kind, or of all, at the nominal share of faults."""
    rows = np.ones(len(kind), bool) if k is None else (kind == k) | (kind == SOUND)
    faulty = kind[rows] != SOUND
    share = config.nominal_share
    weight = np.where(faulty, share / faulty.sum(), (1 - share) / (~faulty).sum())
    return float(average_precision_score(faulty, score[rows], sample_weight=weight))


def _quality(
    valued: Sequence[_Valued], scores: Sequence[np.ndarray], config: CalibrationConfig
) -> dict[str, Expected]:
    result = {}
    for k, name in (*enumerate(KINDS), (None, "all faults")):
        figures = []
        for item, score in zip(valued, scores, strict=True):
            rows = (item.kind == SOUND) | ((item.kind == k) if k is not None else True)
            faulty = item.kind[rows] != SOUND
            if not faulty.any():
                continue
            precision = _precision(item.kind, score, k, config)
            figures.append((float(roc_auc_score(faulty, score[rows])), precision))
        if figures:
            mean, deviation = np.mean(figures, axis=0), np.std(figures, axis=0)
            result[name] = Expected(
                auroc=float(mean[0]),
                auroc_deviation=float(deviation[0]),
                average_precision=float(mean[1]),
                average_precision_deviation=float(deviation[1]),
            )
    return result
