"""The registry of valuation methods: a new one is its file and an entry here.

Names and words are here without torch, so that a page can offer the methods; the code behind one
loads when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

import numpy as np

from core.progress import Progress, silent
from core.valuation.result import Valuation

# Between which classes label distances are measured: see `LavaConfig`.
LABEL_DISTANCE_KINDS = ("training", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to value images.

    Attributes
    ----------
    title : its name for people
    summary : a sentence: what it does, and when to choose it
    function, config : where its function and its settings are, as "module:name"; the function is
        called as `value_lava` is
    takes_new : images that come later can be valued against a finished valuation (`value_new`)
    calibrates : it has the settings that calibration chooses, and ranks by the fused score
    in_batches : its images are cut into batches, whose size the settings bound
    """

    title: str
    summary: str
    function: str
    config: str
    takes_new: bool = False
    calibrates: bool = False
    in_batches: bool = False

    def configure(self, settings: Mapping[str, Any]) -> Any:
        """Return the settings as this method takes them.

        Those it does not know are left out; None leaves a setting to the method's own default.
        """
        config = _load(self.config)
        known = {item.name for item in fields(config)}
        given = {name: item for name, item in settings.items() if item is not None}
        return config(**{name: item for name, item in given.items() if name in known})

    def __call__(
        self,
        x: np.ndarray,
        x_labels: np.ndarray,
        y: np.ndarray,
        y_labels: np.ndarray,
        n_classes: int,
        config: Any = None,
        *,
        progress: Progress = silent,
    ) -> Valuation:
        """Value n training images against m validation images, as `value_lava` does."""
        result: Valuation = _load(self.function)(
            x, x_labels, y, y_labels, n_classes, config, progress=progress
        )
        return result


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)


METHODS: dict[str, Method] = {
    "lava": Method(
        title="LAVA",
        summary=(
            "Optimal transport between the whole sets, in linear memory. The default at every "
            "size that one machine holds."
        ),
        function="core.valuation.lava:value_lava",
        config="core.valuation.lava:LavaConfig",
        takes_new=True,
        calibrates=True,
    ),
    "label-posterior": Method(
        title="Label posterior",
        summary=(
            "How well each label fits the image's features, with a suggested label and its "
            "probability. The best choice where wrong labels are the only worry: it is blind to "
            "noisy images and to backdoors that agree with their label."
        ),
        function="core.valuation.posterior:value_label_posterior",
        config="core.valuation.posterior:PosteriorConfig",
        takes_new=True,
    ),
    "sava": Method(
        title="SAVA",
        summary=(
            "Optimal transport between batches, weighed by a second transport between the batches "
            "themselves. To compare with the paper, or where sets must be taken in batches: on one "
            "machine LAVA is cheaper and sees every pair of images."
        ),
        function="core.valuation.sava:value_sava",
        config="core.valuation.sava:SavaConfig",
        in_batches=True,
    ),
    "batchwise-lava": Method(
        title="Batch-wise LAVA",
        summary=(
            "As SAVA, with all validation batches weighed alike: the baseline of the SAVA paper. "
            "Small batches hurt it."
        ),
        function="core.valuation.sava:value_batchwise_lava",
        config="core.valuation.sava:SavaConfig",
        in_batches=True,
    ),
    "exact": Method(
        title="Exact transport",
        summary=(
            "LAVA without regularization, by the network simplex: for comparison, on small sets "
            "(up to 25 million pairs). Regularized values usually rank better."
        ),
        function="core.valuation.exact:value_exact",
        config="core.valuation.exact:ExactValueConfig",
    ),
}


def method_title(name: str) -> str:
    """Return a method's name for people; the name itself for a run of a method unknown here."""
    method = METHODS.get(name)
    return name if method is None else method.title
