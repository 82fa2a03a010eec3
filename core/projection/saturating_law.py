"""The law behind the default predictor: classes are learned at their own pace, and saturate.

A class c of which a mixture p has the share q_c(p) = sum_s p_s Q_sc is missed with probability

    e_c(p) + (1 - q_c(p) - e_c(p)) / (1 + (n / N_c(p))^alpha),

v being the number of classes: at n = 0 it is guessed, with n this falls to a floor e_c, and N_c is
the size at which half of the way is gone,

    log N_c(p)  = log N0 + h_c + u . features(p) - gamma log(v q_c(p))
    logit e_c(p) = k_c - psi log(v q_c(p)).

u says how many more images a worse source needs (wrong labels and noise cost images more than they
cost accuracy in the end), gamma and psi what a rare class costs. The accuracy is the mean over the
validation set. Where nobody knows the classes of the sources, there is one "class" that is never
rare, and what is left is a saturating curve in n whose pace depends on p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.projection.classes import ClassShares
from core.projection.features import features, slopes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """What is chosen before a law is fitted.

    Attributes
    ----------
    blocks : features of p that the pace depends on
    center, scale : of these features, shapes (f,): they enter as (feature - center) / scale
    classes : shares, or None where unknown
    guessing : accuracy of guessing where no shares are known, 1/v
    """

    blocks: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    classes: ClassShares | None
    guessing: float

    @property
    def width(self) -> int:
        """Return the number of groups of classes: 1 where shares are unknown."""
        return 1 if self.classes is None else self.classes.width

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return 4 + len(self.center) + 2 * self.width

    def inputs(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features, shape (k, f), log(v q_c(p)) and guesses, shapes (k, width)."""
        found = (features(p, self.blocks) - self.center) / self.scale
        if self.classes is None:
            return found, np.zeros((len(p), 1)), np.full((len(p), 1), self.guessing)
        shares = p @ self.classes.sources
        return found, np.log(shares * self.classes.v), shares

    def input_slopes(self, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return their derivatives by p, shapes (k, f, m) and twice (k, width, m)."""
        found = slopes(p, self.blocks) / self.scale[:, None]
        if self.classes is None:
            nothing = np.zeros((len(p), 1, p.shape[1]))
            return found, nothing, nothing
        shares = p @ self.classes.sources
        of_shares = np.broadcast_to(self.classes.sources.T, (len(p), *self.classes.sources.T.shape))
        return found, of_shares / shares[:, :, None], of_shares


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaturatingLaw:
    """The law with its parameters.

    Attributes
    ----------
    shape : what was chosen before the fit
    theta : log alpha, log N0, gamma, psi, u (f), k_c (width), h_c (width)
    """

    shape: Shape
    theta: np.ndarray

    def accuracy(self, p: np.ndarray, n: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return accuracies, shape (k,)."""
        return np.asarray(self.by_group(p, n) @ self.weights)

    def by_group(self, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Return the accuracy among the images of each group of classes, shape (k, width)."""
        return 1 - missed(self.shape, self.theta, self.shape.inputs(p), n)[0]

    @property
    def weights(self) -> np.ndarray:
        """Return what each class counts, shape (width,), sum 1."""
        return np.ones(1) if self.shape.classes is None else self.shape.classes.validation

    def gradient(
        self, p: np.ndarray, n: np.ndarray, distance: np.ndarray, slope: np.ndarray
    ) -> np.ndarray:
        """Return derivatives by p, shape (k, m)."""
        parts = Parts.of(self.shape, self.theta)
        by_input, by_rarity, of_guess = self.shape.input_slopes(p)
        _, by_pace, by_floor, by_guess = missed(self.shape, self.theta, self.shape.inputs(p), n)
        pace = np.einsum("kfm,f->km", by_input, parts.u)[:, None, :] - parts.gamma * by_rarity
        found = by_pace[:, :, None] * parts.alpha * pace
        found -= by_floor[:, :, None] * parts.psi * by_rarity
        found += by_guess[:, :, None] * of_guess
        return np.asarray(-np.einsum("kcm,c->km", found, self.weights))

    def to_dict(self) -> dict[str, Any]:
        """Return the law in terms of JSON."""
        shape = self.shape
        classes = None
        if shape.classes is not None:
            classes = {
                "group": shape.classes.group.tolist(),
                "sources": shape.classes.sources.tolist(),
                "validation": shape.classes.validation.tolist(),
            }
        return {
            "blocks": list(shape.blocks),
            "center": shape.center.tolist(),
            "scale": shape.scale.tolist(),
            "classes": classes,
            "guessing": shape.guessing,
            "theta": self.theta.tolist(),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> SaturatingLaw:
        """Return the law that `to_dict` wrote."""
        classes = raw["classes"]
        shape = Shape(
            blocks=tuple(raw["blocks"]),
            center=np.array(raw["center"], dtype=np.float64),
            scale=np.array(raw["scale"], dtype=np.float64),
            classes=None
            if classes is None
            else ClassShares(
                group=np.array(classes["group"], dtype=np.int64),
                sources=np.array(classes["sources"], dtype=np.float64),
                validation=np.array(classes["validation"], dtype=np.float64),
            ),
            guessing=float(raw["guessing"]),
        )
        return cls(shape=shape, theta=np.array(raw["theta"], dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """The parameters by name; see the head of this file."""

    alpha: float
    log_size: float
    gamma: float
    psi: float
    u: np.ndarray
    floor: np.ndarray
    pace: np.ndarray

    @classmethod
    def of(cls, shape: Shape, theta: np.ndarray) -> Parts:
        """Cut theta, shape (shape.size,), into its parts."""
        f = len(shape.center)
        return cls(
            alpha=float(np.exp(theta[0])),
            log_size=float(theta[1]),
            gamma=float(theta[2]),
            psi=float(theta[3]),
            u=theta[4 : 4 + f],
            floor=theta[4 + f : 4 + f + shape.width],
            pace=theta[4 + f + shape.width :],
        )


Inputs = tuple[np.ndarray, np.ndarray, np.ndarray]
"""What `Shape.inputs` returns."""


def missed(
    shape: Shape, theta: np.ndarray, inputs: Inputs, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the share of missed images and three derivatives, each of shape (k, width).

    The derivatives are by alpha log(N_c / n), by logit e_c and by the guess q_c.
    """
    parts = Parts.of(shape, theta)
    found, rarity, guess = inputs
    floor = _sigmoid(parts.floor - parts.psi * rarity)
    left = _sigmoid(parts.alpha * _log_away(parts, found, rarity, n))
    way = 1 - guess - floor
    return (
        floor + way * left,
        way * left * (1 - left),
        (1 - left) * floor * (1 - floor),
        -left,
    )


def jacobian(
    shape: Shape, theta: np.ndarray, inputs: Inputs, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return `missed` and its derivatives by theta, shape (k, width, shape.size)."""
    parts = Parts.of(shape, theta)
    found, by_pace, by_floor, _ = missed(shape, theta, inputs, n)
    f, width = len(shape.center), shape.width
    by_log_size = by_pace * parts.alpha
    result = np.zeros((*found.shape, shape.size))
    result[:, :, 0] = by_log_size * _log_away(parts, inputs[0], inputs[1], n)
    result[:, :, 1] = by_log_size
    result[:, :, 2] = -by_log_size * inputs[1]
    result[:, :, 3] = -by_floor * inputs[1]
    result[:, :, 4 : 4 + f] = by_log_size[:, :, None] * inputs[0][:, None, :]
    each = np.arange(width)
    result[:, each, 4 + f + each] = by_floor
    result[:, each, 4 + f + width + each] = by_log_size
    return found, result


def _log_away(parts: Parts, found: np.ndarray, rarity: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return log(N_c / n), shape (k, width)."""
    pace = (found @ parts.u)[:, None] + parts.pace - parts.gamma * rarity
    return np.asarray(parts.log_size + pace - np.log(n)[:, None])


def _sigmoid(z: np.ndarray) -> np.ndarray:
    # Beyond 500 nothing changes but the warning of an overflow.
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500))))
