"""A backdoor's trigger on any pictures: what attack success is measured with."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.corruption.planted import fault_named
from core.corruption.registry import FAULTS
from core.errors import ConfigError


def stamp(name: str, pictures: np.ndarray, **options: Any) -> np.ndarray:
    """Return copies of the pictures with the trigger of a backdoor.

    Parameters
    ----------
    name : a fault of `FAULTS` that has a trigger
    pictures : uint8, shape (n, height, width), (n, height, width, 1 or 3), or (n, 1 or 3, height,
        width) as `core.datasets.decode_batches` yields them
    options : settings of the fault as it was planted; its target class plays no part

    Returns
    -------
    uint8, of the shape of `pictures`

    Raises
    ------
    ConfigError : the fault has no trigger, or an option or the shape is wrong
    """
    fault = fault_named(name)
    if not fault.trigger:
        known = ", ".join(name for name, fault in FAULTS.items() if fault.trigger)
        raise ConfigError(f"{name} has no trigger to stamp pictures with; those that do: {known}.")
    if pictures.dtype != np.uint8 or pictures.ndim not in {3, 4}:
        raise ConfigError(
            "Expected pictures as uint8, shape (n, height, width[, channels]), got "
            f"{pictures.dtype}, {pictures.shape}."
        )
    trigger = fault.configured(options).trigger()
    channels_first = (
        pictures.ndim == 4 and pictures.shape[1] in {1, 3} and pictures.shape[3] not in {1, 3}
    )
    seen = np.moveaxis(pictures, 1, 3) if channels_first else pictures
    if seen.ndim == 4 and seen.shape[3] not in {1, 3}:
        raise ConfigError(f"Expected pictures of 1 or 3 channels, got shape {pictures.shape}.")
    gray = seen.ndim == 4 and seen.shape[3] == 1
    stamped = [trigger(picture[..., 0] if gray else picture, 0) for picture in seen]
    whole = np.stack(stamped)[..., None] if gray else np.stack(stamped)
    return np.ascontiguousarray(np.moveaxis(whole, 3, 1) if channels_first else whole)
