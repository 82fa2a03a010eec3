from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.corruption import PlantedFault
from core.errors import ConfigError
from core.lab import (
    Contender,
    ExperimentSpec,
    contender_title,
    estimate_experiment,
    experiment_id,
    unavailable,
    usual_methods,
)
from core.runs.kinds import read_spec, written_spec

FAULTS = (PlantedFault("noisy-labels", 0.2), PlantedFault("noisy-features", 0.1, {"strength": 0.2}))


def spec(**changes: object) -> ExperimentSpec:
    settings = {"train": "sample:train", "validation": "sample:val", "faults": FAULTS, **changes}
    return ExperimentSpec(**settings)  # type: ignore[arg-type]


def test_a_spec_survives_json_and_the_folder_of_a_job() -> None:
    for asked in (spec(), spec(faults=(), truth="sample", seeds=(4,), images=100)):
        assert read_spec(json.loads(json.dumps(written_spec(asked)))) == asked


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"truth": "sample"}, "either faults"),
        ({"faults": ()}, "either faults"),
        ({"methods": ("lava", "lava")}, "named twice"),
        ({"methods": ("magic",)}, "no method 'magic'"),
        ({"methods": ("random:published",)}, "lava:published"),
        ({"seeds": ()}, "1 to 20 different seeds"),
        ({"seeds": (1, 1)}, "different seeds"),
        ({"seeds": (-1,)}, "Seeds must be"),
        ({"images": 1}, "2 or more"),
        ({"learner": "oracle"}, "no learner 'oracle'"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        spec(**changes)


def test_the_id_follows_data_and_settings_not_where_the_data_lie(tmp_path: Path) -> None:
    here = experiment_id(spec(train=str(tmp_path / "a.npz")), "f1", "f2")
    assert here == experiment_id(spec(train=str(tmp_path / "b.npz")), "f1", "f2")
    assert here != experiment_id(spec(), "f1", "f3")
    assert here != experiment_id(spec(seeds=(1, 2)), "f1", "f2")


def test_a_contender_is_a_method_with_or_without_its_published_settings() -> None:
    assert Contender.parse("lava").settings == "calibrated"
    assert Contender.parse("lava:published").settings == "published"
    assert contender_title("lava:published") == "LAVA as published"
    assert contender_title("of a later version") == "of a later version"
    assert all(Contender.parse(name) for name in usual_methods())


def test_each_repetition_is_valued_with_its_own_seed() -> None:
    asked = spec().value_spec("lava:published", 7)
    assert (asked.method, asked.settings, asked.seed) == ("lava", "published", 7)


def test_a_method_for_small_sets_says_why_it_takes_no_part() -> None:
    assert unavailable("lava", 10**6) == ""
    assert "takes 10,000 training images at most" in unavailable("g-shapley", 10**6)


def test_the_title_says_what_is_looked_for() -> None:
    assert spec().title == "20 % wrong labels, 10 % noise in the picture"
    assert spec(faults=(), truth="/data/known.csv").title == "Faults of known.csv"


def test_more_repetitions_methods_and_images_take_longer() -> None:
    def seconds(**changes: object) -> float:
        return estimate_experiment(spec(**changes), 5000, 1000).seconds

    usual = seconds()
    assert seconds(seeds=(0,)) < usual < seconds(seeds=(0, 1, 2, 3))
    assert seconds(methods=("random",)) < usual
    assert seconds(removal=False) < usual
    assert seconds(images=500) < usual < seconds(learner="convnet")
    assert usual < seconds(retrain=True)


def test_what_methods_share_is_counted_once() -> None:
    asked = {"seeds": (0,), "removal": False, "embedder": "resnet-20"}

    def seconds(*methods: str, **changes: object) -> float:
        one = spec(**{**asked, **changes}, methods=methods)
        return estimate_experiment(one, 5000, 1000).seconds

    # Starting and embedding: minutes, beside which a random order is nothing.
    alone = seconds("random")
    assert seconds("random", "prototypes") - alone < 0.05 * alone
    # Calibration trains the embedder again, without some of the validation images.
    published = seconds("random", "lava:published")
    assert seconds("random", "lava") - published > 0.4 * alone
    # The next seed finds both again, unless its embedder is another one.
    again = seconds("random", "lava", seeds=(0, 1)) - seconds("random", "lava")
    anew = seconds("random", "lava", seeds=(0, 1), retrain=True) - seconds("random", "lava")
    assert again < 0.1 * anew
