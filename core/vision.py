"""The one way to import torchvision: beside any build of torch, and in words where it fails."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from core.errors import ConfigError

if TYPE_CHECKING:
    from torch.library import Library

# The operators that torchvision names while it is imported, though only detection models use them.
_NAMED_AT_IMPORT = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
# Torch forgets an operator when the library that declared it goes.
_declared: list[Library] = []


def import_torchvision(submodule: str = "") -> ModuleType:
    """Return torchvision, or a submodule such as "datasets" or "models".

    PyPI's torchvision is compiled against torch with CUDA. Beside the CPU build of torch its
    compiled part cannot be loaded, and the import then fails on an operator of that part
    ("operator torchvision::nms does not exist"). Neither classification models nor data sets use
    it: its schema is declared, without an implementation, and the import is tried once more.

    Raises
    ------
    ConfigError : torchvision is not installed, or does not fit the torch that is
    """
    name = f"torchvision.{submodule}" if submodule else "torchvision"
    try:
        try:
            return importlib.import_module(name)
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            _declare()
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise ConfigError(
            "This needs torchvision, which is not installed. Run: pip install torchvision"
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise ConfigError(
            f"torchvision cannot be loaded beside the torch that is installed ({error}). "
            "Install the two from the same place: pip install torch torchvision"
        ) from error


def _declare() -> None:
    """Declare the operators' schemas, once a process."""
    if _declared:
        return
    from torch.library import Library

    library = Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in _NAMED_AT_IMPORT:
        library.define(name + _SCHEMA)  # type: ignore[no-untyped-call]
    _declared.append(library)
