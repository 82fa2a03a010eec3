"""What a kind of fault is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of fault that can be planted.

    Attributes
    ----------
    title : its name for people
    summary : a sentence: what it does to an image, and what it stands for
    kind : what truth files and pages call images that have it: "wrong label", "noise", ...
    function, config : what plants it and its settings, as "module:name"
    share_of : what its fraction is a share of, in words
    default_fraction : as the papers have it, 0 to 1
    source : where it is from
    needs_pictures : it cannot be planted in a set of embeddings only
    changes_pictures : pictures are others then, so that embeddings brought along are left out
    needs_network : it is made against a network (`core.corruption.Network`)
    trigger : pictures can be stamped with it (`core.corruption.stamp`)
    takes_images_out : images leave the set; it is planted before the others
    """

    title: str
    summary: str
    kind: str
    function: str
    config: str
    share_of: str = "all images"
    default_fraction: float
    source: str
    needs_pictures: bool = False
    changes_pictures: bool = False
    needs_network: bool = False
    trigger: bool = False
    takes_images_out: bool = False

    def load_function(self) -> Any:
        """Import what plants it (`core.corruption.change.PlantFunction`)."""
        return _load(self.function)

    def load_config(self) -> Any:
        """Import the class of its settings, a frozen dataclass of JSON values."""
        return _load(self.config)

    def option_names(self) -> list[str]:
        """Return the names of its settings, each with its default where it has one: "alpha=0.2"."""
        return [
            item.name if item.default is None else f"{item.name}={_short(item.default)}"
            for item in fields(self.load_config())
        ]

    def configured(self, options: Mapping[str, Any]) -> Any:
        """Return the settings with `options` in place of the defaults.

        Texts become what a setting's default is: the command line gives nothing else.

        Raises
        ------
        ConfigError : there is no such option, or its value is out of range
        """
        kind = self.load_config()
        defaults = {item.name: item.default for item in fields(kind)}
        unknown = [name for name in options if name not in defaults]
        if unknown:
            known = ", ".join(defaults) or "none"
            raise ConfigError(f"{self.title}: unknown option {unknown[0]!r}; there are: {known}.")
        chosen = {name: _as(defaults[name], value, name) for name, value in options.items()}
        return kind(**chosen)


def _as(default: object, value: Any, name: str) -> Any:
    """Return `value` as the type of `default`; whole numbers may stand for others."""
    if value is None or default is None or isinstance(default, str):
        return value if value is None else str(value)
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The option {name} takes a number, got {value!r}.") from error
    if not isinstance(default, int):
        return number
    if not number.is_integer():
        raise ConfigError(f"The option {name} takes a whole number, got {value!r}.")
    return int(number)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _load(text: str) -> Any:
    module, _, name = text.partition(":")
    return getattr(import_module(module), name)
