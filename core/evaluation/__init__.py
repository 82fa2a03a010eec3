"""Evaluation: what values say about images and classes, and how well they find known faults."""

from core.evaluation.attack import AttackEffect, attack_effect
from core.evaluation.batches import BatchMatching, batch_matching
from core.evaluation.classes import class_order, class_summary, lookalikes
from core.evaluation.comparison import ALL_FAULTS, Recommendation, recommend, summarize
from core.evaluation.detection import DetectionCurve, Evaluation, detection_curve, evaluate
from core.evaluation.flagging import HarmfulCut, harmful_cut, suggested_removal
from core.evaluation.learners import LEARNERS, Learner, Predict, accuracy, learner_named
from core.evaluation.removal import Effect, RemovalPoint, kept_rows, removal_curve
from core.evaluation.truth import read_truth

__all__ = [
    "ALL_FAULTS",
    "LEARNERS",
    "AttackEffect",
    "BatchMatching",
    "DetectionCurve",
    "Effect",
    "Evaluation",
    "HarmfulCut",
    "Learner",
    "Predict",
    "Recommendation",
    "RemovalPoint",
    "accuracy",
    "attack_effect",
    "batch_matching",
    "class_order",
    "class_summary",
    "detection_curve",
    "evaluate",
    "harmful_cut",
    "kept_rows",
    "learner_named",
    "lookalikes",
    "read_truth",
    "recommend",
    "removal_curve",
    "suggested_removal",
    "summarize",
]
