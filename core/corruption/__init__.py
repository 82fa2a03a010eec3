"""Faults with known truth: what a ranking is tested with.

`corrupt` plants them in a labelled image set without touching it, `write_corrupted` makes a new
data source of the result with its truth beside it, and `FAULTS` lists what there is.
"""

from core.corruption.corrupt import Corrupted, corrupt, without_classes
from core.corruption.fault import Fault
from core.corruption.network import Network
from core.corruption.planted import PlantedFault
from core.corruption.registry import FAULTS
from core.corruption.stamp import stamp
from core.corruption.write import require_free, write_corrupted

__all__ = [
    "FAULTS",
    "Corrupted",
    "Fault",
    "Network",
    "PlantedFault",
    "corrupt",
    "require_free",
    "stamp",
    "without_classes",
    "write_corrupted",
]
