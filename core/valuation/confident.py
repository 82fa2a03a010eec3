"""Self-confidence and confident learning: what a head on the embedding makes of each label.

Both ask a head that has not seen the training images (`core.valuation.head`). The formulas of
confident learning are cleanlab's, written out: four lines each, without its dependencies; tests
compare them with the package where it is installed.
"""

from __future__ import annotations

import numpy as np

from core.progress import Progress, silent
from core.valuation.fusion import MOST_SURPRISE
from core.valuation.head import HeadConfig, label_log_probabilities
from core.valuation.resemblance import resemblance, valuation_by
from core.valuation.result import Valuation


def value_self_confidence(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: HeadConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by how probable a head finds their label; parameters as `value_lava`.

    value_i = log p(label_i | x_i), in nats, -20 to 0: at -log 2 the label is as likely wrong as
    right, as far as the head is calibrated.

    Needs embeddings and labels of both sets; trains one logistic regression. Low is bad: a label
    that the features do not support. It is blind to faults that agree with their label.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(m d v) a step of the training and O(n d v); one pass of O(n m d) for what the images look
    like.

    References
    ----------
    Kuan and Mueller, "Model-agnostic label quality scoring to detect real-world label errors", ICML
    DataPerf workshop 2022: the score "self_confidence".
    """
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    log_p = label_log_probabilities(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    own = log_p[np.arange(len(x)), x_labels]
    return valuation_by(np.minimum(0.0 - own, MOST_SURPRISE), seen)


def value_confident_learning(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: HeadConfig | None = None,
    *,
    progress: Progress = silent,
) -> Valuation:
    """Value images by confident learning; parameters as `value_lava`.

    The head's probabilities are weighed by how confident it is of each class on average
    (`confident_thresholds`); value_i is what the image's own label then has, 0 to 1
    (`adjusted_probabilities`). Column `label_issue`: the image belongs to an off-diagonal cell of
    the confident joint, that is another class is confidently likelier (`label_issues`).

    Needs embeddings and labels of both sets; trains one logistic regression. Low is bad: a label
    that the features do not support. It is blind to faults that agree with their label. And a label
    that very many images were given wrongly, as a backdoor does, lowers its own threshold: none of
    these images comes down to 0, and they rank behind the doubtful ones of sound classes, where
    `value_self_confidence` has them first.

    Raises
    ------
    ConfigError, DataError
        For settings out of range; for embeddings or labels that cannot be used.

    Notes
    -----
    Time O(m d v) a step of the training and O(n d v); one pass of O(n m d) for what the images look
    like.

    References
    ----------
    Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
    JAIR 2021, equations 1 and 2; `get_label_quality_scores(adjust_pred_probs=True)` and
    `find_label_issues(filter_by="confident_learning")` of cleanlab 2.
    """
    seen = resemblance(x, x_labels, y, y_labels, n_classes, progress=progress)
    log_p = label_log_probabilities(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    p = np.exp(log_p)
    quality = adjusted_probabilities(p, x_labels)[np.arange(len(x)), x_labels]
    issues = label_issues(p, x_labels)
    return valuation_by(
        1.0 - quality,
        seen,
        columns={"label_issue": issues},
        details={"label_issues": int(issues.sum())},
    )


def confident_thresholds(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean probability of each class over images so labelled, float64, shape (v,).

    1 for a class that no image is labelled: nothing is confidently of it. Equation 2 of the paper.

    Parameters
    ----------
    p : probabilities of the classes, shape (n, v)
    labels : shape (n,)
    """
    counts = np.bincount(labels, minlength=p.shape[1])
    sums = np.bincount(labels, p[np.arange(len(p)), labels], minlength=p.shape[1])
    return np.divide(sums, counts, out=np.ones(p.shape[1]), where=counts > 0)


def adjusted_probabilities(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return probabilities less the class thresholds, made positive and of sum 1, shape (n, v)."""
    thresholds = confident_thresholds(p, labels)
    shifted = p - thresholds + thresholds.max()
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def label_issues(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return which images lie off the diagonal of the confident joint, bool, shape (n,).

    Counted as of class u is an image whose probability of u reaches the threshold of u, and is the
    largest of those that reach theirs (equation 1 of the paper).
    """
    confident = p >= confident_thresholds(p, labels) - 1e-6
    best = np.where(confident, p, -1.0).argmax(axis=1)
    return np.asarray(confident.any(axis=1) & (best != labels))
