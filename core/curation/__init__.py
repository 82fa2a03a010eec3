"""Curation: what people decided about images, and what goes out of that."""

from core.curation.decisions import (
    DEFAULT_REVIEWER,
    VERDICTS,
    NewStroke,
    Recorded,
    Stroke,
    TakeBack,
    Verdict,
)
from core.curation.exports import (
    FORMATS,
    LINKS,
    ExportFormat,
    decision_table,
    export,
    export_archive,
)
from core.curation.of_run import RunDecisions
from core.curation.plan import (
    BUDGETS,
    PlanSettings,
    PrunePlan,
    ThinClass,
    make_plan,
    source_names,
    source_table,
    thin_classes,
)
from core.curation.resolve import (
    Distance,
    Effect,
    ResolveSpec,
    Subset,
    found_effect,
    found_without_sources,
    plan_job,
    resolve_plan,
)
from core.curation.reviewable import Reviewable, reviewable
from core.curation.score_files import JoinReport, ScoreTable, read_scores
from core.curation.scores import (
    Better,
    ScoreColumn,
    forget_scores,
    import_scores,
    score_columns,
    scores_version,
)
from core.curation.selections import keep_selection, read_selection
from core.curation.statistics import ReviewStatistics, review_statistics
from core.curation.store import DecisionStore, open_store
from core.curation.summary import sentences as review_sentences

__all__ = [
    "BUDGETS",
    "DEFAULT_REVIEWER",
    "FORMATS",
    "LINKS",
    "VERDICTS",
    "Better",
    "DecisionStore",
    "Distance",
    "Effect",
    "ExportFormat",
    "JoinReport",
    "NewStroke",
    "PlanSettings",
    "PrunePlan",
    "Recorded",
    "ResolveSpec",
    "ReviewStatistics",
    "Reviewable",
    "RunDecisions",
    "ScoreColumn",
    "ScoreTable",
    "Stroke",
    "Subset",
    "TakeBack",
    "ThinClass",
    "Verdict",
    "decision_table",
    "export",
    "export_archive",
    "forget_scores",
    "found_effect",
    "found_without_sources",
    "import_scores",
    "keep_selection",
    "make_plan",
    "open_store",
    "plan_job",
    "read_scores",
    "read_selection",
    "resolve_plan",
    "review_sentences",
    "review_statistics",
    "reviewable",
    "score_columns",
    "scores_version",
    "source_names",
    "source_table",
    "thin_classes",
]
