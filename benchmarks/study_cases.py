"""The studies of the LAVA and SAVA papers on CIFAR-10: what is measured, and how it is judged.

Each `Case` has a function from the sets to a table with a column `seed`, and one from that table to
a `Verdict`. The latter are pure: they see figures, not data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from benchmarks.study_accuracy import (
    copies,
    judge_copies,
    judge_rebalancing,
    judge_shrinking,
    judge_summarization,
    rebalancing,
    shrinking,
    summarization,
)
from benchmarks.study_detection import (
    batch_size,
    batches,
    caching,
    distance,
    embedder,
    judge_batch_size,
    judge_batches,
    judge_batchwise,
    judge_caching,
    judge_distance,
    judge_embedder,
    judge_validation_size,
    judge_weights,
    validation_size,
    weights,
)
from benchmarks.study_sets import (
    Sets,
    Verdict,
)


@dataclass(frozen=True)
class Case:
    """A study beside what the paper says.

    Attributes
    ----------
    name : chooses it on the command line
    title, source : what it is about, and where in the papers
    claim : what the paper says
    size : what it is measured on, in words
    by : columns of the table that tell settings apart
    shown : columns of figures that the page shows; none where another study shows the table
    measure, judge : see the module
    """

    name: str
    title: str
    source: str
    claim: str
    size: str
    by: tuple[str, ...]
    shown: tuple[str, ...]
    measure: Callable[[Sets], pd.DataFrame]
    judge: Callable[[pd.DataFrame], Verdict]


FOUND = ("auroc", "average_precision", "recall_at_0.5")


CASES = (
    Case(
        "distance",
        "The OT distance stands for accuracy",
        "LAVA, figure 1",
        "as the distance increases, the validation performance of a model decreases",
        "5,000 × 2,000; the paper's shares of wrong labels end at 15 %",
        ("fault", "corrupted"),
        ("distance", "accuracy"),
        distance,
        judge_distance,
    ),
    Case(
        "validation-size",
        "Fewer validation images",
        "LAVA, B.2.1, figures 9 (c) and 11",
        "5,000 images largely keep the detection of 10,000; 2,000 and fewer lose more than half of "
        "it; with 500, LAVA is better than every baseline",
        "5,000 × 200 to 10,000. The paper trains its embedder on the smaller sets too; here the "
        "embeddings stay those of all 10,000",
        ("method", "validation_images"),
        FOUND,
        validation_size,
        judge_validation_size,
    ),
    Case(
        "weights",
        "Weights of features and labels",
        "LAVA, B.2.2 and B.2.3, figures 9 (a) and (b)",
        "detection falls as either weight grows; with a feature weight of 100 it is a random order",
        "5,000 × 1,000, potentials to a marginal error of 0.01",
        ("feature_weight", "label_weight"),
        FOUND,
        weights,
        judge_weights,
    ),
    Case(
        "embedder",
        "Another embedder",
        "LAVA, B.2.4, figure 10",
        "detection is similar whatever the architecture, if its capacity is large enough",
        "4,000 × 2,000; each network is trained once, on all 10,000 validation pictures, and the "
        "seeds are of the wrong labels",
        ("embedder",),
        FOUND,
        embedder,
        judge_embedder,
    ),
    Case(
        "batch-size",
        "SAVA's batch size",
        "SAVA, G.2",
        "detection converges as batches grow",
        "3,000 × 1,500",
        ("method", "batch_size"),
        FOUND,
        batch_size,
        judge_batch_size,
    ),
    Case(
        "batchwise",
        "Batch-wise LAVA",
        "SAVA, G.5, figure 11",
        "with small and with large batches it deteriorates dramatically, and SAVA does not",
        "as the study before. The paper's last batch is a small one, and blamed for what happens "
        "with large ones; here batches differ by one image at most",
        ("method", "batch_size"),
        (),
        batch_size,
        judge_batchwise,
    ),
    Case(
        "caching",
        "Label distances made once",
        "SAVA, G.3, figure 9",
        "with label distances cached, detection is almost identical",
        "3,000 × 1,500, batches of 512. Times are not compared",
        ("label_distances",),
        ("problems", *FOUND),
        caching,
        judge_caching,
    ),
    Case(
        "batches",
        "How batches are made",
        "SAVA, G.4, figure 10",
        "little difference between random and stratified batches",
        "3,000 × 1,500; noise of one deviation of each feature in the embeddings, where the paper "
        "has it in the pictures",
        ("fault", "batch_size", "batches"),
        FOUND,
        batches,
        judge_batches,
    ),
    Case(
        "rebalancing",
        "Rebalancing",
        "LAVA, B.3, figure 12",
        "where Frog has twice the images of other classes, keeping the best by LAVA makes a better "
        "model, and other methods' do not",
        "about 5,500 × 2,000, Frog with 1,000 and the others with 500",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        rebalancing,
        judge_rebalancing,
    ),
    Case(
        "reduction",
        "Reducing a clean set",
        "LAVA, B.4, figure 13",
        "without the worst 15 % of a clean set performance stays relatively high, and higher than "
        "by other methods",
        "5,000 × 2,000",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        shrinking,
        judge_shrinking,
    ),
    Case(
        "summarization",
        "Summarizing a clean set",
        "LAVA, B.5, figure 16",
        "a model of LAVA's small subset is better than one of a random subset, and mostly better "
        "than by other methods",
        "5,000 × 2,000",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        summarization,
        judge_summarization,
    ),
    Case(
        "duplication",
        "Copies",
        "LAVA, B.8, table 3",
        "the distance ignores copies of the whole set, hardly notices copies with noise (+0.5 %), "
        "and grows with copies of one image",
        "2,000 × 2,000, noise of 0.01 deviations",
        ("what", "times"),
        ("images", "distance", "change"),
        copies,
        judge_copies,
    ),
)
