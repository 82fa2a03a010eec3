"""Entries of the registry: methods that train a model on the images to be valued."""

from __future__ import annotations

from core.valuation.method import Method

# pyDVL 0.10 asks for NumPy 1, but works with NumPy 2: installed plainly, it would take NumPy back.
PYDVL = "-r requirements-shapley.txt && pip install --no-deps pydvl==0.10.0"

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
        zero_is_neutral=False,
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
    "g-shapley": Method(
        title="G-Shapley",
        summary=(
            "What a gradient step on the image gains in validation accuracy, averaged over random "
            "orders. A cheap relative of the Shapley value, and a noisy one."
        ),
        family="Shapley values and kin",
        needs="Trains a linear head on the training set once an order.",
        cost="orders times n times m; half a minute for 2,000 against 1,000.",
        source="Ghorbani & Zou, Data Shapley, ICML 2019 (Algorithm 2)",
        unit="share of validation images",
        most_images=10_000,
        function="core.valuation.g_shapley:value_g_shapley",
        config="core.valuation.g_shapley:GShapleyConfig",
    ),
    "leave-one-out": Method(
        title="Leave-one-out",
        summary=(
            "What a head loses that is trained without the image. Exact, and blind to faults that "
            "come in crowds: none of them matters alone."
        ),
        family="Shapley values and kin",
        needs="Trains a ridge head on very many subsets of the training set.",
        cost="n heads; seconds for 2,000 images.",
        source="Koh & Liang, ICML 2017 (section 2.1), by retraining",
        unit="utility of the head",
        most_images=10_000,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.retraining:value_leave_one_out",
        config="core.valuation.game:RetrainingConfig",
    ),
    "tmc-shapley": Method(
        title="TMC-Shapley",
        summary=(
            "What an image adds to those before it, averaged over random orders that are cut short "
            "once nothing more is gained."
        ),
        family="Shapley values and kin",
        needs="Trains a ridge head on very many subsets of the training set.",
        cost="orders times n heads at most; a minute for 2,000 images.",
        source="Ghorbani & Zou, Data Shapley, ICML 2019 (Algorithm 1)",
        unit="utility of the head",
        most_images=5_000,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.retraining:value_tmc_shapley",
        config="core.valuation.retraining:PermutationConfig",
    ),
    "permutation-shapley": Method(
        title="Permutation Shapley",
        summary=(
            "What an image adds to those before it, averaged over random orders: the Shapley "
            "value, with the noise of few orders."
        ),
        family="Shapley values and kin",
        needs="Trains a ridge head on very many subsets of the training set.",
        cost="orders times n heads; minutes for 2,000 images.",
        source="Jia et al., Towards Efficient Data Valuation, AISTATS 2019",
        unit="utility of the head",
        most_images=5_000,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.retraining:value_permutation_shapley",
        config="core.valuation.retraining:PermutationConfig",
    ),
    "least-core": Method(
        title="Least core",
        summary=(
            "Values with which no group of images could do much better alone. For comparison: "
            "single faults hardly stand out."
        ),
        family="Shapley values and kin",
        needs="Trains a ridge head on very many subsets of the training set.",
        cost="subsets, then two programs of n unknowns; minutes for 500 images.",
        source="Yan & Procaccia, If You Like Shapley Then You'll Love the Core, AAAI 2021",
        unit="utility of the head",
        most_images=500,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.coalitions:value_least_core",
        config="core.valuation.coalitions:LeastCoreConfig",
    ),
    "banzhaf": Method(
        title="Data Banzhaf",
        summary=(
            "What random halves of the training set with the image are worth more than those "
            "without. The steadiest of its kind where training is noisy."
        ),
        family="Shapley values and kin",
        needs="Trains a ridge head on very many subsets of the training set.",
        cost="subsets; seconds for 2,000 images.",
        source="Wang & Jia, Data Banzhaf, AISTATS 2023",
        unit="utility of the head",
        most_images=20_000,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.coalitions:value_banzhaf",
        config="core.valuation.coalitions:SubsetsConfig",
    ),
    "data-oob": Method(
        title="Data-OOB",
        summary=(
            "How often decision trees that did not see the image predict its label. Finds wrong "
            "labels without a validation set; blind to what agrees with its label."
        ),
        family="Shapley values and kin",
        needs="Trains a bag of decision trees on the training set.",
        cost="trees times n log n; seconds for 2,000 images.",
        source="Kwon & Zou, Data-OOB, ICML 2023",
        unit="share of trees",
        zero_is_neutral=False,
        most_images=50_000,
        package="pydvl",
        install=PYDVL,
        function="core.valuation.data_oob:value_data_oob",
        config="core.valuation.data_oob:DataOobConfig",
    ),
}
