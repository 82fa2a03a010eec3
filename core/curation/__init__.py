"""Curation: what people decided about images, and what goes out of that."""

from core.curation.decisions import DEFAULT_REVIEWER, VERDICTS, Decision, NewDecision, Verdict
from core.curation.export import (
    EXPORTERS,
    decision_table,
    export,
    export_archive,
    export_files,
)
from core.curation.of_run import RunDecisions
from core.curation.store import DecisionStore, open_store

__all__ = [
    "DEFAULT_REVIEWER",
    "EXPORTERS",
    "VERDICTS",
    "Decision",
    "DecisionStore",
    "NewDecision",
    "RunDecisions",
    "Verdict",
    "decision_table",
    "export",
    "export_archive",
    "export_files",
    "open_store",
]
