"""Entries of the registry: baselines on neighbors, prototypes and a head; and the random order."""

from __future__ import annotations

from math import log

from core.valuation.method import Method

SIMPLE_METHODS: dict[str, Method] = {
    "knn-shapley": Method(
        title="KNN-Shapley",
        summary=(
            "The exact Shapley value for a nearest-neighbor classifier. Finds wrong labels near "
            "validation images; says little of images that lie far from all of them."
        ),
        family="neighbors",
        cost="m times n log n, linear memory; a minute for 50,000 against 10,000.",
        source="Jia et al., Efficient Task-Specific Data Valuation, VLDB 2019 (theorem 1)",
        unit="share of right votes",
        function="core.valuation.knn_shapley:value_knn_shapley",
        config="core.valuation.knn_shapley:KnnShapleyConfig",
    ),
    "knn-disagreement": Method(
        title="Neighbors that disagree",
        summary=(
            "The share of nearby validation images with another label. The simplest check of "
            "labels, and hard to beat at that; blind to faults that agree with their label."
        ),
        family="neighbors",
        cost="n times m, linear memory; a minute for 50,000 against 10,000.",
        source="Wilson, Asymptotic Properties of Nearest Neighbor Rules, IEEE SMC 1972",
        unit="share of neighbors",
        # Values are minus the share that disagrees.
        even_odds=-0.5,
        function="core.valuation.knn:value_knn_disagreement",
        config="core.valuation.knn:KnnConfig",
    ),
    "prototypes": Method(
        title="Supervised prototypes",
        summary=(
            "The cosine distance to the mean validation image of the class. The quickest; sees "
            "wrong labels and odd pictures alike, and confuses both with rare ones."
        ),
        family="neighbors",
        cost="n + m, linear memory; seconds for 50,000 against 10,000.",
        source="Sorscher et al., Beyond Neural Scaling Laws, NeurIPS 2022",
        unit="cosine distance",
        zero_is_neutral=False,
        function="core.valuation.prototypes:value_prototypes",
        config="core.valuation.prototypes:PrototypesConfig",
    ),
    "self-confidence": Method(
        title="Self-confidence",
        summary=(
            "How probable a linear head, trained on the validation set, finds the label. A strong "
            "rival where labels are wrong; blind to faults that agree with their label."
        ),
        family="network head",
        needs="Trains a linear head on the validation set.",
        cost="n + m, linear memory; seconds for 50,000 against 10,000.",
        source="Kuan & Mueller, Model-Agnostic Label Quality Scoring, ICML DataPerf 2022",
        unit="nats",
        even_odds=-log(2),
        function="core.valuation.confident:value_self_confidence",
        config="core.valuation.head:HeadConfig",
    ),
    "confident-learning": Method(
        title="Confident learning",
        summary=(
            "Self-confidence weighed by how confident the head is of each class, as in cleanlab; "
            "says which labels it takes for wrong. Weak where one label is flooded by a backdoor."
        ),
        family="network head",
        needs="Trains a linear head on the validation set.",
        cost="n + m, linear memory; seconds for 50,000 against 10,000.",
        source="Northcutt, Jiang & Chuang, Confident Learning, JAIR 2021",
        unit="adjusted probability",
        zero_is_neutral=False,
        function="core.valuation.confident:value_confident_learning",
        config="core.valuation.head:HeadConfig",
    ),
    "el2n": Method(
        title="EL2N",
        summary=(
            "The error of a linear head early in its training on the images themselves. Finds "
            "labels that are hard to learn, wrong or not."
        ),
        family="network head",
        needs="Trains linear heads on the training set, faults included.",
        cost="n an epoch, linear memory; seconds for 50,000.",
        source="Paul, Ganguli & Dziugaite, Deep Learning on a Data Diet, NeurIPS 2021",
        unit="error norm",
        zero_is_neutral=False,
        function="core.valuation.el2n:value_el2n",
        config="core.valuation.el2n:El2nConfig",
    ),
}

REFERENCE_METHODS: dict[str, Method] = {
    "random": Method(
        title="Random order",
        summary="No method at all: what every other one has to beat.",
        family="reference",
        cost="n; a second.",
        source="None: a seeded shuffle",
        unit="no unit",
        zero_is_neutral=False,
        function="core.valuation.reference:value_random",
        config="core.valuation.reference:RandomConfig",
    ),
}
