"""The registry of valuation methods: a new one is its file and an entry here.

Names and words are here without torch, so that a page can offer the methods; the code behind one
loads when it is first used.
"""

from __future__ import annotations

from math import log

from core.valuation.learned_methods import LEARNED_METHODS
from core.valuation.method import FAMILIES as FAMILIES
from core.valuation.method import Method as Method
from core.valuation.simple_methods import REFERENCE_METHODS, SIMPLE_METHODS

# Between which classes label distances are measured: see `LavaConfig`.
LABEL_DISTANCE_KINDS = ("training", "validation")

METHODS: dict[str, Method] = {
    "lava": Method(
        title="LAVA",
        summary=(
            "Optimal transport between the whole sets, in linear memory. The default at every "
            "size that one machine holds."
        ),
        family="optimal transport",
        transports=True,
        cost="n times m a pass, linear memory; minutes for 50,000 against 10,000.",
        source="Just et al., LAVA, ICLR 2023",
        function="core.valuation.lava:value_lava",
        config="core.valuation.lava:LavaConfig",
        takes_new=True,
        calibrates=True,
    ),
    "label-posterior": Method(
        title="Label posterior",
        summary=(
            "How well each label fits the image's features, with a suggested label and its "
            "probability. The best choice where wrong labels are the only worry: it is blind to "
            "noisy images and to backdoors that agree with their label."
        ),
        family="optimal transport",
        transports=True,
        cost="n times m a pass, linear memory; half of LAVA's time.",
        source="The plan of LAVA's transport, read by class (docs/calibration.md)",
        unit="nats",
        # Values are never above 0: this is that of even odds that the label is right.
        even_odds=-log(2),
        function="core.valuation.posterior:value_label_posterior",
        config="core.valuation.posterior:PosteriorConfig",
        takes_new=True,
    ),
    "sava": Method(
        title="SAVA",
        summary=(
            "Optimal transport between batches, weighed by a second transport between the batches "
            "themselves. To compare with the paper, or where sets must be taken in batches: on one "
            "machine LAVA is cheaper and sees every pair of images."
        ),
        family="optimal transport",
        transports=True,
        cost="n times m times iterations, in memory that the batch size bounds.",
        source="Kessler et al., SAVA: Scalable Learning-Agnostic Data Valuation, ICLR 2025",
        function="core.valuation.sava:value_sava",
        config="core.valuation.sava:SavaConfig",
        in_batches=True,
    ),
    "batchwise-lava": Method(
        title="Batch-wise LAVA",
        summary=(
            "As SAVA, with all validation batches weighed alike: the baseline of the SAVA paper. "
            "Small batches hurt it."
        ),
        family="optimal transport",
        transports=True,
        cost="As SAVA.",
        source="Kessler et al., SAVA: Scalable Learning-Agnostic Data Valuation, ICLR 2025",
        function="core.valuation.sava:value_batchwise_lava",
        config="core.valuation.sava:SavaConfig",
        in_batches=True,
    ),
    "exact": Method(
        title="Exact transport",
        summary=(
            "LAVA without regularization, by the network simplex: for comparison, on small sets "
            "(up to 25 million pairs). Regularized values usually rank better."
        ),
        family="optimal transport",
        transports=True,
        cost="About (n times m)^1.2, 41 bytes of memory a pair.",
        source="Bonneel et al., Displacement Interpolation, 2011, as in POT (network simplex)",
        function="core.valuation.exact:value_exact",
        config="core.valuation.exact:ExactValueConfig",
    ),
    **SIMPLE_METHODS,
    **LEARNED_METHODS,
    **REFERENCE_METHODS,
}


def method_title(name: str) -> str:
    """Return a method's name for people; the name itself for a run of a method unknown here."""
    method = METHODS.get(name)
    return name if method is None else method.title
