"""Where to compute."""

from __future__ import annotations

from core.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


def require_device_name(device: str) -> None:
    """Refuse a name that is no device's; whether one is there is for `resolve_device` to say.

    Raises
    ------
    ConfigError : unknown
    """
    if device not in DEVICES:
        raise ConfigError(
            f"Device must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, got {device}."
        )


def resolve_device(device: str) -> str:
    """Return cpu, cuda or mps for auto, cpu, cuda or mps.

    Raises
    ------
    ConfigError : unknown, or not there on this machine
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(device, False):
        usable = ", ".join(name for name, available in there.items() if available)
        raise ConfigError(f"The device '{device}' is not available here. Choose one of: {usable}.")
    return device
