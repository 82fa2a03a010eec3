"""The default predictor: saturating laws, fitted jointly to every size that was trained.

Several laws are fitted, which differ in what the pace may depend on. Each is weighed by how well it
predicts the largest trained sizes from the smaller ones, for that is what it is wanted for, and the
prediction is their weighted mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.projection.classes import ClassShares
from core.projection.damped import DampedFit, minimize_squares
from core.projection.features import features
from core.projection.fitted import Facts, Fitted, MixtureDistance, few_points
from core.projection.measured import Measured
from core.projection.saturating_law import SaturatingLaw, Shape, jacobian

# A law may miss by a point what it is fitted to; noise of training is of that order, too.
_NOISE = 0.01
_REFERENCE_SIZE = 630
# What is believed before anything is measured, and how firmly (one over the deviation).
_ALPHA_LOG, _ALPHA_FIRM = float(np.log(0.9)), 3.0
_LOG_SIZE, _LOG_SIZE_FIRM = float(np.log(100)), 0.1
_GAMMA, _PSI, _RARITY_FIRM = 0.7, 0.3, 2.0
_SOURCE_FIRM = 0.3
_FLOOR, _FLOOR_FIRM = -2.0, 0.3
_PACE_FIRM = 0.9
# A law whose misses are twice another's weighs a sixteenth; less than a hundredth is left out.
_POWER, _LEAST_WEIGHT = 4.0, 0.01
# Taken for the accuracy of guessing where nobody knows how many classes there are.
_GUESSING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a law may depend on.

    Attributes
    ----------
    title : for people
    blocks : features of p that the pace depends on
    use_classes : the classes' shares in the mixture enter
    """

    title: str
    blocks: tuple[str, ...]
    use_classes: bool


CHOICES = (
    Choice(title="classes and shares", blocks=("shares",), use_classes=True),
    Choice(
        title="classes, shares and their products", blocks=("shares", "products"), use_classes=True
    ),
    Choice(title="classes, shares and their logs", blocks=("shares", "logs"), use_classes=True),
    Choice(title="shares", blocks=("shares",), use_classes=False),
    Choice(title="shares and their products", blocks=("shares", "products"), use_classes=False),
    Choice(title="shares and their logs", blocks=("shares", "logs"), use_classes=False),
    Choice(
        title="shares, products and logs",
        blocks=("shares", "products", "logs"),
        use_classes=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnsembleLaw:
    """The weighted mean of saturating laws.

    Attributes
    ----------
    laws : one or more
    weights : above 0, shape (l,), sum 1
    """

    laws: tuple[SaturatingLaw, ...]
    weights: np.ndarray

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,)."""
        return np.asarray(
            self.weights @ np.array([law.accuracy(p, n, distance) for law in self.laws])
        )

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return derivatives by p, shape (k, m)."""
        found = np.array([law.gradient(p, n, distance, slope) for law in self.laws])
        return np.asarray(np.tensordot(self.weights, found, axes=1))

    def per_class(self, p: np.ndarray, n: np.ndarray) -> np.ndarray | None:
        """Return accuracies by class, shape (k, v), of the laws that know classes; None without."""
        known = [
            (weight, law.by_group(p, n)[:, law.shape.classes.group])
            for weight, law in zip(self.weights, self.laws, strict=True)
            if law.shape.classes is not None
        ]
        if not known:
            return None
        total = sum(weight for weight, _ in known)
        return np.asarray(sum(weight * found for weight, found in known) / total)

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""
        return {
            "laws": [law.to_dict() for law in self.laws],
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> EnsembleLaw:
        """Return the law that `to_dict` wrote."""
        return cls(
            laws=tuple(SaturatingLaw.from_dict(law) for law in raw["laws"]),
            weights=np.array(raw["weights"], dtype=np.float64),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Means over repeats, as the fit takes them; k mixtures and sizes.

    Attributes
    ----------
    p, n, accuracy : shapes (k, m), (k,), (k,)
    per_class : by group of classes, shape (k, g), NaN where validation lacks it; None if unknown
    weight : one over the variance, relative, shape (k,)
    """

    p: np.ndarray
    n: np.ndarray
    accuracy: np.ndarray
    per_class: np.ndarray | None
    weight: np.ndarray

    def take(self, rows: np.ndarray) -> Cells:
        """Return the cells that a mask chooses."""
        return Cells(
            p=self.p[rows],
            n=self.n[rows],
            accuracy=self.accuracy[rows],
            per_class=None if self.per_class is None else self.per_class[rows],
            weight=self.weight[rows],
        )


def fit_saturating(
    measured: Measured, distance: MixtureDistance | None, classes: ClassShares | None = None
) -> Fitted:
    """Fit all laws, weigh them and return their mean.

    Parameters
    ----------
    measured : any sizes and mixtures; from one size alone how accuracy grows is only assumed
    distance : not used
    classes : the classes' shares in the sources; None where unknown

    Notes
    -----
    About 20 ms a law for 60 mixtures and sizes, three fits each.
    """
    cells = cells_of(measured, classes)
    guessing = _GUESSING if measured.per_class is None else 1 / measured.per_class.shape[1]
    choices = choices_for(classes)
    misses = np.array([forward_miss(cells, choice, classes, guessing) for choice in choices])
    weights = _weights(misses)
    laws = tuple(
        fit_choice(cells, choice, classes, guessing)
        for choice, weight in zip(choices, weights, strict=True)
        if weight > 0
    )
    law = EnsembleLaw(laws=laws, weights=weights[weights > 0])
    residual = law.accuracy(cells.p, cells.n, np.zeros(len(cells.n))) - cells.accuracy
    return Fitted(
        predictor="saturating",
        m=measured.m,
        law=law,
        facts=Facts(
            points=len(cells.n),
            parameters=max(law.shape.size for law in laws),
            regularized=True,
            residual=float(np.sqrt(np.mean(residual**2))),
            values={
                "weights": {
                    choice.title: float(weight)
                    for choice, weight in zip(choices, weights, strict=True)
                },
                "forward_miss": {
                    choice.title: None if np.isnan(miss) else float(miss)
                    for choice, miss in zip(choices, misses, strict=True)
                },
                "alpha": float(law.weights @ [np.exp(one.theta[0]) for one in laws]),
            },
            notes=(
                *_notes(choices, weights, misses, measured),
                *few_points(len(cells.n), max(law.shape.size for law in laws)),
            ),
        ),
    )


def choices_for(classes: ClassShares | None) -> list[Choice]:
    """Return the laws to try: those on classes where sources differ in them, else all that can be.

    A law that does not see a class vanish from a mixture may still seem to predict well, for the
    mixtures without it are those that small pilots cannot fill at the largest sizes.
    """
    if classes is None:
        return [choice for choice in CHOICES if not choice.use_classes]
    return [choice for choice in CHOICES if choice.use_classes or not classes.differ]


def cells_of(measured: Measured, classes: ClassShares | None) -> Cells:
    """Average repeats, and weigh the means by repeats and the square of the size.

    The spread of repeats falls faster than the root of the size (from 4 points at 200 images to
    0.7 at 800 of 64 features), and the largest sizes are nearest to what will be asked. Of the
    powers 1, 1.5 and 2 of the size the last was best on six settings beside the benchmark's two,
    tried when a first run of that was known.
    """
    means = measured.mean()
    _, mixture = measured.mixtures()
    _, of_mean = means.mixtures()
    counts = [
        ((measured.n == n) & (mixture == g)).sum() for n, g in zip(means.n, of_mean, strict=True)
    ]
    per_class = means.per_class
    if per_class is not None and classes is not None:
        per_class = _by_group(per_class, classes)
    return Cells(
        p=means.p,
        n=means.n.astype(np.float64),
        accuracy=means.accuracy,
        per_class=per_class,
        weight=np.array(counts) * (means.n / _REFERENCE_SIZE) ** 2,
    )


def refit(law: SaturatingLaw, measured: Measured, classes: ClassShares | None) -> EnsembleLaw:
    """Return the law fitted to other data of the same kind, alone, started where it is."""
    theta = fit_theta(cells_of(measured, classes), law.shape, law.theta).parameters
    return EnsembleLaw(laws=(SaturatingLaw(shape=law.shape, theta=theta),), weights=np.ones(1))


def refit_all(law: EnsembleLaw, measured: Measured, classes: ClassShares | None) -> EnsembleLaw:
    """Return all laws fitted to other data of the same kind, their weights kept."""
    cells = cells_of(measured, classes)
    return EnsembleLaw(
        laws=tuple(
            SaturatingLaw(shape=one.shape, theta=fit_theta(cells, one.shape, one.theta).parameters)
            for one in law.laws
        ),
        weights=law.weights,
    )


def forward_miss(
    cells: Cells, choice: Choice, classes: ClassShares | None, guessing: float
) -> float:
    """Return the root mean square miss at the largest sizes, predicted from the smaller ones.

    The largest size is left out, then the two largest where two remain; NaN with a single size.
    """
    scales = np.unique(cells.n)
    squares = []
    for left_out in (1, 2):
        if len(scales) - left_out < (1 if left_out == 1 else 2):
            continue
        seen = cells.n < scales[-left_out]
        law = fit_choice(cells.take(seen), choice, classes, guessing)
        rest = cells.take(~seen)
        miss = law.accuracy(rest.p, rest.n, np.zeros(len(rest.n))) - rest.accuracy
        squares.append(float((rest.weight * miss**2).sum() / rest.weight.sum()))
    return float(np.sqrt(np.mean(squares))) if squares else float("nan")


def fit_choice(
    cells: Cells,
    choice: Choice,
    classes: ClassShares | None,
    guessing: float,
) -> SaturatingLaw:
    """Return the law of this choice that fits the cells best."""
    found = features(cells.p, choice.blocks)
    scale = found.std(axis=0)
    shape = Shape(
        blocks=choice.blocks,
        center=found.mean(axis=0),
        scale=np.where(scale > 1e-9, scale, 1.0),
        classes=classes if choice.use_classes else None,
        guessing=guessing,
    )
    return SaturatingLaw(shape=shape, theta=fit_theta(cells, shape).parameters)


def fit_theta(cells: Cells, shape: Shape, start: np.ndarray | None = None) -> DampedFit:
    """Return the parameters that fit the cells best without straying far from the prior."""
    middle, firm = prior(shape)
    inputs = shape.inputs(cells.p)
    weights = SaturatingLaw(shape=shape, theta=middle).weights
    w = np.sqrt(cells.weight) / _NOISE
    target = 1 - cells.accuracy
    by_class = cells.per_class if shape.classes is not None else None
    if by_class is not None:
        known = np.isfinite(by_class)
        class_target = np.where(known, 1 - by_class, 0.0)
        # A class is one v-th of the images: its accuracy varies v times as much.
        w_class = np.where(known, w[:, None] / np.sqrt(shape.width), 0.0)

    def residuals(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, slope = jacobian(shape, theta, inputs, cells.n)
        rows = [w * (found @ weights - target), firm * (theta - middle)]
        slopes = [w[:, None] * np.einsum("kcf,c->kf", slope, weights), np.diag(firm)]
        if by_class is not None:
            rows.append((w_class * (found - class_target)).ravel())
            slopes.append((w_class[:, :, None] * slope).reshape(-1, shape.size))
        return np.concatenate(rows), np.vstack(slopes)

    return minimize_squares(residuals, middle if start is None else start)


def prior(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return what is believed of theta beforehand and how firmly, shapes (shape.size,)."""
    f, width = len(shape.center), shape.width
    middle = [_ALPHA_LOG, _LOG_SIZE, _GAMMA, _PSI], np.zeros(f), np.full(width, _FLOOR)
    firm = (
        [_ALPHA_FIRM, _LOG_SIZE_FIRM, _RARITY_FIRM, _RARITY_FIRM],
        np.full(f, _SOURCE_FIRM),
        np.full(width, _FLOOR_FIRM),
    )
    return (
        np.concatenate([*middle, np.zeros(width)]),
        np.concatenate([*firm, np.full(width, _PACE_FIRM)]),
    )


def _by_group(per_class: np.ndarray, classes: ClassShares) -> np.ndarray:
    """Average accuracies over the classes of a group, shape (k, v) -> (k, g); NaN where none is."""
    members = np.eye(classes.width)[classes.group]
    known = np.isfinite(per_class)
    total = np.where(known, per_class, 0.0) @ members
    count = known @ members
    return np.asarray(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))


def _weights(misses: np.ndarray) -> np.ndarray:
    """Return weights with sum 1 that fall with the misses; even ones where nothing is known."""
    if np.isnan(misses).any():
        return np.full(len(misses), 1 / len(misses))
    raw = (misses.min() / np.maximum(misses, 1e-9)) ** _POWER if misses.min() > 0 else misses == 0
    weights = np.asarray(raw, dtype=np.float64) / np.sum(raw)
    weights[weights < _LEAST_WEIGHT] = 0
    return np.asarray(weights / weights.sum())


def _notes(
    choices: list[Choice], weights: np.ndarray, misses: np.ndarray, measured: Measured
) -> tuple[str, ...]:
    """Say in sentences which laws the data support."""
    best = int(weights.argmax())
    if np.isnan(misses).any():
        return (
            "Only one size was trained, so how the accuracy grows is assumed, not measured. Train "
            "at three sizes or more.",
        )
    notes = [_mixed(choices[best].title, float(weights[best]), int((weights > 0).sum()))]
    if len(measured.scales) < 3:
        notes.append("With two sizes how fast the accuracy saturates is mostly assumed.")
    return tuple(notes)


def _mixed(title: str, weight: float, laws: int) -> str:
    """Say which of the laws weighs most; by how much it missed is no error of their mean."""
    why = "which predicted the largest trained sizes best from the smaller ones"
    if laws == 1:
        return f"One law, on {title}, {why}."
    return f"A mean of {laws} laws; the one on {title}, {why}, weighs {100 * weight:.0f} %."
