"""Evaluation: what values say about images and classes, and how well they find known faults."""

from core.evaluation.batches import BatchMatching, batch_matching
from core.evaluation.classes import class_order, class_summary, lookalikes
from core.evaluation.detection import DetectionCurve, Evaluation, detection_curve, evaluate
from core.evaluation.flagging import HarmfulCut, harmful_cut
from core.evaluation.truth import read_truth

__all__ = [
    "BatchMatching",
    "DetectionCurve",
    "Evaluation",
    "HarmfulCut",
    "batch_matching",
    "class_order",
    "class_summary",
    "detection_curve",
    "evaluate",
    "harmful_cut",
    "lookalikes",
    "read_truth",
]
