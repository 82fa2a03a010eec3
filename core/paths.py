"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from core.errors import ConfigError


def absolute_path(text: str | Path) -> Path:
    """Return the path `text` made absolute, a ~ or ~NAME at its start resolved.

    Raises
    ------
    ConfigError : there is no user of that name, or nobody knows the own home folder
    """
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        if Path(text).parts[0] == "~":
            raise ConfigError(
                f"{text}: there is no home folder here (HOME is not set). Write the whole path."
            ) from error
        raise ConfigError(f"{text}: there is no user of that name here.") from error
