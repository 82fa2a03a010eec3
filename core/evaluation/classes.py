"""What a valuation says about each class, and about classes that look alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform


def class_summary(values: pd.DataFrame, harmful: np.ndarray) -> pd.DataFrame:
    """Return one row a class that has training images, the class with most harm first.

    Parameters
    ----------
    values : a run's table, with the columns label, class_name and value
    harmful : bool, shape (n,), as `harmful_cut` gives it

    Returns
    -------
    columns label, class_name, images, harmful (count), share (0 to 1), median_value, lowest_value;
    sorted by share, highest first, then by median value, lowest first
    """
    table = values[["label", "class_name", "value"]].assign(harmful=harmful)
    summary = table.groupby(["label", "class_name"], as_index=False).agg(
        images=("value", "size"),
        harmful=("harmful", "sum"),
        share=("harmful", "mean"),
        median_value=("value", "median"),
        lowest_value=("value", "min"),
    )
    ranked: pd.DataFrame = summary.sort_values(
        ["share", "median_value", "label"], ascending=[False, True, True], ignore_index=True
    )
    return ranked


def class_order(distances: np.ndarray) -> np.ndarray:
    """Return an order of the classes in which similar ones are neighbors.

    Average linkage on the symmetrized distances, with optimal leaf order. Missing distances (NaN:
    a class that one side lacks) count as the largest, so such classes go to the end of the tree.

    Parameters
    ----------
    distances : shape (v, v), training by validation class, >= 0 or NaN

    Returns
    -------
    int64, shape (v,): a permutation

    Notes
    -----
    O(v^3) at worst; 100 classes take some milliseconds.
    """
    v = len(distances)
    if v < 3:
        return np.arange(v)
    known = np.asarray(distances, dtype=np.float64)
    known = np.where(np.isfinite(known), known, np.nan)
    if np.isnan(known).all():
        return np.arange(v)
    full = np.where(np.isnan(known), np.nanmax(known), known)
    symmetric = (full + full.T) / 2
    np.fill_diagonal(symmetric, 0.0)
    condensed = squareform(symmetric, checks=False)
    order: np.ndarray = leaves_list(
        optimal_leaf_ordering(linkage(condensed, method="average"), condensed)
    )
    return order.astype(np.int64)


def lookalikes(distances: np.ndarray, class_names: tuple[str, ...]) -> pd.DataFrame:
    """Return the ordered pairs of different classes, the ones hardest to tell apart first.

    Parameters
    ----------
    distances : shape (v, v), training by validation class, units of cost; NaN where unknown
    class_names : length v

    Returns
    -------
    columns label, class_name (of the training images), like, looks_like (the other class, of the
    validation images), distance, own_distance (to the validation images of the same class), and
    ratio = distance / own_distance (NaN where the latter is 0 or unknown); sorted by distance
    """
    v = len(class_names)
    names = np.array(class_names, dtype=object)
    u, w = (index.ravel() for index in np.indices((v, v)))
    own = np.diag(distances)[u].astype(np.float64)
    distance = distances.ravel().astype(np.float64)
    own = np.where(own > 0, own, np.nan)
    table = pd.DataFrame(
        {
            "label": u,
            "class_name": names[u],
            "like": w,
            "looks_like": names[w],
            "distance": distance,
            "own_distance": own,
            "ratio": distance / own,
        }
    )
    known = table.loc[(u != w) & np.isfinite(distance)]
    ranked: pd.DataFrame = known.sort_values(["distance", "label", "like"], ignore_index=True)
    return ranked
