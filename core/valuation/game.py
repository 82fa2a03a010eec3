"""The game behind leave-one-out, Shapley values and kin: training a head on subsets.

A head is trained on very many subsets of the training set, and its accuracy on the validation set
is shared out among the images by the rules of a cooperative game. The game is ours, the rules are
pyDVL's (https://pydvl.org, version 0.10, an optional package). The head is a ridge regression onto
the labels as unit vectors: fitted in closed form, in a millisecond or two for 2,000 images of 64
features, and as accurate as a logistic one where the embedding separates the classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.head import one_hot, standardization
from core.valuation.learned_methods import PYDVL
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation
from core.valuation.tracin import with_one

UTILITIES = ("closeness", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingConfig:
    """Settings of the game.

    Attributes
    ----------
    utility : what a trained head is worth: "closeness", 1 - |e - output|^2 / 2 in the mean over
        the validation set, at most 1; or "accuracy" there, 0 to 1.
        DEVIATION: the papers take accuracy. One image among hundreds seldom turns a prediction, so
        that values are mostly noise; closeness sees what it changes
    ridge : > 0, pull of the weights towards 0, in units of the number of features
    seed : 0 or more; decides orders and subsets
    """

    utility: str = "closeness"
    ridge: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.utility not in UTILITIES:
            raise ConfigError(f"utility must be one of: {', '.join(UTILITIES)}; {self.utility!r}.")
        if not (np.isfinite(self.ridge) and self.ridge > 0):
            raise ConfigError(f"ridge must be a number above 0, got {self.ridge}.")


class RidgeHead:
    """Least squares onto unit vectors, as pyDVL's games train it.

    Parameters
    ----------
    n_classes : v
    ridge : penalty on the weights' squares, in images
    """

    def __init__(self, n_classes: int, ridge: float) -> None:
        self._n_classes, self._ridge = n_classes, ridge
        self.weights = np.zeros((0, n_classes))

    def fit(self, z: np.ndarray, labels: np.ndarray) -> RidgeHead:
        """Fit to inputs of shape (k, d + 1), with a column of ones, and int64 labels."""
        gram = z.T @ z
        gram[np.diag_indices_from(gram)] += self._ridge
        self.weights = np.linalg.solve(gram, z.T @ one_hot(labels, self._n_classes))
        return self


class ValidationScore:
    """What a trained head is worth, as pyDVL asks for it; tells how many were.

    Parameters
    ----------
    z, labels : validation inputs, shape (m, d + 1), and int64 labels
    n_classes : v
    utility : as in `RetrainingConfig`
    expected : how many heads will about be asked about
    progress : told after each; raising from it stops pyDVL
    """

    range = (-np.inf, 1.0)

    def __init__(
        self,
        z: np.ndarray,
        labels: np.ndarray,
        n_classes: int,
        utility: str,
        expected: int,
        progress: Progress,
    ) -> None:
        self.name = utility
        self.asked = 0
        # Of no image at all: a guess is right once in v times, an output of 0 is 1/2 close.
        self.default = 1.0 / n_classes if utility == "accuracy" else 0.5
        self._z, self._labels, self._targets = z, labels, one_hot(labels, n_classes)
        self._expected, self._progress = expected, progress

    def __call__(self, head: RidgeHead) -> float:
        """Return the worth of `head`, at most 1."""
        self.asked += 1
        done = min(1.0, self.asked / self._expected)
        self._progress("Retraining", done, f"head {self.asked:,} of about {self._expected:,}")
        output = self._z @ head.weights
        if self.name == "accuracy":
            return float((output.argmax(axis=1) == self._labels).mean())
        return float(1 - ((self._targets - output) ** 2).sum(axis=1).mean() / 2)


@dataclass(frozen=True, slots=True)
class Game:
    """A game as pyDVL plays it: who plays, what a coalition is worth, and the rules."""

    rules: Any
    players: Any
    utility: Any
    score: ValidationScore


def pydvl() -> Any:
    """Return the module of pyDVL's valuation methods.

    Raises
    ------
    ConfigError
        Where it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Its dependencies deprecate each other; that is nobody's business here.
            warnings.simplefilter("ignore")
            return import_module("pydvl.valuation")
    except ImportError as error:
        raise ConfigError(
            f"This method needs pyDVL, which cannot be imported here ({error}). Install it with: "
            f"pip install {PYDVL}"
        ) from error


def pose_game(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: RetrainingConfig,
    *,
    expected: int,
    progress: Progress = silent,
) -> Game:
    """Make the game of training a head; parameters as `value_lava`.

    Features are standardized by the validation set, which is the same for every subset.
    """
    rules = pydvl()
    center, scale = standardization(y)
    z, z_val = (with_one((np.asarray(part, dtype=np.float64) - center) / scale) for part in (x, y))
    score = ValidationScore(z_val, y_labels, n_classes, config.utility, expected, progress)
    utility = rules.ModelUtility(
        RidgeHead(n_classes, config.ridge * x.shape[1]),
        score,
        catch_errors=False,
        clone_before_fit=False,  # a fit replaces all that the last one left
    )
    return Game(rules, rules.Dataset(z, x_labels), utility, score)


def played(
    sets: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int],
    config: RetrainingConfig,
    rule: Callable[[Game], np.ndarray],
    *,
    expected: int,
    progress: Progress,
) -> Valuation:
    """Return the valuation by the values that `rule` gives the images in the game.

    Parameters
    ----------
    sets : x, x_labels, y, y_labels, n_classes, as for `value_lava`
    rule : returns values, float64, shape (n,), higher is better
    expected : how many heads it will about train
    """
    seen = resemblance(*sets, progress=progress)
    game = pose_game(*sets, config, expected=expected, progress=progress)
    values = rule(game)
    return valuation_by(-values, seen, details={"heads": game.score.asked})
