"""What an image adds when heads are trained with it: leave-one-out and Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.game import Game, RetrainingConfig, played
from core.valuation.result import Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationConfig(RetrainingConfig):
    """Settings of Shapley values from random orders; the rest as for the game.

    Attributes
    ----------
    permutations : orders, >= 1
    truncation : with TMC-Shapley, an order is left where the utility is within this share of that
        of the whole set, > 0
    burn_in : share of an order that is followed in any case, 0 to 1
    """

    permutations: int = 20
    truncation: float = 0.01
    burn_in: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        RetrainingConfig.__post_init__(self)
        if self.permutations < 1:
            raise ConfigError(f"permutations must be 1 or more, got {self.permutations}.")
        if not (np.isfinite(self.truncation) and self.truncation > 0):
            raise ConfigError(f"truncation must be above 0, got {self.truncation}.")
        if not 0 <= self.burn_in <= 1:
            raise ConfigError(f"burn_in must be 0 to 1, got {self.burn_in}.")


def value_leave_one_out(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: RetrainingConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by the utility that is lost without them; parameters as `value_lava`.

    value_i = u(all) - u(all but i), exact for the head that is trained. Needs both sets' embeddings
    and labels, and pyDVL. Low is bad: below 0 the head is better without the image. One image among
    thousands seldom turns a prediction: with the utility "accuracy" most values are 0.

    Raises
    ------
    ConfigError, DataError
        For settings out of range, sets that cannot be used, or where pyDVL is absent.

    Notes
    -----
    n + 1 heads: time O(n (n d^2 + m d v)).

    References
    ----------
    Koh & Liang, ICML 2017, section 2.1, which approximates it.
    """
    config = config or RetrainingConfig()
    sets = (x, x_labels, y, y_labels, n_classes)

    def rule(game: Game) -> np.ndarray:
        return _shares(game.rules.LOOValuation(game.utility), game)

    return played(sets, config, rule, expected=2 * len(x), progress=progress)


def value_permutation_shapley(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: PermutationConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by their mean gain over random orders; parameters as `value_lava`.

    value_i = mean over orders of u(those before i, and i) - u(those before i): an unbiased estimate
    of the Shapley value. Needs both sets' embeddings and labels, and pyDVL. Low is bad. Values sum
    to u(all) - u(none); with few orders they are noisy.

    Raises
    ------
    ConfigError, DataError
        As `value_leave_one_out`.

    Notes
    -----
    permutations * n heads: time O(permutations n (n d^2 + m d v)).

    References
    ----------
    Jia et al., "Towards Efficient Data Valuation Based on the Shapley Value", AISTATS 2019, section
    4.1 (permutation sampling).
    """
    config = config or PermutationConfig()
    sets = (x, x_labels, y, y_labels, n_classes)

    def rule(game: Game) -> np.ndarray:
        rules = game.rules
        sampler = rules.PermutationSampler(seed=config.seed)
        enough = rules.MinUpdates(config.permutations)
        return _shares(rules.ShapleyValuation(game.utility, sampler, enough), game)

    return played(sets, config, rule, expected=config.permutations * len(x), progress=progress)


def value_tmc_shapley(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: PermutationConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by their mean gain over random orders that are cut short; as `value_lava`.

    As `value_permutation_shapley`, but an order is left where the utility has come within
    `truncation` of that of the whole set: images after that count as gaining nothing. Cheaper, and
    biased towards 0. Needs, and which end is bad: as there.

    Raises
    ------
    ConfigError, DataError
        As `value_leave_one_out`.

    Notes
    -----
    At most permutations * n heads.

    References
    ----------
    Ghorbani & Zou, "Data Shapley", ICML 2019, Algorithm 1.
    """
    config = config or PermutationConfig()
    sets = (x, x_labels, y, y_labels, n_classes)

    def rule(game: Game) -> np.ndarray:
        rules = game.rules
        cut = rules.RelativeTruncation(rtol=config.truncation, burn_in_fraction=config.burn_in)
        enough = rules.MinUpdates(config.permutations)
        found = rules.TMCShapleyValuation(game.utility, cut, enough, seed=config.seed)
        return _shares(found, game)

    return played(sets, config, rule, expected=config.permutations * len(x), progress=progress)


def _shares(rule: Any, game: Game) -> np.ndarray:
    """Return what pyDVL's `rule` gives each player, float64, shape (n,)."""
    return np.asarray(rule.fit(game.players).result.values, dtype=np.float64)
