"""Make the bundled example of a projection in `assets/mixture/`: three sources, already fitted.

Run as `python -m assets.make_mixture [--lists] [--home DIR]` from the repository. The pilots and
the test images are lists of ids of the bundled sample, without its planted faults: no picture is
copied. Then the projection that `mixture.toml` describes is made and put into
`assets/mixture/projection/`. With `--lists` only the lists are written; with `--home` stopped work
goes on where it was. Lists and accuracies are the same each time on one machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.acquisition import copy_projection, example_folder, read_mixture, run_projection
from core.datasets import open_source, sample_truth_path


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureConfig:
    """What the sources of the example are.

    Attributes
    ----------
    per_class : images of each class in the balanced pilot and in the one with wrong labels
    test_per_class : the same of the test set
    few : classes of the narrow source
    per_few : images of each of these
    wrong : share of wrong labels, each another class at random
    seed : decides what is drawn
    """

    per_class: int = 60
    test_per_class: int = 100
    few: tuple[str, ...] = ("Pullover", "Coat", "Shirt")
    per_few: int = 200
    wrong: float = 0.3
    seed: int = 0


def lists(config: MixtureConfig) -> dict[str, pd.DataFrame]:
    """Return the ids and labels of each set by the name of its file; no image is in two."""
    rng = np.random.default_rng(config.seed)
    sample = open_source("sample:train")
    faulty = pd.read_csv(sample_truth_path(), dtype=str)["id"]
    names = np.array(sample.class_names, dtype=object)
    sound = pd.DataFrame({"id": sample.ids.astype(str), "label": names[sample.labels]})
    left = sound[~sound["id"].isin(faulty)]

    def drawn(classes: tuple[str, ...], count: int) -> pd.DataFrame:
        nonlocal left
        rows = [
            rng.choice(np.flatnonzero(left["label"] == u), count, replace=False) for u in classes
        ]
        chosen = left.iloc[np.sort(np.concatenate(rows))]
        left = left.drop(chosen.index)
        return chosen

    found = {
        "test.csv": drawn(sample.class_names, config.test_per_class),
        "balanced.csv": drawn(sample.class_names, config.per_class),
        "few-classes.csv": drawn(config.few, config.per_few),
    }
    wrong = drawn(sample.class_names, config.per_class).reset_index(drop=True)
    rows = rng.choice(len(wrong), round(config.wrong * len(wrong)), replace=False)
    shifts = rng.integers(1, len(names), len(rows))
    true = [sample.class_names.index(name) for name in wrong.loc[rows, "label"]]
    wrong.loc[rows, "label"] = names[(np.array(true) + shifts) % len(names)]
    return {**found, "wrong-labels.csv": wrong}


def main(arguments: list[str] | None = None) -> int:
    """Write the example; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the bundled example of a projection.")
    parser.add_argument("--lists", action="store_true", help="write the lists of ids only")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where models are kept")
    options = parser.parse_args(arguments)
    folder = example_folder()
    for name, table in lists(MixtureConfig()).items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
    if options.lists:
        return 0
    with tempfile.TemporaryDirectory() as passing:
        home = options.home or Path(passing)
        projection, _ = run_projection(read_mixture(folder / "mixture.toml"), home)
        shutil.rmtree(folder / "projection", ignore_errors=True)
        copy_projection(projection, folder / "projection")
    return 0


if __name__ == "__main__":
    sys.exit(main())
