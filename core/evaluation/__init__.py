"""Evaluation: what values say about images and classes, and how well they find known faults."""

from core.evaluation.classes import class_order, class_summary, lookalikes
from core.evaluation.flagging import HarmfulCut, harmful_cut

__all__ = [
    "HarmfulCut",
    "class_order",
    "class_summary",
    "harmful_cut",
    "lookalikes",
]
