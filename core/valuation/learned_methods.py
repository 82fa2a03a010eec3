"""Entries of the registry: methods that train a model on the images to be valued."""

from __future__ import annotations

from core.valuation.method import Method

LEARNED_METHODS: dict[str, Method] = {
    "tracin-clean": Method(
        title="TracIn-Clean",
        summary=(
            "How much training on an image lowers the validation loss, summed over checkpoints of "
            "a linear head. Finds what works against the validation set."
        ),
        family="gradients",
        needs="Trains a linear head on the training set, faults included.",
        cost="n + m an epoch, linear memory; seconds for 50,000 against 10,000.",
        source="Pruthi et al., Estimating Training Data Influence, NeurIPS 2020",
        unit="nats of validation loss",
        function="core.valuation.tracin:value_tracin_clean",
        config="core.valuation.tracin:TracinConfig",
    ),
    "tracin-self": Method(
        title="TracIn-Self",
        summary=(
            "How much an image has to teach itself: high where nothing else in the training set "
            "explains its label. Finds wrong labels without a validation set, and rare images too."
        ),
        family="gradients",
        needs="Trains a linear head on the training set, faults included.",
        cost="n an epoch, linear memory; seconds for 50,000.",
        source="Pruthi et al., Estimating Training Data Influence, NeurIPS 2020",
        unit="nats",
        function="core.valuation.tracin:value_tracin_self",
        config="core.valuation.tracin:TracinConfig",
    ),
    "influence": Method(
        title="Influence functions",
        summary=(
            "How much the validation loss of a linear head would rise without the image, to first "
            "order. Misses faults that come in crowds: none of them matters alone."
        ),
        family="gradients",
        needs="Trains a linear head on the training set, faults included.",
        cost="n times some tens of products with the Hessian; seconds for 50,000 against 10,000.",
        source="Koh & Liang, Understanding Black-box Predictions, ICML 2017",
        unit="nats of validation loss",
        function="core.valuation.influence:value_influence",
        config="core.valuation.influence:InfluenceConfig",
    ),
}
