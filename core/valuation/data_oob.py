"""Data-OOB: how often trees that did not see an image are right about it, through pyDVL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.game import pydvl
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation

_TREES_AT_ONCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOobConfig:
    """Settings of Data-OOB.

    Attributes
    ----------
    trees : decision trees, >= 1; an image is out of the bag of about 37 % of them
    seed : 0 or more
    """

    trees: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.trees < 1:
            raise ConfigError(f"trees must be 1 or more, got {self.trees}.")


def value_data_oob(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: DataOobConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by how often trees that did not see them are right; parameters as `value_lava`.

    value_i = share of the bagged trees without image i in their sample that predict its label, 0 to
    1. Trees look at sqrt(d) features a split, as in a random forest. Needs the training set's
    embeddings and labels only (the validation set says what an image looks like), and pyDVL. Low is
    bad. An image that no tree left out has value 1/2.

    Raises
    ------
    ConfigError, DataError
        For settings out of range, sets that cannot be used, or where pyDVL is absent.

    Notes
    -----
    Time O(trees sqrt(d) n log^2 n), memory O(trees n).

    References
    ----------
    Kwon & Zou, "Data-OOB", ICML 2023, section 3.
    """
    from sklearn.ensemble import BaggingClassifier  # takes a second to import
    from sklearn.tree import DecisionTreeClassifier

    config = config or DataOobConfig()
    rules = pydvl()
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    # Trees of a bag predict positions in the list of its classes: labels are made to be those.
    labels = np.unique(x_labels, return_inverse=True)[1].astype(np.int64)
    rng = np.random.default_rng(config.seed)
    players = rules.Dataset(x, labels)
    right, asked = np.zeros(len(x)), np.zeros(len(x))
    for done in range(0, config.trees, _TREES_AT_ONCE):
        progress("Trees", done / config.trees, f"{done:,} of {config.trees:,}")
        # A bag of its own each time: scikit-learn's warm start forgets who was in the bag before.
        bag = BaggingClassifier(
            DecisionTreeClassifier(max_features="sqrt"),
            n_estimators=min(_TREES_AT_ONCE, config.trees - done),
            random_state=int(rng.integers(2**31)),
        )
        found = rules.DataOOBValuation(bag.fit(x, labels)).fit(players).result
        # pyDVL leaves out whom every tree has seen.
        right[found.indices] += found.values * found.counts
        asked[found.indices] += found.counts
    return valuation_by(-np.where(asked > 0, right / np.maximum(asked, 1), 0.5), seen)
