"""Which settings a run uses: LAVA's published ones, or those its own validation set chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.datasets import ArrayStore, LabelledImages, decode_batches, propose_shape
from core.embedding import EMBEDDERS, embed_more, embed_pair
from core.progress import Progress
from core.runs.spec import ValueSpec
from core.transport import representative_rows
from core.valuation import (
    CALIBRATED,
    METHODS,
    CalibrationConfig,
    Damage,
    HeldOut,
    LavaConfig,
    calibrate,
    damage_direction,
    split_in_halves,
    stratified,
    too_small,
)

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair

# Noise planted in pictures, as shares of the pixel range.
_NOISE = (0.25, 0.5)
_LARGEST_SIDE = 64
_OPTIMISTIC = (
    "The embedder may have been trained on the validation images; then held-out ones look easier "
    "than training images are, and this estimate is too good."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The settings of a run, and why these.

    Attributes
    ----------
    asked, used : "calibrated" or "published"
    given : names of the settings that the user gave: they win
    why : where nothing was calibrated: the reason
    settings : what calibration chose, by name, and "fusion"
    found : what it has to say: `Calibration.to_json`, how images were held out, a warning
    """

    asked: str
    used: str
    given: tuple[str, ...]
    why: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what the record keeps, as JSON can hold it."""
        head = {"asked": self.asked, "used": self.used, "given": list(self.given), "why": self.why}
        return {**head, **self.found}


def choose_settings(
    spec: ValueSpec, pair: EmbeddedPair, *, cache_dir: Path | None, progress: Progress
) -> Chosen:
    """Calibrate, or say why not.

    Raises
    ------
    Cancelled : raised by `progress`
    """
    config = CalibrationConfig()
    labels = pair.validation.labels
    why = ""
    if spec.settings == "published":
        why = "asked for"
    elif not METHODS[spec.method].calibrates:
        why = f"the method {METHODS[spec.method].title} has no settings to calibrate"
    elif spec.feature_weight == 0:
        why = "the features have no weight"
    elif np.ptp(pair.y, axis=0).max() == 0:
        why = "the validation images all have the same embedding"
    else:
        why = too_small(labels, config)
    configuration = spec.configuration()
    names = (*CALIBRATED, "relative_epsilon")
    given = tuple(name for name in names if configuration[name] is not None)
    if why:
        return Chosen(asked=spec.settings, used="published", given=given, why=why)
    rng = np.random.default_rng(spec.seed)
    parts, held_out, warning = _held_out(spec, pair, config, cache_dir, rng, progress)
    fixed = {name.removeprefix("relative_") for name in given}
    base = METHODS[spec.method].configure({**configuration, "tolerance": None})
    assert isinstance(base, LavaConfig)  # noqa: S101 - for the type checker
    calibration = calibrate(
        parts,
        len(pair.validation.class_names),
        base,
        fixed=fixed,
        config=config,
        optimistic=bool(warning),
        seed=spec.seed,
        progress=progress,
    )
    fusion = calibration.fusion
    if "damage" in fusion.seen:
        fusion = replace(fusion, damage=_damage(spec, pair, config, rng, progress))
    settings = {k: v for k, v in calibration.settings.items() if k not in fixed}
    return Chosen(
        asked=spec.settings,
        used="calibrated",
        given=given,
        settings={**settings, "fusion": fusion},
        found={
            "calibration": calibration.to_json(),
            "held_out": held_out,
            "warning": warning,
        },
    )


def _held_out(
    spec: ValueSpec,
    pair: EmbeddedPair,
    config: CalibrationConfig,
    cache_dir: Path | None,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[list[HeldOut], str, str]:
    """Return held-out images and kept ones, how they were held out, and a warning or ""."""
    labels = pair.validation.labels
    if not EMBEDDERS[pair.embedder].from_pictures:
        most, repeats = config.most_images, config.repeats
        parts = split_in_halves(pair.y, labels, most=most, repeats=repeats, rng=rng)
        return parts, "of the embeddings as given", _OPTIMISTIC
    kept, held = stratified(labels, config.held_out, rng)

    def told(stage: str, done: float, detail: str = "") -> None:
        progress("Calibration", 0.5 * done, f"{stage}, without the held-out images: {detail}")

    # An embedder that has not seen them: what it makes of them, it makes of training images.
    apart = embed_pair(
        pair.validation.take(held),
        pair.validation.take(kept),
        pair.embedder,
        seed=spec.seed,
        cache_dir=cache_dir,
        device=spec.device,
        progress=told,
    )
    most = config.most_images // 2
    rows, noisy = _noisy(spec, apart, apart.train, apart.x, most, rng, told)
    kept_rows, kept_noisy = _noisy(spec, apart, apart.validation, apart.y, most, rng, told)
    part = HeldOut(
        x=apart.x[rows],
        x_labels=apart.train.labels[rows],
        y=apart.y[kept_rows],
        y_labels=apart.validation.labels[kept_rows],
        noisy=noisy,
        y_noisy=kept_noisy,
    )
    return [part], "from the embedder too, which was made anew without them", ""


def _damage(
    spec: ValueSpec,
    pair: EmbeddedPair,
    config: CalibrationConfig,
    rng: np.random.Generator,
    progress: Progress,
) -> Damage:
    """Return the direction of noise in the run's own embedding space."""
    most = config.most_images // 2
    _, noisy = _noisy(spec, pair, pair.validation, pair.y, most, rng, progress)
    # Where it does not show here, it tells nothing.
    nothing = Damage(direction=(0.0,) * pair.y.shape[1], origin=0.0)
    return damage_direction(pair.y, noisy) or nothing


def _noisy(
    spec: ValueSpec,
    pair: EmbeddedPair,
    data: LabelledImages,
    features: np.ndarray,
    most: int,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of a set of `pair`, spread evenly, and the features of noisy copies of these.

    Pictures with noise are held in memory: of a large set only those are made that are used.
    """
    rows = np.sort(representative_rows(features, data.labels, min(most, len(data))))
    _, noisy = embed_more(
        with_noise(data.take(rows), rng),
        pair.embedder,
        pair.fitted,
        device=spec.device,
        progress=progress,
    )
    return rows, noisy


def with_noise(data: LabelledImages, rng: np.random.Generator) -> LabelledImages:
    """Return the set with white noise in its pictures, of a quarter or half the pixel range."""
    shape = propose_shape(data, largest_side=_LARGEST_SIDE)
    pictures = np.concatenate(list(decode_batches(data, shape.side, shape.channels, 500)))
    strength = np.where(np.arange(len(data)) % 2, *_NOISE)[:, None, None, None]
    noise = strength * 255 * rng.standard_normal(pictures.shape, dtype=np.float32)
    noisy = np.clip(np.rint(pictures + noise), 0, 255).astype(np.uint8)
    noisy = np.ascontiguousarray(np.moveaxis(noisy, 1, 3))
    store = ArrayStore(noisy[..., 0] if shape.channels == 1 else noisy)
    return replace(data, images=store, embeddings=None, paths=None)


def resolved(spec: ValueSpec, config: Any) -> ValueSpec:
    """Return the spec with the settings that were used in place of None."""
    return replace(
        spec,
        epsilon=getattr(config, "epsilon", None),
        # A method without these weights compares features alone, at weight 1.
        feature_weight=getattr(config, "feature_weight", 1.0),
        label_weight=getattr(config, "label_weight", 0.0),
        label_distance_kind=getattr(config, "label_distance_kind", None),
        p=config.p,
    )
