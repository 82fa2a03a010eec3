"""What removal does in one repetition: accuracy, and whether backdoors still work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.corruption import FAULTS, PlantedFault, stamp
from core.datasets import (
    ArrayStore,
    LabelledImages,
    decode_batches,
    drop_unreadable,
    propose_shape,
)
from core.errors import DataError
from core.lab.folder import SUGGESTED
from core.lab.planting import Planted
from core.progress import Progress, silent

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair
    from core.evaluation import Effect, Learner, RemovalPoint

RANDOM, TRUTH = "random", "truth"
WORST_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
BEST_SHARES = (0.1, 0.3)
EFFECT_COLUMNS = (
    "order",
    "seed",
    "end",
    "share",
    "removed",
    "accuracy",
    "attack_success",
    "target_confidence",
)
_LARGEST_SIDE = 64
# So many triggered images tell success to a hundredth.
_MOST_TRIGGERED = 2000


@dataclass(frozen=True, slots=True)
class Attack:
    """A backdoor, or a poisoned target, as the learner meets it.

    Attributes
    ----------
    inputs : features or pictures of images with the trigger, or of the target image
    labels : int64: what they really are
    target : the class that the attack should lead to
    """

    inputs: np.ndarray
    labels: np.ndarray
    target: int


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a learner is trained and tested on in one repetition.

    Attributes
    ----------
    learner : from `core.evaluation.LEARNERS`
    inputs, labels : of the training images: features or pictures, as the learner takes them
    test_inputs, test_labels : of the images that accuracy is measured on
    attacks : backdoors that are tried on it
    n_classes, seed, device : as the learner takes them
    """

    learner: Learner
    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    attacks: Sequence[Attack]
    n_classes: int
    seed: int
    device: str

    def measure(self, rows: np.ndarray) -> Effect:
        """Train on some of the training images, and say what the learner does."""
        from core.evaluation import Effect, accuracy, attack_effect

        predict = self.learner.fit(
            self.inputs[rows],
            self.labels[rows],
            self.n_classes,
            seed=self.seed,
            device=self.device,
        )
        reached = accuracy(predict(self.test_inputs), self.test_labels)
        if not self.attacks:
            return Effect(reached)
        tried = [attack_effect(predict(a.inputs), a.labels, a.target) for a in self.attacks]
        return Effect(
            reached,
            float(np.mean([one.success for one in tried])),
            float(np.mean([one.confidence for one in tried])),
        )


def effects_table(
    bench: Bench,
    values: Mapping[str, np.ndarray],
    faulty: np.ndarray,
    progress: Progress = silent,
    *,
    suggested: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return what removal does, by each ranking, at random, and by the truth.

    Parameters
    ----------
    values : each contender's values, shape (n,), by its name
    faulty : bool, shape (n,)
    suggested : what a prune plan proposes to remove by a contender's values, bool, shape (n,), by
        its name (`core.evaluation.suggested_removal`)

    Returns
    -------
    the columns of `Experiment.effects`; share 0 is there once for each order
    """
    from core.evaluation import removal_curve

    start = removal_curve(np.zeros(len(faulty)), bench.measure, (0.0,))
    orders = {**values, RANDOM: np.zeros(len(faulty)), TRUTH: -faulty.astype(np.float64)}
    rows = []
    for number, (order, value) in enumerate(orders.items()):
        progress("Training without the worst", number / len(orders), order)
        shares = (float(faulty.mean()),) if order == TRUTH else WORST_SHARES[1:]
        points = removal_curve(value, bench.measure, shares, seed=bench.seed)
        if order in values:
            points += removal_curve(value, bench.measure, BEST_SHARES, end="best", seed=bench.seed)
        if order in suggested:
            points += _without(bench, suggested[order])
        rows += [{"order": order, "seed": bench.seed, **asdict(x)} for x in (*start, *points)]
    return pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))


def _without(bench: Bench, suggested: np.ndarray) -> list[RemovalPoint]:
    """Return what a learner does without all that is suggested; nothing if that is all there is."""
    from core.evaluation import RemovalPoint

    kept = np.flatnonzero(~suggested)
    if not len(kept):
        return []
    effect = bench.measure(kept)
    count = int(suggested.sum())
    share = float(suggested.mean())
    return [RemovalPoint(end=SUGGESTED, share=share, removed=count, **asdict(effect))]


def make_bench(
    learner: Learner,
    pair: EmbeddedPair,
    planted: Planted,
    test: LabelledImages | None,
    *,
    seed: int,
    device: str,
    progress: Progress = silent,
) -> Bench:
    """Make ready what the learner is trained and tested on.

    Parameters
    ----------
    planted : the sets; backdoors and poison that were planted are tried on the learner
    test : images to measure accuracy on; None for the validation images

    Raises
    ------
    DataError : the learner takes pictures, and there are none; or no test image is of these classes
    """
    prepare = _Inputs(learner.takes, pair, device, progress)
    if test is None:
        test = pair.validation
        test_inputs = pair.y if learner.takes == "features" else prepare.pictures(test)
    else:
        test, test_inputs = prepare.further(_aligned(test, pair.train.class_names))
    inputs = pair.x if learner.takes == "features" else prepare.pictures(pair.train)
    return Bench(
        learner=learner,
        inputs=inputs,
        labels=pair.train.labels,
        test_inputs=test_inputs,
        test_labels=test.labels,
        attacks=_attacks(planted, pair, test, prepare),
        n_classes=len(pair.train.class_names),
        seed=seed,
        device=device,
    )


def _aligned(data: LabelledImages, names: tuple[str, ...]) -> LabelledImages:
    """Return the images of the classes `names`, with labels that are positions in it."""
    position = {name: index for index, name in enumerate(names)}
    new = np.array([position.get(name, -1) for name in data.class_names], dtype=np.int64)
    rows = np.flatnonzero(new[data.labels] >= 0)
    if not len(rows):
        raise DataError(
            f"{data.source}: no image of this test set is of a class that is compared. Its classes "
            f"are {', '.join(data.class_names[:8])}; expected such as {', '.join(names[:8])}."
        )
    kept = data.take(rows)
    return replace(kept, labels=new[data.labels[rows]], class_names=names)


@dataclass(frozen=True)
class _Inputs:
    """Turns images into what the learner takes."""

    takes: str
    pair: EmbeddedPair
    device: str
    progress: Progress

    def pictures(self, data: LabelledImages) -> np.ndarray:
        """Return pictures as the learner takes them, uint8, shape (n, channels, side, side)."""
        shape = propose_shape(self.pair.validation, largest_side=_LARGEST_SIDE)
        batches = decode_batches(data, shape.side, shape.channels, 500, self.progress)
        return np.concatenate(list(batches))

    def further(self, data: LabelledImages) -> tuple[LabelledImages, np.ndarray]:
        """Return images beyond the two sets as the learner takes them, without unreadable ones."""
        from core.embedding import embed_more

        if self.takes == "pictures":
            data = drop_unreadable(data, self.progress)
            return data, self.pictures(data)
        return embed_more(
            data,
            self.pair.embedder,
            self.pair.fitted,
            device=self.device,
            progress=self.progress,
        )


def _attacks(
    planted: Planted,
    pair: EmbeddedPair,
    test: LabelledImages,
    prepare: _Inputs,
) -> list[Attack]:
    """Return the attacks among the faults, as the learner meets them."""
    names = pair.train.class_names
    found = []
    # In the order in which they were planted, which is not that in which they were asked for.
    for facts in planted.facts.get("faults", ()):
        fault = PlantedFault.from_configuration(facts)
        kind = FAULTS[fault.name]
        if kind.trigger:
            target = names.index(facts["target"])
            # Where all are of the target class anyway, nothing can be led to it.
            if (test.labels != target).any():
                found.append(_triggered(fault, test, target, prepare))
        elif kind.kind == "poison":
            found += _poisoned(facts, pair, prepare)
    return found


def _triggered(
    fault: PlantedFault,
    test: LabelledImages,
    target: int,
    prepare: _Inputs,
) -> Attack:
    """Return test images of other classes with the trigger on them."""
    rows = np.flatnonzero(test.labels != target)
    if len(rows) > _MOST_TRIGGERED:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MOST_TRIGGERED])
    chosen = replace(test.take(rows), embeddings=None)
    shape = propose_shape(chosen, largest_side=256)
    pictures = np.concatenate(list(decode_batches(chosen, shape.side, shape.channels, 500)))
    stamped = np.moveaxis(stamp(fault.name, pictures, **fault.options), 1, 3)
    store = ArrayStore(np.ascontiguousarray(stamped[..., 0] if shape.channels == 1 else stamped))
    data, inputs = prepare.further(replace(chosen, images=store, paths=None))
    return Attack(inputs, data.labels, target)


def _poisoned(
    facts: Mapping[str, Any],
    pair: EmbeddedPair,
    prepare: _Inputs,
) -> list[Attack]:
    """Return the target image, which the poison should lead to the class that it is labelled."""
    base = pair.train.class_names.index(facts["base"])
    rows = np.flatnonzero(pair.validation.ids == facts["target"])
    if not len(rows):
        return []
    if prepare.takes == "features":
        inputs = pair.y[rows]
    else:
        inputs = prepare.pictures(pair.validation.take(rows))
    return [Attack(inputs, pair.validation.labels[rows], base)]
