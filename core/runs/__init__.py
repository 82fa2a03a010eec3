"""Runs: one folder each, made by a job that can be watched and stopped."""

from core.runs.additions import AppendSpec
from core.runs.append import append_at_home, append_run
from core.runs.estimate import Estimate, estimate, lava_instead, lava_seconds
from core.runs.evidence import Copies, ImageEvidence, RunEvidence
from core.runs.folder import (
    RUN_ID,
    Run,
    SavedPotentials,
    find_run,
    link_run,
    list_runs,
    open_run,
)
from core.runs.home import home
from core.runs.intake import Preview, preview_addition, require_extendable
from core.runs.jobs import (
    JobStatus,
    cancel_job,
    forget_job,
    job_status,
    list_jobs,
    start_job,
)
from core.runs.kinds import KINDS, JobKind, JobSpec
from core.runs.maps import MapSpec, estimate_map, find_map, map_at_home, map_key
from core.runs.pipeline import (
    Opened,
    Stopwatch,
    at_home,
    peak_memory,
    value_at_home,
    value_pair,
    value_run,
    versions,
    write_valued,
)
from core.runs.problem import ground_cost
from core.runs.record import (
    RunRecord,
    Solution,
    SourceRecord,
    even_odds,
    read_versioned,
    source_from,
)
from core.runs.spec import (
    SETTINGS,
    ValueSpec,
    absolute_source,
    read_configuration,
    run_id,
)
from core.runs.suggestions import suggestions
from core.runs.tables import validation_frame, values_frame
from core.runs.writing import partial_name, require_free, sweep_partial, write_run

__all__ = [
    "KINDS",
    "RUN_ID",
    "SETTINGS",
    "AppendSpec",
    "Copies",
    "Estimate",
    "ImageEvidence",
    "JobKind",
    "JobSpec",
    "JobStatus",
    "MapSpec",
    "Opened",
    "Preview",
    "Run",
    "RunEvidence",
    "RunRecord",
    "SavedPotentials",
    "Solution",
    "SourceRecord",
    "Stopwatch",
    "ValueSpec",
    "absolute_source",
    "append_at_home",
    "append_run",
    "at_home",
    "cancel_job",
    "estimate",
    "estimate_map",
    "even_odds",
    "find_map",
    "find_run",
    "forget_job",
    "ground_cost",
    "home",
    "job_status",
    "lava_instead",
    "lava_seconds",
    "link_run",
    "list_jobs",
    "list_runs",
    "map_at_home",
    "map_key",
    "open_run",
    "partial_name",
    "peak_memory",
    "preview_addition",
    "read_configuration",
    "read_versioned",
    "require_extendable",
    "require_free",
    "run_id",
    "source_from",
    "start_job",
    "suggestions",
    "sweep_partial",
    "validation_frame",
    "value_at_home",
    "value_pair",
    "value_run",
    "values_frame",
    "versions",
    "write_run",
    "write_valued",
]
