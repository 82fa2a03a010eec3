"""mixture.toml: the sources and settings of a projection, as a file for people."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from core.acquisition.spec import EXAMPLE_PREFIX, Offer, ProjectionSpec
from core.errors import ConfigError
from core.paths import absolute_path
from core.runs import absolute_source

_TEXT, _WHOLE, _NUMBER = (str,), (int,), (int, float)
_WORDS = {_TEXT: "text in quotes", _WHOLE: "a whole number", _NUMBER: "a number"}
_SIZES = "sizes"

# What each table may hold: the key, the field of the spec that it is for, and what it must be.
_Keys = Mapping[str, tuple[str, Any]]
_SOURCE: _Keys = {
    "name": ("name", _TEXT),
    "pilot": ("pilot", _TEXT),
    "ids": ("ids", _TEXT),
    "capacity": ("capacity", _WHOLE),
    "price": ("price", _NUMBER),
}
_TABLES: Mapping[str, _Keys] = {
    "validation": {"source": ("validation", _TEXT)},
    "test": {"source": ("test", _TEXT), "ids": ("test_ids", _TEXT)},
    "training": {
        "embedder": ("embedder", _TEXT),
        "learner": ("learner", _TEXT),
        "scales": ("scales", _SIZES),
        "points": ("points", _WHOLE),
        "repeats": ("repeats", _WHOLE),
        "table": ("table", _TEXT),
        "seed": ("seed", _WHOLE),
        "device": ("device", _TEXT),
    },
    "projection": {
        "predictor": ("predictor", _TEXT),
        "sizes": ("sizes", _SIZES),
        "currency": ("currency", _TEXT),
    },
}
_PATHS = ("pilot", "ids", "validation", "test", "test_ids", "table")
_HEAD = "# Sources of images, to be projected by: python -m core project --config FILE\n"


def read_mixture(path: Path) -> ProjectionSpec:
    """Read a projection's configuration from a TOML file; relative paths are relative to it.

    Raises
    ------
    ConfigError : it cannot be read, or a table or key is missing, unknown or of a wrong kind
    """
    path = absolute_path(path)
    raw = _parsed(path)
    unknown = sorted(raw.keys() - {"source", *_TABLES})
    if unknown:
        raise ConfigError(
            f"{path}: there is no table [{unknown[0]}]. Known are [[source]], "
            f"{', '.join(f'[{name}]' for name in _TABLES)}."
        )
    folder = path.parent
    settings: dict[str, Any] = {"sources": _offers(path, raw.get("source"), folder)}
    for name, keys in _TABLES.items():
        settings |= _fields(path, f"[{name}]", raw.get(name, {}), keys, folder)
    if "validation" not in settings:
        raise ConfigError(
            f"{path}: it needs a table [validation] with the key source, such as "
            'source = "data/validation".'
        )
    if "test_ids" in settings and "test" not in settings:
        raise ConfigError(f"{path}: [test] lacks the key source, the set that ids are of.")
    try:
        return ProjectionSpec(**settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def write_mixture(spec: ProjectionSpec) -> str:
    """Return a projection's configuration as TOML that `read_mixture` reads, from any folder.

    What is left open in `spec` is left out; every other setting is named, defaults included.
    """
    # A section at a time: in one go the writer would put short sources into a single line each.
    sections = [f"[[source]]\n{_section(asdict(offer), _SOURCE)}" for offer in spec.sources]
    raw = spec.configuration()
    for name, keys in _TABLES.items():
        if section := _section(raw, keys):
            sections.append(f"[{name}]\n{section}")
    return "\n".join([_HEAD, *sections])


def _section(raw: Mapping[str, Any], keys: _Keys) -> str:
    """Return lines with the fields that are given, by the names that they have in the file."""
    given = {key: raw[field] for key, (field, _) in keys.items()}
    return tomli_w.dumps({key: value for key, value in given.items() if value not in (None, [])})


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: it cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: it is no text in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: it is no TOML ({error}).") from error


def _offers(path: Path, tables: Any, folder: Path) -> tuple[Offer, ...]:
    """Return the sources, of tables that are named [[source]]."""
    if not isinstance(tables, list) or not tables:
        raise ConfigError(
            f"{path}: it needs a table [[source]] for each source, with the keys name and pilot."
        )
    offers = []
    for number, table in enumerate(tables, start=1):
        where = f"[[source]] number {number}"
        given = _fields(path, where, table, _SOURCE, folder)
        for key in ("name", "pilot"):
            if key not in given:
                raise ConfigError(f"{path}: {where} lacks the key {key}.")
        try:
            offers.append(Offer(**given))
        except ConfigError as error:
            raise ConfigError(f"{path}: {where}: {error}") from error
    return tuple(offers)


def _fields(path: Path, where: str, table: Any, keys: _Keys, folder: Path) -> dict[str, Any]:
    """Return a table's values by the names of the spec's fields."""
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {where} must be a table of keys and values.")
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in keys:
            raise ConfigError(
                f"{path}: {where} has the unknown key {key}. Known are: {', '.join(keys)}."
            )
        field, kind = keys[key]
        _require_kind(f"{path}: {where}: {key}", value, kind)
        found[field] = _beside(value, folder) if field in _PATHS else value
    return found


def _require_kind(where: str, value: Any, kind: Any) -> None:
    if kind == _SIZES:
        whole = isinstance(value, list) and all(type(n) is int for n in value)
        if not whole:
            raise ConfigError(f"{where} must be a list of whole numbers, as [100, 200].")
        return
    # A TOML true is an int to Python.
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ConfigError(f"{where} must be {_WORDS[kind]}, got {value!r}.")


def _beside(text: str, folder: Path) -> str:
    """Return a source or file as text, relative paths taken from `folder`."""
    if not text.strip() or text.startswith((EXAMPLE_PREFIX, "~")):
        return text
    named = absolute_source(text)
    return text if named == text else str(folder / text)
