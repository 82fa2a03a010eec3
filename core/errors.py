"""The errors that a person is meant to read.

A message is one or two sentences: what was expected, what came (file, row), what to do about it.
Pages show it, the command line prints it to stderr; neither adds a traceback.
"""

from __future__ import annotations


class AssayError(Exception):
    """Base of every error that is explained to the user instead of crashing."""


class DataError(AssayError):
    """The data given cannot be used: missing, malformed, inconsistent."""


class ConfigError(AssayError, ValueError):
    """A setting is out of its range or does not fit the data."""


class RunError(AssayError):
    """A run folder is missing, incomplete, or not one of ours."""


class StoreError(AssayError):
    """The database of decisions cannot be reached, read or written just now."""


class Cancelled(AssayError):  # noqa: N818 - not a fault: somebody asked for it
    """The work was stopped on request; nothing was written."""
