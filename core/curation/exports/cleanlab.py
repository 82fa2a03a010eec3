"""Format: issues as cleanlab's Datalab names its columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.curation.exports.content import Content
from core.curation.exports.tables import save_csv
from core.progress import Progress


def issues(content: Content) -> pd.DataFrame:
    """Return one row an image, in the run's order, in the columns that Datalab's tools expect.

    id, is_lava_issue (bool: the value lies below the cut), lava_score (0 to 1, lower is worse; see
    `Content.score`), given_label, predicted_label (what the image's features resemble most),
    suggested_label (where another than the given one is likely), and the decision: verdict,
    final_label, kept.
    """
    table = content.table
    return pd.DataFrame(
        {
            "id": table["id"],
            "is_lava_issue": content.run.cut.harmful,
            "lava_score": content.score,
            "given_label": table["class_name"],
            "predicted_label": pd.Series(content.resemblance[0], dtype="str"),
            "suggested_label": content.suggested[0],
            "verdict": table["verdict"],
            "final_label": table["final_label"],
            "kept": table["kept"],
        }
    )


def write_cleanlab(content: Content, folder: Path, progress: Progress) -> None:
    """Write issues.csv (formulas neutralized) and issues.parquet (texts exactly as they are)."""
    table = issues(content)
    save_csv(table, folder / "issues.csv", progress)
    table.to_parquet(folder / "issues.parquet", index=False)
