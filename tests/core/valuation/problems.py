"""Small labelled sets."""

from __future__ import annotations

import numpy as np


def clusters(
    n: int, m: int, v: int, d: int, *, apart: float = 4.0, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Return x, x_labels, y, y_labels: classes of deviation 1 about centers on the axes, float32.

    Centers are `apart` from the origin; v is at most 2 d.
    """
    rng = np.random.default_rng(seed)
    centers = apart * np.concatenate([np.eye(d), -np.eye(d)])[:v]
    x_labels, y_labels = np.arange(n) % v, np.arange(m) % v
    x = centers[x_labels] + rng.standard_normal((n, d))
    y = centers[y_labels] + rng.standard_normal((m, d))
    return x.astype(np.float32), x_labels, y.astype(np.float32), y_labels
