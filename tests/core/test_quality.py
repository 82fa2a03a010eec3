"""The product's promises on real images: what is found, and what changes no value."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.datasets import sample_truth_path
from core.evaluation import Evaluation, detection_curve, evaluate, read_truth
from core.runs import Run, ValueSpec, value_run
from core.valuation import LavaConfig, TransportValuation, value_lava

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CIFAR = SHARED / "data/cifar10"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The bundled sample, valued with the default settings."""
    folder = tmp_path_factory.mktemp("sample")
    spec = ValueSpec(train="sample:train", validation="sample:val")
    return value_run(spec, folder / "run", cache_dir=folder / "embeddings")


@pytest.fixture(scope="module")
def published(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same at the published settings."""
    spec = ValueSpec(train="sample:train", validation="sample:val", settings="published")
    out = tmp_path_factory.mktemp("published") / "run"
    return value_run(spec, out, cache_dir=run.path.parent / "embeddings")


def test_calibrated_settings_find_more_than_published_ones(
    found: Evaluation, published: Run
) -> None:
    other = evaluate(published.values, read_truth(sample_truth_path())).overall
    assert found.overall.auroc > other.auroc
    assert found.overall.average_precision > other.average_precision


@pytest.fixture(scope="module")
def found(run: Run) -> Evaluation:
    return evaluate(run.values, read_truth(sample_truth_path()))


def test_the_planted_faults_of_the_sample_are_found(found: Evaluation) -> None:
    assert found.overall.auroc >= 0.965
    # 0.77 where this was measured; another processor rounds the network's training differently.
    assert found.overall.recall_at(0.1) >= 0.72


@pytest.mark.parametrize("kind", ["wrong-label", "noise", "backdoor"])
def test_every_kind_of_fault_is_found(found: Evaluation, kind: str) -> None:
    assert found.by_fault[kind].auroc >= 0.93


def revalue(run: Run, order: np.ndarray) -> TransportValuation:
    """Value the training images at `order`, from the run's embeddings, at the default settings."""
    labels = run.values["label"].to_numpy()
    return value_lava(
        np.array(run.x)[order],
        labels[order],
        np.array(run.y),
        run.validation["label"].to_numpy(),
        len(run.record.class_names),
        LavaConfig(),
    )


def test_row_order_changes_no_value(published: Run) -> None:
    run = published
    value = run.values["value"].to_numpy()
    order = np.random.default_rng(0).permutation(len(value))
    shuffled = revalue(run, order)
    assert shuffled.converged
    np.testing.assert_allclose(shuffled.value, value[order], atol=1e-3 * value.std())


def test_duplicating_the_training_set_changes_no_value(published: Run) -> None:
    """LAVA appendix B.8."""
    run = published
    value = run.values["value"].to_numpy()
    twice = revalue(run, np.tile(np.arange(len(value)), 2))
    assert twice.converged
    for half in np.split(twice.value, 2):
        np.testing.assert_allclose(half, value, atol=1e-3 * value.std())


@pytest.mark.skipif(not CIFAR.is_dir(), reason=f"CIFAR-10 embeddings are not in {CIFAR}")
def test_wrong_labels_are_found_among_50000_embeddings(tmp_path: Path) -> None:
    with np.load(CIFAR / "embeddings_train.npz") as train:
        embeddings, labels = train["embeddings"], train["labels"].astype(np.int64)
        names = train["class_names"]
    rng = np.random.default_rng(0)
    wrong = rng.random(len(labels)) < 0.3
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, wrong.sum())) % 10
    path = tmp_path / "train.npz"
    np.savez(path, embeddings=embeddings, labels=labels, class_names=names)
    spec = ValueSpec(train=str(path), validation=str(CIFAR / "embeddings_test.npz"))
    run = value_run(spec, tmp_path / "run", cache_dir=tmp_path)
    assert run.record.converged
    assert run.record.marginal_error <= 0.05
    assert detection_curve(run.values["value"].to_numpy(), wrong).auroc >= 0.975
