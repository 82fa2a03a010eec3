"""The evidence on one training image of a run: why it is where it is, and what is like it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.errors import DataError
from core.runs.folder import Run
from core.runs.problem import ground_cost
from core.runs.suggestions import suggestions

if TYPE_CHECKING:
    from core.datasets import ImageStore, LabelledImages
    from core.transport import GroundCost
    from core.valuation import Evidence, Neighbors, Suggestions

# Pictures compared with one image, in each set: those nearest by features.
_CANDIDATES = 12
# Of the usual distance between neighbors: how near is looked at, and how near says enough where
# there are no pictures.
_LOOKED_AT = 1.0
_NEAR = 0.25
RULE_PICTURES = (
    "A copy has the same content. A near-copy looks the same: made 32 by 32, mirrored or not, the "
    "pixels correlate by 0.97 or more. Only images no farther apart than neighbors usually are "
    "were compared."
)
RULE_FEATURES = (
    "There are no pictures here to compare, so a near-copy is one by its embedding: closer than a "
    "quarter of the usual distance between a validation image and its nearest one. "
    "A copy has the same numbers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Images of one set that show the same as a training image, nearest first.

    Attributes
    ----------
    rows : int64, shape (k,)
    exact : bool, shape (k,): the same content, not only the same to look at
    """

    rows: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEvidence:
    """All that is known of one training image.

    Attributes
    ----------
    reasons : why it is flagged or is not, one or two sentences
    flagged : it lies below the cut of the run (`core.evaluation.harmful_cut`'s threshold)
    plan : nearest validation images; those matched and its cost, where the run has a plan
    training : training images nearest by features, itself left out
    training_copies, validation_copies : what shows the same
    rule : what counts as a copy here, in words
    suggested, confidence : a label, a position in the run's class names, and how likely it is the
        right one; None where none is suggested
    fault, fault_probability : the likeliest kind of fault, and how likely any fault is; None where
        the run is not calibrated
    """

    reasons: tuple[str, ...]
    flagged: bool
    plan: Evidence
    training: Neighbors
    training_copies: Copies
    validation_copies: Copies
    rule: str
    suggested: int | None
    confidence: float | None
    fault: str | None
    fault_probability: float | None


class RunEvidence:
    """What the evidence on any image of a run needs, each part made once, when it is asked for.

    Parameters
    ----------
    run : the run
    images : opens the pictures of "train" or "validation"; raises `DataError` where there are none
    """

    def __init__(self, run: Run, images: Callable[[str], LabelledImages]) -> None:
        self.run = run
        self._images = images
        self._lock = threading.Lock()

    @cached_property
    def cost(self) -> GroundCost:
        """Return the ground cost that the run was valued with; embeddings stay on disk."""
        return ground_cost(self.run, precise=True)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Return the label suggested for each training image."""
        return suggestions(self.run)

    @cached_property
    def _norms(self) -> np.ndarray:
        from core.valuation import squared_norms

        return squared_norms(self.run.x)

    @cached_property
    def _spacing(self) -> float:
        from core.valuation import usual_spacing

        return usual_spacing(self.cost.y)

    @cached_property
    def _reach(self) -> np.ndarray:
        from core.valuation import usual_reach

        return usual_reach(self.run.x, self.cost.y)

    @cached_property
    def _commoner(self) -> np.ndarray:
        """The share of each class in training over that in validation; NaN without the latter."""
        v = len(self.run.class_names)
        train = np.bincount(self.cost.x_labels, minlength=v) / len(self.cost.x_labels)
        validation = np.bincount(self.cost.y_labels, minlength=v) / len(self.cost.y_labels)
        return np.divide(train, validation, out=np.full(v, np.nan), where=validation > 0)

    def of(self, row: int, *, k: int = 7) -> ImageEvidence:
        """Return the evidence on training image `row`, with k neighbors of each kind.

        Raises
        ------
        IndexError : there is no such row

        Notes
        -----
        Time O((n + m) d), and the decoding of at most 25 small pictures.
        """
        from core.valuation import NO_LABEL, explain, nearest_rows

        run = self.run
        if not 0 <= row < len(run.values):
            raise IndexError(row)
        with self._lock:  # two of the first to ask would each make everything
            cost, norms, spacing = self.cost, self._norms, self._spacing
            _ = self._reach, self._commoner, self.suggestions
        found = explain(
            cost,
            row,
            run.potentials.g if run.has_plan else None,
            run.record.epsilon,
            plan=plan_row(run, row),
            resembles=int(run.values["looks_like"].to_numpy()[row]),
            k=max(k, _CANDIDATES),
        )
        near = nearest_rows(run.x, norms, run.x[row], max(k, _CANDIDATES), leave_out=row)
        trained = self._copies("train", row, near.rows, near.distance, spacing)
        held = self._copies("validation", row, found.nearest, found.nearest_distance, spacing)
        suggested = int(self.suggestions.label[row])
        fault, probability = self._fault(row)
        return ImageEvidence(
            reasons=self._reasons(row, found, fault, probability, k),
            flagged=self._flagged(row),
            plan=found,
            training=near,
            training_copies=trained,
            validation_copies=held,
            rule=RULE_FEATURES if self._pictures("train") is None else RULE_PICTURES,
            suggested=None if suggested == NO_LABEL else suggested,
            confidence=None if suggested == NO_LABEL else float(self.suggestions.confidence[row]),
            fault=fault,
            fault_probability=probability,
        )

    def _flagged(self, row: int) -> bool:
        return bool(self.run.cut.harmful[row])

    def _fault(self, row: int) -> tuple[str | None, float | None]:
        values = self.run.values
        if "fault_probability" not in values.columns:
            return None, None
        probability = values["fault_probability"].to_numpy()[row]
        return str(values["likely_fault"].iloc[row]), float(probability)

    def _copies(
        self, side: str, row: int, rows: np.ndarray, distance: np.ndarray, spacing: float
    ) -> Copies:
        """Return which of `rows` of a side show the same as training image `row`.

        Those with its content are among them wherever they lie.
        """
        alike = self._alike(side, row)
        near = rows[distance <= _LOOKED_AT * spacing]
        same, exact = self._compared(side, row, near, distance[: len(near)], spacing)
        found = near[same | np.isin(near, alike)]
        exact = np.isin(found, alike) | exact[np.isin(near, found)]
        rest = np.setdiff1d(alike, found)
        return Copies(
            rows=np.concatenate([found, rest]),
            exact=np.concatenate([exact, np.ones(len(rest), dtype=bool)]),
        )

    def _alike(self, side: str, row: int) -> np.ndarray:
        """Return the rows of a side that have the content of training image `row`."""
        content = self.run.content
        if side == "validation":
            table = self.run.validation
            known = table["content"].to_numpy() if "content" in table.columns else None
        else:
            known = content
        if known is None or content[row] == 0:  # a run that was made before contents were kept
            return np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(known == content[row])
        return rows[rows != row] if side == "train" else rows

    def _compared(
        self, side: str, row: int, rows: np.ndarray, distance: np.ndarray, spacing: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the near `rows` look the same, and which are stored the same."""
        from core.datasets import likeness

        if not len(rows):
            return np.empty(0, dtype=bool), np.empty(0, dtype=bool)
        own, others = self._pictures("train"), self._pictures(side)
        if own is not None and others is not None:
            with contextlib.suppress(OSError):  # the picture is damaged
                found = likeness(own, row, others, rows)
                return found.same, found.identical
        return distance <= _NEAR * spacing, distance == 0

    def _pictures(self, side: str) -> ImageStore | None:
        """Return the pictures of a side, None where it has none or its source is gone."""
        record = self.run.record.train if side == "train" else self.run.record.validation
        if not record.has_pictures:
            return None
        try:
            return self._images(side).images
        except (DataError, OSError):
            return None

    def _reasons(
        self, row: int, found: Evidence, fault: str | None, probability: float | None, k: int
    ) -> tuple[str, ...]:
        from core.valuation import Facts, reasons

        run, cost = self.run, self.cost
        image = run.values.iloc[row]
        label, like = int(image["label"]), int(image["looks_like"])
        seen = cost.y_labels[found.nearest[:k]]
        nearer = np.searchsorted(self._reach, found.nearest_distance[0]) / len(self._reach)
        commoner = float(self._commoner[label])
        planned = len(found.class_mass) > 0
        sent_to = int(found.class_mass.argmax()) if planned else 0
        return reasons(
            Facts(
                label=run.class_names[label],
                resembles=run.class_names[like],
                resemblance=float(image["looks_like_probability"]),
                flagged=self._flagged(row),
                fault=fault,
                fault_probability=probability,
                neighbors=len(seen),
                neighbors_own=int((seen == label).sum()),
                neighbors_resembled=int((seen == like).sum()),
                sent_to=run.class_names[sent_to] if planned else None,
                sent=float(found.class_mass[sent_to]) if planned else None,
                farther=float(nearer),
                commoner=None if np.isnan(commoner) else commoner,
                by_gradient=run.ranks_by_gradient,
            )
        )


def plan_row(run: Run, row: int) -> np.ndarray | None:
    """Return row `row` of the plan, shape (m,), where the run keeps it, else None."""
    arrays = run.arrays
    if "plan_mass" not in arrays:
        return None
    ours = arrays["plan_rows"] == row
    size = len(run.potentials.g)
    plan = np.bincount(arrays["plan_columns"][ours], arrays["plan_mass"][ours], size)
    return plan if plan.any() else None
