"""Where a set is read from: a path, and what a person chose within it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.errors import DataError
from core.paths import absolute_path

OPTIONS = ("split", "label", "image", "path", "id")


@dataclass(frozen=True, slots=True)
class Location:
    """A source text, taken apart.

    `PATH#train` takes one split; `PATH#label=fine_label&split=train` also says which column holds
    the labels. The same goes for `image`, `path` and `id`.

    Attributes
    ----------
    text : what opens the same source again from any folder: the path made absolute
    path : the absolute path
    options : what was chosen, by name (one of `OPTIONS`)
    """

    text: str
    path: Path
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Location:
        """Take a source text apart.

        Raises
        ------
        DataError
            where the text is empty, the path does not exist, or an option is unknown.
        """
        stripped = text.strip()
        if not stripped:
            raise DataError("Expected where the images are, a path or sample:train; got nothing.")
        if "\0" in stripped:
            raise DataError("A path cannot hold a null character.")
        whole = absolute_path(stripped)
        # A path may itself hold a "#": what exists as it stands is taken as it stands.
        if _exists(whole) or "#" not in stripped:
            path, options = whole, ""
        else:
            before, _, options = stripped.rpartition("#")
            path = absolute_path(before)
        if not _exists(path):
            raise DataError(
                f"{path}: there is no such file or folder. Check the spelling; the path is looked "
                "up on the machine that Assay runs on."
            )
        chosen = parse_options(stripped, options, OPTIONS, "#split=train&label=fine_label")
        return cls(f"{path}#{options}" if options else str(path), path, chosen)

    def option(self, name: str) -> str | None:
        """Return what was chosen for `name`, or None."""
        return self.options.get(name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name too long, a folder that may not be entered
        raise DataError(f"{path}: it cannot be looked up ({error.strerror}).") from error


def parse_options(text: str, options: str, known: tuple[str, ...], example: str) -> dict[str, str]:
    """Take apart what stands after the # of a source text.

    Parameters
    ----------
    text : the whole source text, for messages
    options : what stands after the #; a part without a = is the split
    known : names that may be chosen
    example : a proper end of a source text, for messages

    Raises
    ------
    DataError
        where an option is unknown.
    """
    chosen: dict[str, str] = {}
    for part in filter(None, options.split("&")):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "split", part
        if name not in known:
            raise DataError(
                f"{text}: unknown option {name!r} after the #. Known are {', '.join(known)}, "
                f"as in {example}."
            )
        chosen[name] = value
    return chosen
