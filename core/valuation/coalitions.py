"""Values from random coalitions, each image in or out by a coin: Banzhaf and least core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.game import Game, RetrainingConfig, played
from core.valuation.result import Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetsConfig(RetrainingConfig):
    """Settings of values from random subsets; the rest as for the game.

    Attributes
    ----------
    subsets : subsets to train on, each image in with probability 1/2, >= 2
    """

    subsets: int = 2000

    def __post_init__(self) -> None:
        """Check the ranges."""
        RetrainingConfig.__post_init__(self)
        if self.subsets < 2:
            raise ConfigError(f"subsets must be 2 or more, got {self.subsets}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastCoreConfig(SubsetsConfig):
    """Settings of the least core; the rest as for random subsets.

    Attributes
    ----------
    subsets : each is a constraint that touches half of the images: the programs grow fast with them
    """

    subsets: int = 500


def value_banzhaf(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: SubsetsConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by what coalitions with them are worth more; parameters as `value_lava`.

    value_i = mean u(S with i) - mean u(S without i) over random subsets S, every one of which
    speaks for every image ("maximum sample reuse"): an unbiased estimate of the Banzhaf value.
    Needs both sets' embeddings and labels, and pyDVL. Low is bad. The noise of a value is about
    2 sd(u(S)) / sqrt(subsets), however many images there are.

    The subsets are drawn and valued by pyDVL; the two means are one product of matrices here, as
    its own updates one image at a time were measured at a millisecond each (n * subsets of them).

    Raises
    ------
    ConfigError, DataError
        For settings out of range, sets that cannot be used, or where pyDVL is absent.

    Notes
    -----
    One head a subset: time O(subsets (n d^2 + m d v)), memory O(subsets n) bytes.

    References
    ----------
    Wang & Jia, "Data Banzhaf", AISTATS 2023, section 4.3.
    """
    config = config or SubsetsConfig()
    sets = (x, x_labels, y, y_labels, n_classes)

    def rule(game: Game) -> np.ndarray:
        inside, worth = _coalitions(game, config)
        worth = worth - worth.mean()  # the same of both means: their difference loses no digits
        count = inside.sum(axis=0, dtype=np.int64)
        with_it = worth @ inside
        without = worth.sum() - with_it
        return with_it / np.maximum(count, 1) - without / np.maximum(len(worth) - count, 1)

    return played(sets, config, rule, expected=config.subsets, progress=progress)


def value_least_core(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LeastCoreConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images so that no coalition could do much better alone; parameters as `value_lava`.

    The values v_i sum to u(all), and sum_{i in S} v_i + e >= u(S) for every drawn subset S with the
    smallest e >= 0 that allows it; among those, the values of least norm. Needs both sets'
    embeddings and labels, and pyDVL with a solver. Low is bad. What is asked of a value is that
    groups are content, not that single images are told apart: wrong labels hardly stand out, least
    of all with fewer subsets than images, where the norm decides.

    Raises
    ------
    ConfigError, DataError
        As `value_banzhaf`; where the solver finds no values.

    Notes
    -----
    One head a subset, then a linear and a quadratic program of n unknowns and one constraint a
    subset, whose time grows about as the cube of the smaller of the two.

    References
    ----------
    Yan & Procaccia, "If You Like Shapley Then You'll Love the Core", AAAI 2021.
    """
    config = config or LeastCoreConfig()
    sets = (x, x_labels, y, y_labels, n_classes)

    def rule(game: Game) -> np.ndarray:
        found = game.rules.MonteCarloLeastCoreValuation(
            game.utility,
            n_samples=config.subsets,
            # Fewer subsets than images leave e without a bound.
            non_negative_subsidy=True,
            progress=False,
            seed=config.seed,
            solver_options={"solver": "CLARABEL"},
        )
        values = np.asarray(found.fit(game.players).result.values, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ConfigError(
                f"The solver found no least core of {config.subsets:,} subsets. Take another "
                "number of them."
            )
        return values

    return played(sets, config, rule, expected=config.subsets, progress=progress)


def _coalitions(game: Game, config: SubsetsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return who is in each subset, bool, shape (subsets, n), and its utility, float64."""
    rules = game.rules
    sampler = rules.UniformSampler(index_iteration=rules.NoIndexIteration, seed=config.seed)
    utility = game.utility.with_dataset(game.players)
    inside = np.zeros((config.subsets, len(game.players)), dtype=bool)
    worth = np.empty(config.subsets)
    for at, sample in zip(
        range(config.subsets), sampler.generate(game.players.indices), strict=False
    ):
        inside[at, sample.subset] = True
        worth[at] = utility(sample)
    return inside, worth
