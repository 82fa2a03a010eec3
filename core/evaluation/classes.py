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


def lookalikes(
    values: pd.DataFrame, distances: np.ndarray, class_names: tuple[str, ...]
) -> pd.DataFrame:
    """Return the ordered pairs of different classes, the ones most mixed up first.

    Parameters
    ----------
    values : a run's table, with the columns label and looks_like
    distances : shape (v, v), training by validation class, units of cost; NaN where unknown
    class_names : length v

    Returns
    -------
    columns label, class_name (of the training images), like, looks_like (the other class), images
    (labelled the one, looking like the other), distance (between the two), and own_distance (to
    the validation images of the label's own class; NaN where unknown); sorted by images, most
    first, then by distance. Pairs without such images and without a distance are left out.
    """
    v = len(class_names)
    names = np.array(class_names, dtype=object)
    label, like = (index.ravel() for index in np.indices((v, v)))
    counts = np.zeros((v, v), dtype=np.int64)
    np.add.at(counts, (values["label"].to_numpy(), values["looks_like"].to_numpy()), 1)
    distance = np.asarray(distances, dtype=np.float64)
    table = pd.DataFrame(
        {
            "label": label,
            "class_name": names[label],
            "like": like,
            "looks_like": names[like],
            "images": counts.ravel(),
            "distance": distance.ravel(),
            "own_distance": np.diag(distance)[label],
        }
    )
    known = table.loc[(label != like) & ((table["images"] > 0) | np.isfinite(table["distance"]))]
    ranked: pd.DataFrame = known.sort_values(
        ["images", "distance", "label", "like"],
        ascending=[False, True, True, True],
        ignore_index=True,
    )
    return ranked
