"""New images in the feature space of a run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.datasets import LabelledImages
from core.errors import AssayError, DataError
from core.progress import Progress
from core.runs.folder import Run

# A network made again on the same machine gives the same features up to rounding; another one
# differs by as much as the features themselves.
_SAME = 1e-2


def embed_addition(
    run: Run, data: LabelledImages, device: str, progress: Progress
) -> tuple[LabelledImages, np.ndarray]:
    """Embed `data` as the run's own images were embedded.

    Returns
    -------
    data, x : the set without the pictures that cannot be read, and its features, float32, shape
        (k, d), d as in the run

    Raises
    ------
    DataError : the images do not have what the run's embedder needs, their embeddings have another
        width, or the embedder cannot be made again
    """
    from core.embedding import EMBEDDERS, embed_more

    name = run.record.embedder
    if name not in EMBEDDERS:
        raise DataError(
            f"The run's images were embedded by '{name}', which this version of Assay does not "
            "have. Value all images together instead."
        )
    fitted: Mapping[str, np.ndarray] = run.fitted
    require_kind(run, data)
    if EMBEDDERS[name].from_pictures and not fitted:
        fitted = _refitted(run, device, progress)
    return embed_more(data, name, fitted, device=device, progress=progress)


def require_kind(run: Run, data: LabelledImages) -> None:
    """Refuse images that lack what the run's embedder works from, pictures or embeddings.

    Raises
    ------
    DataError : they lack it, or have embeddings of another width than the run's
    """
    name = run.record.embedder
    if name != "precomputed" and data.images is None:
        raise DataError(
            f"{data.source}: it has embeddings only, and the run's images were embedded from "
            f"pictures ('{name}'). Give the pictures, or value all images together."
        )
    if name != "precomputed":
        return
    if data.embeddings is None:
        raise DataError(
            f"{data.source}: it has no embeddings, and the run was made from embeddings in its "
            "files. Give embeddings by the same model."
        )
    if data.embeddings.shape[1] != run.x.shape[1]:
        raise DataError(
            f"{data.source}: its embeddings have {data.embeddings.shape[1]} numbers each, those "
            f"of the run {run.x.shape[1]}. Make them with the model that made the run's."
        )


def _refitted(run: Run, device: str, progress: Progress) -> Mapping[str, np.ndarray]:
    """Fit the embedder of an older run again, which did not keep it, and check that it is the same.

    It follows from the validation pictures and the seed; on another machine sums may round
    otherwise, and a network then ends up elsewhere.
    """
    from core.embedding import embed_pair

    record = run.record
    try:
        validation = run.open_images("validation")
    except AssayError as error:
        raise DataError(
            "This run did not keep its embedder, and the validation pictures that it follows from "
            f"cannot be opened: {error}"
        ) from error
    pair = embed_pair(
        # The training pictures play no part: one will do.
        validation.take(np.arange(1)),
        validation,
        record.embedder,
        seed=record.seed,
        cache_dir=None,
        device=device,
        progress=progress,
    )
    y = np.asarray(run.y)
    spread = max(float(y.std()), float(np.finfo(np.float32).tiny))
    if pair.y.shape != y.shape or float(np.abs(pair.y - y).max()) > _SAME * spread:
        raise DataError(
            "This run did not keep its embedder, and made again here it gives other features: the "
            "run was made on another machine, by another version, or its validation set has "
            "changed. Value all images together instead."
        )
    return pair.fitted
