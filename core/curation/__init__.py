"""Curation: what people decided about images, and what goes out of that."""

from core.curation.decisions import (
    DEFAULT_REVIEWER,
    VERDICTS,
    Decision,
    NewDecision,
    NewStroke,
    Recorded,
    Stroke,
    TakeBack,
    Verdict,
)
from core.curation.export import (
    EXPORTERS,
    decision_table,
    export,
    export_archive,
    export_files,
)
from core.curation.of_run import RunDecisions
from core.curation.score_files import JoinReport, ScoreTable, read_scores
from core.curation.scores import (
    ScoreColumn,
    forget_scores,
    import_scores,
    score_columns,
    scores_version,
)
from core.curation.store import DecisionStore, open_store

__all__ = [
    "DEFAULT_REVIEWER",
    "EXPORTERS",
    "VERDICTS",
    "Decision",
    "DecisionStore",
    "JoinReport",
    "NewDecision",
    "NewStroke",
    "Recorded",
    "RunDecisions",
    "ScoreColumn",
    "ScoreTable",
    "Stroke",
    "TakeBack",
    "Verdict",
    "decision_table",
    "export",
    "export_archive",
    "export_files",
    "forget_scores",
    "import_scores",
    "open_store",
    "read_scores",
    "score_columns",
    "scores_version",
]
