"""Runs over real sources of every kind, with ids that try to break things."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.datasets import LabelledImages, open_source
from core.runs import Run, SourceRecord, write_run
from tests import factories
from tests.factories import make_run, make_valuation

CLASSES = ("bag", "boot", "coat")
HOSTILE = (
    "../../escape.png",
    "/etc/passwd",
    "..",
    "two\nlines.png",
    "quote\"and'tick.png",
    "Ünïcødé-\N{SNOWMAN}-\u202etxt.png",
    "x" * 300,
    "=SUM(A1).png",
    "-rf",
    " padded ",
    ".hidden.png",
    "CASE.png",
    "case.png",
    "a/b/../c.png",
    "back\\slash.png",
    "manifest.csv",
    "<b>bold</b>.png",
    "#comment",
)


def png(seed: int) -> bytes:
    """Return a small picture, another one for each seed."""
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 6), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def labels_of(n: int) -> np.ndarray:
    return np.arange(n) % len(CLASSES)


def run_on(folder: Path, *sources: str) -> Run:
    """Return a run over the sources, as they are opened; its values are invented."""
    opened = [open_source(source) for source in sources]
    sets = [replace(data, embeddings=_embeddings(data)) for data in opened]
    run = make_run(folder, n=sum(map(len, sets)), m=9, pictures=False)
    parts = tuple(
        SourceRecord.of(data, source=source, fingerprint=_digest(source))
        for data, source in zip(opened, sources, strict=True)
    )
    from core.datasets import join_sets

    data = sets[0] if len(sets) == 1 else join_sets(sets)
    train = replace(parts[0], images=len(data))
    record = replace(
        run.record,
        train=train,
        parts=parts if len(parts) > 1 else (),
        class_names=data.class_names,
    )
    valuation = make_valuation(len(data), 9, len(data.class_names), 0)
    return write_run(
        folder.with_name(f"{folder.name}-on"),
        record,
        factories.values_frame(data, valuation),
        run.validation,
        valuation,
        data.embeddings,
        np.asarray(run.y),
    )


def _embeddings(data: LabelledImages) -> np.ndarray:
    if data.embeddings is not None:
        return data.embeddings
    return np.random.default_rng(1).standard_normal((len(data), 8)).astype(np.float32)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def folder_source(root: Path, n: int = 12) -> str:
    """Write a folder of class folders, one of them deeper."""
    for k, label in enumerate(labels_of(n)):
        path = root / CLASSES[label] / ("deep/er" if k % 5 == 0 else "") / f"{k:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(k))
    return str(root)


def manifest_source(root: Path, n: int = 12, suffix: str = "csv") -> str:
    """Write a manifest with two splits, a column of its own, and paths relative to it."""
    (root / "img").mkdir(parents=True)
    rows = []
    for k, label in enumerate(labels_of(n)):
        (root / "img" / f"{k}.png").write_bytes(png(k))
        rows.append((f"img/{k}.png", CLASSES[label], "train" if k < n - 3 else "test", f"by {k}"))
    table = pd.DataFrame(rows, columns=["file", "class", "split", "camera"])
    path = root / f"all.{suffix}"
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path, index=False)
    return f"{path}#train"


def parquet_source(path: Path, n: int = 12, *, copies: bool = False, struct: bool = True) -> str:
    """Write Hugging Face-style Parquet; with `copies` every picture comes twice, without a path."""
    images = [png(k // 2 if copies else k) for k in range(n)]
    column = (
        pa.array(
            [{"bytes": b, "path": None if copies else f"{k}.png"} for k, b in enumerate(images)]
        )
        if struct
        else pa.array(images, pa.binary())
    )
    described = (
        '{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", '
        '"names": ["bag", "boot", "coat"]}}}}'
    )
    table = pa.table(
        {"image": column, "label": pa.array(labels_of(n)), "caption": [f"no {k}" for k in range(n)]}
    )
    metadata = {"huggingface": described} if struct else None
    pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=5)
    return str(path)


def npz_source(path: Path, ids: tuple[str, ...] = HOSTILE, *, pictures: bool = True) -> str:
    """Write an .npz whose images are called by `ids`."""
    n = len(ids)
    rng = np.random.default_rng(0)
    arrays = {
        "embeddings": rng.standard_normal((n, 8)).astype(np.float32),
        "labels": labels_of(n),
        "ids": np.array(ids),
        "class_names": np.array(CLASSES),
        "camera": np.arange(n),
    }
    if pictures:
        arrays["images"] = rng.integers(0, 255, (n, 6, 6), dtype=np.uint8)
    np.savez(path, **arrays)
    return str(path)


def decided(
    run: Run, verdicts: dict[int, str], new_label: str = "boot", note: str = ""
) -> pd.DataFrame:
    """Decisions as `RunDecisions.current` returns them, by row."""
    rows = list(verdicts)
    n = len(rows)
    return pd.DataFrame(
        {
            "row": rows,
            "image_id": run.values["id"].to_numpy(dtype=object)[rows],
            "verdict": list(verdicts.values()),
            "new_label": [new_label if v == "relabel" else None for v in verdicts.values()],
            "note": [note] * n,
            "reviewer": ["Ada"] * n,
            "at": pd.to_datetime(["2026-01-02T03:04:05.000006"] * n, utc=True),
            "disputed": [False] * n,
            "carried_from": [None] * n,
        }
    ).astype({"note": object, "reviewer": object, "verdict": object, "new_label": object})
