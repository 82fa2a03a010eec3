"""The lab: faults with known truth, methods that look for them, and what removal does.

What runs an experiment brings torch and scikit-learn; that loads when it is first used.
"""

from core.lab.estimate import estimate_experiment
from core.lab.folder import (
    ALL_FAULTS,
    Curves,
    Experiment,
    list_experiments,
    open_experiment,
    write_experiment,
)
from core.lab.planting import network_of
from core.lab.record import ExperimentRecord, read_experiment_record
from core.lab.reopened import bench_of
from core.lab.run import DEFAULT_METHOD, run_experiment
from core.lab.scoring import SHARES, Scored, detection_table, recall_column, sampled_curves
from core.lab.spec import (
    SAMPLE_TRUTH,
    Contender,
    ExperimentSpec,
    contender_title,
    experiment_id,
    unavailable,
    usual_methods,
)

__all__ = [
    "ALL_FAULTS",
    "DEFAULT_METHOD",
    "SAMPLE_TRUTH",
    "SHARES",
    "Contender",
    "Curves",
    "Experiment",
    "ExperimentRecord",
    "ExperimentSpec",
    "Scored",
    "bench_of",
    "contender_title",
    "detection_table",
    "estimate_experiment",
    "experiment_id",
    "list_experiments",
    "network_of",
    "open_experiment",
    "read_experiment_record",
    "recall_column",
    "run_experiment",
    "sampled_curves",
    "unavailable",
    "usual_methods",
    "write_experiment",
]
