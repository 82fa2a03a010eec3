"""To which size and how many channels a set's pictures are brought before they are embedded."""

from __future__ import annotations

import numpy as np

from core.datasets import LabelledImages
from core.errors import DataError

_SMALLEST_SIDE = 8
_LOOKED_AT = 64


def proposed_shape(validation: LabelledImages, max_side: int) -> tuple[int, int]:
    """Return (side, channels) for all pictures of a pair of sets.

    The side is the median longer edge of up to 64 validation pictures, evenly spread, between 8
    and `max_side` pixels; channels are 3 as soon as one of these is in color, else 1. Training
    pictures have no say, so that a fault among them cannot change how all are read.

    Raises
    ------
    DataError : the set has no pictures
    """
    if validation.images is None:
        raise DataError(f"{validation.source}: it has no pictures to embed.")
    looked_at = np.linspace(0, len(validation) - 1, min(_LOOKED_AT, len(validation))).astype(int)
    pictures = [validation.images.decode(index) for index in looked_at.tolist()]
    side = int(np.median([max(picture.size) for picture in pictures]))
    channels = 1 if all(picture.mode == "L" for picture in pictures) else 3
    return max(_SMALLEST_SIDE, min(side, max_side)), channels
