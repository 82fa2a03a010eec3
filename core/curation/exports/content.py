"""What every export starts from: the run, what was decided, the plan, and tables of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from core.curation.plan import PrunePlan, make_plan
from core.errors import ConfigError, DataError
from core.runs import Run, suggestions

if TYPE_CHECKING:
    from core.datasets import LabelledImages

LINKS = ("hard", "symbolic", "copy")
TABLE_COLUMNS = [
    "id", "class_name", "verdict", "new_label", "final_label", "kept", "removed_by", "value",
    "rank", "reviewer", "at", "note", "disputed", "source", "path",
]  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """What is exported.

    Attributes
    ----------
    run : the run whose images are exported
    plan : which of them go, and the labels of those that stay
    table : `decision_table` of both
    link : how pictures that are files get into a folder: "hard", "symbolic" or "copy"
    """

    run: Run
    plan: PrunePlan
    table: pd.DataFrame
    link: str = "copy"

    @classmethod
    def of(
        cls, run: Run, decisions: pd.DataFrame, plan: PrunePlan | None = None, link: str = "copy"
    ) -> Content:
        """Put together what was decided about `run`; without `plan` only decisions count."""
        if link not in LINKS:
            raise ConfigError(f"Pictures are put there by {', '.join(LINKS)}; got {link!r}.")
        plan = plan or make_plan(run, decisions)
        return cls(run=run, plan=plan, table=decision_table(run, decisions, plan), link=link)

    @cached_property
    def pictures(self) -> LabelledImages:
        """The images, opened again, row for row.

        Raises
        ------
        DataError : a source is gone or has changed, or there are no pictures in it
        """
        for part in self.run.record.training_parts:
            if not part.has_pictures:
                raise DataError(
                    f"{part.source}: it has embeddings only, so there are no pictures to export. "
                    'Take the formats "manifest", "lists" or a table.'
                )
        return self.run.open_images("train")

    @cached_property
    def final_labels(self) -> np.ndarray:
        """Name of each image's class, relabels applied: object array of str, shape (n,)."""
        return np.array(self.plan.class_names, dtype=object)[self.plan.labels]

    @cached_property
    def resemblance(self) -> tuple[np.ndarray, np.ndarray]:
        """The class that each image looks like, object array of str, and how probable that is.

        The probability is float64, 0 to 1.
        """
        values = self.run.values
        return (
            values["looks_like_name"].to_numpy(dtype=object),
            values["looks_like_probability"].to_numpy(dtype=np.float64),
        )

    @cached_property
    def suggested(self) -> tuple[pd.Series, np.ndarray]:
        """The label suggested for each image, missing where none is, and how sure that is.

        Confidence is float64, 0 to 1, NaN where nothing is suggested.
        """
        found = suggestions(self.run)
        label = found.label.astype(np.int64)
        none = label >= len(self.run.class_names)
        names = np.array(self.run.class_names, dtype=object)[np.where(none, 0, label)]
        return pd.Series(names, dtype="str").mask(none), found.confidence.astype(np.float64)

    @cached_property
    def score(self) -> np.ndarray:
        """Quality of each image, float64, shape (n,), 0 to 1, lower is worse.

        The logistic function of how many spreads the value lies above the cut: below 0.5 exactly
        where the image looks harmful, and in the order of the values. Where values are log odds
        that an image is sound it is that probability; of a label posterior, the probability of the
        given label.
        """
        value = self.run.values["value"].to_numpy(dtype=np.float64)
        record, cut = self.run.record, self.run.cut
        if record.method == "label-posterior":
            return np.exp(np.minimum(value, 0.0))
        spread = 1.0 if record.even_odds is not None else cut.spread
        steps = (value - cut.threshold) / (spread or 1.0)
        score: np.ndarray = expit(steps)
        return score


def decision_table(
    run: Run, decisions: pd.DataFrame, plan: PrunePlan | None = None
) -> pd.DataFrame:
    """Return one row an image of `run`, in its order, with what was decided about it.

    Parameters
    ----------
    run : the run whose images are exported
    decisions : `RunDecisions.current` of the run
    plan : which images go; by default those decided "remove"

    Returns
    -------
    pandas.DataFrame
        Columns id, class_name (as labelled), verdict (keep, remove, relabel, unsure, undecided),
        new_label, final_label (relabels applied), kept (bool), removed_by ("decision", "plan" or
        none), value (higher is better), rank (1 is worst), reviewer, at (UTC, ISO 8601), note,
        disputed (bool: reviewers disagree), source, path.
    """
    plan = plan or make_plan(run, decisions)
    joined = decisions.set_index("row").reindex(range(len(run.values)))
    verdict = joined["verdict"].astype("object").fillna("undecided").replace("clear", "undecided")
    # The format is spelled out: str() of a timestamp drops what is zero.
    moments = [None if pd.isna(x) else x.isoformat(timespec="microseconds") for x in joined["at"]]
    sources = np.array([part.source for part, _ in run.parts], dtype=object)
    text: dict[str, Iterable[object]] = {
        "id": run.values["id"],
        "class_name": run.values["class_name"],
        "verdict": verdict,
        "new_label": joined["new_label"],
        "final_label": np.array(plan.class_names, dtype=object)[plan.labels],
        "removed_by": np.select([plan.decided, plan.removed], ["decision", "plan"], "").astype("O"),
        "reviewer": joined["reviewer"],
        "at": moments,
        "note": joined["note"],
        "source": sources[run.part],
        "path": run.values["path"],
    }
    table = pd.DataFrame(
        {name: pd.Series(list(column), dtype="str") for name, column in text.items()}
    )
    table["removed_by"] = table["removed_by"].where(plan.removed)
    table["kept"] = plan.kept
    table["disputed"] = joined["disputed"].eq(True).to_numpy(dtype=bool)
    table["value"] = run.values["value"].to_numpy()
    table["rank"] = run.ranks
    return table[TABLE_COLUMNS]


def neutralize_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would compute instead of show."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
