"""What a valuation method says of itself; the code behind one loads when it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation.result import Valuation

# What methods are grouped by, in the order in which they are offered.
FAMILIES = (
    "optimal transport",
    "neighbors",
    "network head",
    "gradients",
    "Shapley values and kin",
    "reference",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to value images.

    Attributes
    ----------
    title : its name for people
    summary : a sentence: what it does, and when to choose it
    family : one of `FAMILIES`
    needs : what it works from beside embeddings and labels of both sets, and what it trains
    cost : how its time grows, in words
    source : the paper that it is from
    function, config : where its function and its settings are, as "module:name"; the function is
        called as `value_lava` is
    transports : it solves a transport problem and yields a `TransportValuation`
    takes_new : images that come later can be valued against a finished valuation (`value_new`)
    calibrates : it has the settings that calibration chooses, and ranks by the fused score
    in_batches : its images are cut into batches, whose size the settings bound
    most_images : most training images that it takes, None where there is no bound
    package : what has to be installed for it beside the requirements, as it is imported
    install : what follows "pip install" to have it, where that is not the package's name
    unit : what its values are measured in, in words
    even_odds : value of an image that is as likely faulty as sound, None where values do not say
    zero_is_neutral : values above 0 help and those below hurt; else they only rank
    """

    title: str
    summary: str
    family: str
    cost: str
    source: str
    function: str
    config: str
    needs: str = "Nothing beside the embeddings and labels of both sets."
    transports: bool = False
    takes_new: bool = False
    calibrates: bool = False
    in_batches: bool = False
    most_images: int | None = None
    package: str | None = None
    install: str | None = None
    unit: str = "units of cost"
    even_odds: float | None = None
    zero_is_neutral: bool = True

    @property
    def installed(self) -> bool:
        """Return whether what it needs is installed."""
        return self.package is None or find_spec(self.package) is not None

    def require_usable(self, n: int | None = None) -> None:
        """Refuse what cannot be computed, before anything is read or computed.

        Parameters
        ----------
        n : number of training images, where it is known

        Raises
        ------
        ConfigError : a package is missing, or there are more images than the method takes
        """
        if not self.installed:
            raise ConfigError(
                f"{self.title} needs the package {self.package}, which is not installed here: "
                f"pip install {self.install or self.package}"
            )
        if n is not None and self.most_images is not None and n > self.most_images:
            raise ConfigError(
                f"{self.title} takes {self.most_images:,} training images at most, as its time "
                f"grows too fast; these are {n:,}. Take a smaller set or another method."
            )

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
        """Value n training images against m validation images, as `value_lava` does.

        Raises
        ------
        ConfigError, DataError
            As `require_usable`, and what the method itself refuses.
        """
        self.require_usable(len(x))
        result: Valuation = _load(self.function)(
            x, x_labels, y, y_labels, n_classes, config, progress=progress
        )
        return result


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
