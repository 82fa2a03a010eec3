"""What is wrong with pilots, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from core.projection.pilots import Pilots

# Fewer images of a class say next to nothing about it.
_TINY_CLASS = 10
# Embeddings of one model spread about as far; another model's are off by more than this factor.
_SPREAD = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotFinding:
    """Something that a person should know about the pilots.

    Attributes
    ----------
    kind : for programs: "embedding-width", "no-common-class", "empty-validation", "one-source",
        "missing-class", "unmeasured-class", "one-class", "small-pilot", "identical-sources",
        "validation-images", "other-embedding", "nothing-to-buy"
    severity : "error" where nothing can be projected, "warning" where the result suffers
    sentence : one or two sentences for people
    sources : positions of the sources concerned
    """

    kind: str
    severity: Literal["error", "warning"]
    sentence: str
    sources: tuple[int, ...] = ()


def check_labels(
    pilots: Pilots, y_labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[PilotFinding, ...]:
    """Return what labels alone tell to be wrong: a part of `check_pilots`, before it can be asked.

    Parameters
    ----------
    pilots : of m sources; their embeddings are not looked at
    y_labels : of the validation set, int64, shape (k,), positions in `class_names`
    class_names : of the pilots' classes
    """
    error = _no_class(pilots, y_labels)
    if error is not None:
        return (error,)
    return (*_classes(pilots, y_labels, class_names), *_sizes(pilots))


def check_pilots(
    pilots: Pilots, y: np.ndarray, y_labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[PilotFinding, ...]:
    """Return what is wrong with the pilots and how they fit the validation set, errors first.

    Parameters
    ----------
    pilots : of m sources
    y : validation embeddings, shape (k, d)
    y_labels : int64, shape (k,), positions in `class_names`
    class_names : of the pilots' classes
    """
    error = _no_width(pilots, y)
    if error is not None:
        return (error,)
    found = check_labels(pilots, y_labels, class_names)
    if any(finding.severity == "error" for finding in found):
        return found
    return (*found, *_copies(pilots, y), *_spreads(pilots, y))


def _no_class(pilots: Pilots, y_labels: np.ndarray) -> PilotFinding | None:
    """Return what makes it impossible to measure a class."""
    if len(y_labels) == 0:
        return _error("empty-validation", "The validation set holds no image.")
    if not np.isin(pilots.labels, y_labels).any():
        return _error("no-common-class", "No pilot has a class that the validation set has.")
    return None


def _no_width(pilots: Pilots, y: np.ndarray) -> PilotFinding | None:
    """Return what makes it impossible to compare embeddings."""
    if len(y) == 0 or y.shape[1] == pilots.x.shape[1]:
        return None
    return _error(
        "embedding-width",
        f"The pilots' embeddings have {pilots.x.shape[1]} numbers each, those of the "
        f"validation set {y.shape[1]}. Make both with the same model.",
    )


def _error(kind: str, sentence: str) -> PilotFinding:
    return PilotFinding(kind=kind, severity="error", sentence=sentence)


def _warning(kind: str, sentence: str, *sources: int) -> PilotFinding:
    return PilotFinding(kind=kind, severity="warning", sentence=sentence, sources=sources)


def _classes(
    pilots: Pilots, y_labels: np.ndarray, class_names: tuple[str, ...]
) -> Iterator[PilotFinding]:
    shown, wanted = np.unique(pilots.labels), np.unique(y_labels)
    missing, extra = np.setdiff1d(wanted, shown), np.setdiff1d(shown, wanted)
    if len(missing):
        yield _warning(
            "missing-class",
            f"No source shows {_listed(missing, class_names)}: no mix of them can learn that.",
        )
    if len(extra):
        yield _warning(
            "unmeasured-class",
            f"The validation set has no image of {_listed(extra, class_names)}, of which sources "
            "have some: what these teach is not measured, and they look useless or harmful.",
        )
    for source, name in enumerate(pilots.names):
        own = np.unique(pilots.labels[pilots.source == source])
        if len(own) == 1:
            yield _warning(
                "one-class",
                f'"{name}" shows {_listed(own, class_names)} only: alone it teaches nothing.',
                source,
            )


def _listed(classes: np.ndarray, names: tuple[str, ...]) -> str:
    shown = [f'"{names[c]}"' for c in classes[:3]]
    more = [f"{len(classes) - 3} more classes"] if len(classes) > 3 else []
    return " and ".join([*shown, *more])


def _sizes(pilots: Pilots) -> Iterator[PilotFinding]:
    if pilots.m == 1:
        yield _warning(
            "one-source",
            "There is one source and nothing to mix: what is predicted depends on the number of "
            "images alone.",
            0,
        )
    for source, (name, count) in enumerate(zip(pilots.names, pilots.counts, strict=True)):
        classes = len(np.unique(pilots.labels[pilots.source == source]))
        if count < _TINY_CLASS * classes:
            yield _warning(
                "small-pilot",
                f'The pilot of "{name}" shows {count:,} images of {classes:,} classes: what is '
                f"projected from fewer than {_TINY_CLASS} a class is mostly chance.",
                source,
            )
        if pilots.capacity[source] < 1:
            yield _warning("nothing-to-buy", f'No image of "{name}" can be bought.', source)


def _copies(pilots: Pilots, y: np.ndarray) -> Iterator[PilotFinding]:
    x = [pilots.x[pilots.source == source] for source in range(pilots.m)]
    shown = [_contents(part) for part in x]
    trusted = _contents(y.astype(np.float32))
    for first, second in combinations(range(pilots.m), 2):
        if shown[first] == shown[second]:
            yield _warning(
                "identical-sources",
                f'"{pilots.names[first]}" and "{pilots.names[second]}" show the same images. Where '
                "their labels agree as well, nothing tells them apart, and any split between the "
                "two is as good.",
                first,
                second,
            )
    for source, name in enumerate(pilots.names):
        common = len(shown[source] & trusted)
        if common:
            share = "All" if common == len(shown[source]) else f"{common:,}"
            yield _warning(
                "validation-images",
                f'{share} of the images of "{name}" are in the validation set as well: its '
                "accuracies and distances look better than they are.",
                source,
            )


def _contents(x: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in np.ascontiguousarray(x)}


def _spreads(pilots: Pilots, y: np.ndarray) -> Iterator[PilotFinding]:
    """Name the sources that lie as no embedding of the validation set's model would."""
    center = y.mean(axis=0, dtype=np.float64)
    usual = float(np.square(y - center).sum(axis=1).mean())
    distances = np.square(pilots.x - center).sum(axis=1)
    means = np.bincount(pilots.source, weights=distances) / pilots.counts
    for source in np.flatnonzero((means > _SPREAD * usual) | (_SPREAD * means < usual)).tolist():
        yield _warning(
            "other-embedding",
            f'The embeddings of "{pilots.names[source]}" do not spread as those of the validation '
            "set do. Were they made with the same model?",
            source,
        )
