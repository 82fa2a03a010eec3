"""The audit sample: images that do not look harmful, drawn so that recall can be estimated.

Whoever reviews worst first learns nothing about the images that are never reached. A random sample
of them tells how many faults lie there.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

AUDIT_SIZE = 200


def audit_sample(
    ids: pd.Series[str],
    labels: np.ndarray,
    flagged: np.ndarray,
    *,
    seed: str,
    size: int = AUDIT_SIZE,
) -> np.ndarray:
    """Draw images that are not flagged, from each class its share of the sample.

    Each image has the same chance, ``size / (number not flagged)``, so the share of faults in the
    sample is an unbiased estimate of the share among the images not flagged. How many come from a
    class differs from its exact share by less than one. Which ones follows from random numbers that
    an image keeps: the order of the images does not matter, and adding images to the data or
    valuing them by another method changes little of the sample.

    Parameters
    ----------
    ids, labels : of all images, shape (n,)
    flagged : bool, shape (n,)
    seed : fingerprint of the data set
    size : images to draw; all that are not flagged where there are no more

    Returns
    -------
    numpy.ndarray
        Positions, int64, in the order in which they are to be judged, which is random: then the
        images judged first are a random sample, too.
    """
    pool = np.flatnonzero(~flagged)
    if len(pool) == 0:
        return pool
    digest = hashlib.sha256(seed.encode()).hexdigest()
    number = pd.util.hash_array(
        ids.to_numpy(dtype=object)[pool], hash_key=digest[:16], categorize=False
    )
    size = min(size, len(pool))
    _, place, count = np.unique(labels[pool], return_inverse=True, return_counts=True)
    # Systematic rounding with a random start: each class gets its share, rounded down or up, with
    # the share as its mean.
    start = int(digest[16:24], 16) / 2**32
    cut = np.floor(np.concatenate([[0.0], np.cumsum(size * count / len(pool))]) + start)
    cut[-1] = size + np.floor(start)  # the sum of shares is exact but for rounding
    wanted = np.diff(cut).astype(np.int64)
    in_class = np.lexsort((number, place))
    position = np.arange(len(pool)) - np.repeat(np.cumsum(count) - count, count)
    drawn = in_class[position < np.repeat(wanted, count)]
    # Another number orders the sample than the one that chose it: within a class the chosen ones
    # have the smallest, and classes with a small share would come first.
    again = pd.util.hash_array(
        ids.to_numpy(dtype=object)[pool[drawn]], hash_key=digest[24:40], categorize=False
    )
    return pool[drawn[np.argsort(again, kind="stable")]]
