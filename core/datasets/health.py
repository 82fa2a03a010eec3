"""What is wrong with a set or a pair of sets, before anything is computed with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.datasets.identity import row_digests
from core.datasets.images import LabelledImages, Unreadable, align_classes
from core.datasets.readable import Scan, scan
from core.errors import DataError
from core.progress import Progress, silent

Severity = Literal["error", "warning", "info"]
Where = Literal["training", "validation", "both"]

_TINY_VALIDATION_CLASS = 5  # images; below, its label distances rest on next to nothing
_TINY_TRAINING_CLASS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know about the data.

    Attributes
    ----------
    kind : what it is, for programs: "unreadable", "duplicates", "conflicting-labels",
        "across-duplicates", "missing-class", "tiny-class", "empty-class", "embedding-width",
        "no-common-class"
    severity : "error" where valuing is not possible, "warning" where the result suffers, "info"
    sentence : one or two sentences for people
    where : the set that `image_ids` are from; for "both", ids of the training set
    image_ids : the images concerned, in the set's order; may be empty
    """

    kind: str
    severity: Severity
    sentence: str
    where: Where
    image_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What is in one set.

    Attributes
    ----------
    count : readable images, or embeddings
    class_counts : readable images a class, by name
    width, height : smallest and largest in pixels; None without pictures
    gray : whether all pictures are gray; None without pictures
    embedding_width : numbers in an embedding; None without embeddings
    unreadable : the pictures that cannot be read
    duplicate_groups : ids of images with the same content, each group in the set's order
    findings : what is wrong with it
    """

    source: str
    count: int
    class_counts: dict[str, int]
    width: tuple[int, int] | None
    height: tuple[int, int] | None
    gray: bool | None
    embedding_width: int | None
    unreadable: tuple[Unreadable, ...]
    duplicate_groups: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What is in a training and a validation set, and what is wrong with them.

    Attributes
    ----------
    only_in_training, only_in_validation : classes that the other set has no images of
    across_duplicates : (training id, validation id) of images with the same content
    findings : of each set and of the two together, worst first
    """

    train: Description
    validation: Description
    only_in_training: tuple[str, ...]
    only_in_validation: tuple[str, ...]
    across_duplicates: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing stands in the way of valuing."""
        return all(finding.severity != "error" for finding in self.findings)


def require_same_width(train: LabelledImages, validation: LabelledImages) -> None:
    """Check that given embeddings of the two sets can be compared.

    Raises
    ------
    DataError
        where both have embeddings and their widths differ.
    """
    message = _width_mismatch(train, validation)
    if message is not None:
        raise DataError(message)


def _width_mismatch(train: LabelledImages, validation: LabelledImages) -> str | None:
    if train.embeddings is None or validation.embeddings is None:
        return None
    n, m = train.embeddings.shape[1], validation.embeddings.shape[1]
    if n == m:
        return None
    return (
        f"The embeddings of {train.source} have {n} numbers each, those of {validation.source} "
        f"have {m}. Make both with the same model."
    )


def describe(data: LabelledImages, *, progress: Progress = silent) -> Description:
    """Look at every image of a set and say what is in it and what is wrong with it."""
    return _describe(data, "training", progress)[0]


def check(
    train: LabelledImages, validation: LabelledImages, *, progress: Progress = silent
) -> HealthReport:
    """Look at every image of both sets and say what is wrong with them and how they fit together.

    Pictures are decoded once, in several threads; those with the same pixels count as duplicates
    however they are stored. Embeddings without pictures are duplicates where all numbers agree.
    """

    def share(start: float) -> Progress:
        def report(stage: str, done: float, detail: str = "") -> None:
            progress(stage, start + done / 2, detail)

        return report

    train, validation = align_classes(train, validation)
    left, left_digests = _describe(train, "training", share(0.0))
    right, right_digests = _describe(validation, "validation", share(0.5))
    only_left, only_right = _one_sided(left, right), _one_sided(right, left)
    across = _across(train, left_digests, validation, right_digests)
    findings = [
        *left.findings,
        *right.findings,
        *_pair_findings(train, validation, left, only_left, only_right, across),
    ]
    order: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
    findings.sort(key=lambda finding: order[finding.severity])
    return HealthReport(left, right, only_left, only_right, across, tuple(findings))


def _describe(
    data: LabelledImages, where: Where, progress: Progress
) -> tuple[Description, list[bytes | None]]:
    """Return the description of a set and the digest of each row's content."""
    looked = None if data.images is None else scan(data.images, progress)
    digests = _embedding_digests(data) if looked is None else looked.digests
    readable = np.array([digest is not None for digest in digests])
    counts = np.bincount(data.labels[readable], minlength=len(data.class_names))
    class_counts = dict(zip(data.class_names, counts.tolist(), strict=True))
    bad = {} if looked is None else looked.unreadable
    unreadable = (
        *data.unreadable,
        *(Unreadable(str(data.ids[row]), why) for row, why in sorted(bad.items())),
    )
    groups = _groups(digests)
    width, height = _sizes(looked)
    description = Description(
        source=data.source,
        count=int(readable.sum()),
        class_counts=class_counts,
        width=width,
        height=height,
        gray=None if looked is None else looked.gray,
        embedding_width=None if data.embeddings is None else data.embeddings.shape[1],
        unreadable=unreadable,
        duplicate_groups=tuple(_ids(data, group) for group in groups),
        findings=(
            *_unreadable_findings(data, unreadable, bad, where),
            *_duplicate_findings(data, groups, where),
            *_tiny_findings(class_counts, where),
        ),
    )
    return description, digests


def _embedding_digests(data: LabelledImages) -> list[bytes | None]:
    if data.embeddings is None:
        return [None] * len(data)
    return [*row_digests(data.embeddings)]


def _sizes(looked: Scan | None) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    if looked is None:
        return None, None
    seen = looked.sizes[looked.sizes[:, 0] > 0]
    if not len(seen):
        return None, None
    low, high = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
    return (low[0], high[0]), (low[1], high[1])


def _groups(digests: list[bytes | None]) -> list[list[int]]:
    """Return the rows that share their content, groups of two and more."""
    rows: defaultdict[bytes, list[int]] = defaultdict(list)
    for row, digest in enumerate(digests):
        if digest is not None:
            rows[digest].append(row)
    return [group for group in rows.values() if len(group) > 1]


def _ids(data: LabelledImages, rows: list[int]) -> tuple[str, ...]:
    return tuple(data.ids[rows].tolist())


def _unreadable_findings(
    data: LabelledImages, unreadable: tuple[Unreadable, ...], bad: dict[int, str], where: Where
) -> list[Finding]:
    if not unreadable:
        return []
    ids = tuple(picture.image_id for picture in unreadable)
    if len(bad) == len(data):
        sentence = f"No picture of the {where} set can be read; the first: {unreadable[0].reason}."
        return [Finding("unreadable", "error", sentence, where, ids)]
    sentence = (
        f"{_count(len(ids), 'picture')} of the {where} set cannot be read and will be left out; "
        f"the first is {ids[0]}: {unreadable[0].reason}."
    )
    return [Finding("unreadable", "warning", sentence, where, ids)]


def _duplicate_findings(
    data: LabelledImages, groups: list[list[int]], where: Where
) -> list[Finding]:
    findings = []
    conflicting = [group for group in groups if len(set(data.labels[group].tolist())) > 1]
    if conflicting:
        rows = sorted(row for group in conflicting for row in group)
        sentence = (
            f"{_count(len(conflicting), 'image')} of the {where} set "
            f"{_is(conflicting)} there several times under different labels."
        )
        findings.append(Finding("conflicting-labels", "warning", sentence, where, _ids(data, rows)))
    if groups:
        rows = sorted(row for group in groups for row in group)
        sentence = (
            f"{_count(len(groups), 'image')} of the {where} set {_is(groups)} there more than "
            f"once, {len(rows) - len(groups):,} more than needed."
        )
        findings.append(Finding("duplicates", "info", sentence, where, _ids(data, rows)))
    return findings


def _tiny_findings(class_counts: dict[str, int], where: Where) -> list[Finding]:
    least = _TINY_VALIDATION_CLASS if where == "validation" else _TINY_TRAINING_CLASS
    tiny = {name: count for name, count in class_counts.items() if 0 < count < least}
    if not tiny:
        return []
    listed = _few([f"{name} ({count})" for name, count in tiny.items()])
    sentence = (
        f"Fewer than {least} images in {_count(len(tiny), 'class', 'classes')} of the {where} set, "
        f"so what is said about them is uncertain: {listed}."
    )
    return [Finding("tiny-class", "warning", sentence, where)]


def _one_sided(one: Description, other: Description) -> tuple[str, ...]:
    """Return the classes that `one` has images of and `other` has not."""
    return tuple(
        name for name, count in one.class_counts.items() if count and not other.class_counts[name]
    )


def _across(
    train: LabelledImages,
    train_digests: list[bytes | None],
    validation: LabelledImages,
    validation_digests: list[bytes | None],
) -> tuple[tuple[str, str], ...]:
    if (train.images is None) != (validation.images is None):
        return ()  # pictures and embeddings cannot be compared
    first: dict[bytes, int] = {}
    for row, digest in enumerate(validation_digests):
        if digest is not None:
            first.setdefault(digest, row)
    return tuple(
        (str(train.ids[row]), str(validation.ids[first[digest]]))
        for row, digest in enumerate(train_digests)
        if digest is not None and digest in first
    )


def _pair_findings(
    train: LabelledImages,
    validation: LabelledImages,
    left: Description,
    only_left: tuple[str, ...],
    only_right: tuple[str, ...],
    across: tuple[tuple[str, str], ...],
) -> list[Finding]:
    findings = []
    mismatch = _width_mismatch(train, validation)
    if mismatch is not None:
        findings.append(Finding("embedding-width", "error", mismatch, "both"))
    present = {name for name, count in left.class_counts.items() if count}
    if present and present == set(only_left):
        sentence = (
            f"The two sets have no class in common. Training: {_few(sorted(present))}; validation: "
            f"{_few(only_right)}. Check that classes are called the same in both."
        )
        findings.append(Finding("no-common-class", "error", sentence, "both"))
    elif only_left:
        positions = [train.class_names.index(name) for name in only_left]
        rows = np.flatnonzero(np.isin(train.labels, positions)).tolist()
        sentence = (
            f"The validation set has no images of {_few(only_left)}, so "
            f"{_count(len(rows), 'image')} of the training set can only be compared with "
            "other classes."
        )
        findings.append(Finding("missing-class", "warning", sentence, "both", _ids(train, rows)))
    if only_right and present != set(only_left):
        sentence = f"The training set has no images of {_few(only_right)}."
        findings.append(Finding("missing-class", "info", sentence, "both"))
    if across:
        sentence = (
            f"{_count(len(across), 'image')} of the training set "
            f"{_is(across)} in the validation set too. The validation set should be apart from it: "
            "such images look more helpful than they are."
        )
        ids = tuple(pair[0] for pair in across)
        findings.append(Finding("across-duplicates", "warning", sentence, "both", ids))
    return findings


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _is(things: list[list[int]] | tuple[tuple[str, str], ...]) -> str:
    return "is" if len(things) == 1 else "are"


def _few(names: list[str] | tuple[str, ...], limit: int = 8) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
