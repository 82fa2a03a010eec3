"""Format: a folder that FiftyOne imports as `FiftyOneImageClassificationDataset`."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.curation.exports.content import Content
from core.curation.exports.pictures import place_pictures
from core.progress import Progress

_ATTRIBUTES = ("image_id", "given_label", "looks_like", "value", "rank", "verdict", "kept", "note")


def write_fiftyone(content: Content, folder: Path, progress: Progress) -> None:
    """Write data/ with every image and labels.json, those that go included.

    Each label carries as attributes the image's id, the label given, what it looks like, its value
    and rank, the verdict, whether it is kept, and the note; `dataset.match(F("ground_truth.kept"))`
    is then the cleaned set.
    """
    width = len(str(len(content.table)))
    rows = np.arange(len(content.table))
    placed = place_pictures(
        content,
        rows,
        folder / "data",
        # FiftyOne matches a picture to its label by the name without suffix: one of digits is safe.
        lambda k: PurePosixPath(f"{k:0{width}d}"),
        progress,
    )
    final = content.plan.labels.tolist()
    labels = {
        path.stem: {"label": label, "attributes": facts}
        for path, label, facts in zip(placed, final, _attributes(content), strict=True)
    }
    text = json.dumps({"classes": list(content.plan.class_names), "labels": labels})
    (folder / "labels.json").write_text(text, encoding="ascii")


def _attributes(content: Content) -> list[dict[str, Any]]:
    table = content.table
    frame = table.assign(
        image_id=table["id"],
        given_label=table["class_name"],
        looks_like=content.resemblance[0],
        note=table["note"].fillna(""),
    )
    return [
        dict(zip(_ATTRIBUTES, row, strict=True))
        for row in zip(*(frame[name].tolist() for name in _ATTRIBUTES), strict=True)
    ]
