from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corruption import PlantedFault, corrupt
from core.corruption.labels import read_confusion
from core.errors import ConfigError, DataError
from tests.core.corruption.sets import NAMES, vectors


def truth_of(text: str, n: int = 2000) -> pd.DataFrame:
    return corrupt(vectors(n), [PlantedFault.parse(text)], seed=0).truth


def write(path: Path, table: np.ndarray, names: tuple[str, ...] = NAMES) -> Path:
    pd.DataFrame(table, index=list(names), columns=list(names)).to_csv(path, index_label="true")
    return path


def test_no_wrong_label_is_right_and_every_other_class_is_as_likely() -> None:
    truth = truth_of("noisy-labels=0.5", 10_000)
    assert len(truth) == 5000
    table = pd.crosstab(truth["clean_label"], truth["given_label"]).to_numpy()
    assert np.diag(table).tolist() == [0] * 5
    others = table[~np.eye(5, dtype=bool)]
    # 250 expected, standard deviation 14: five of them bound twenty cells.
    assert others.min() > 180 and others.max() < 320


def test_labels_follow_a_confusion_table_in_rate_and_direction(tmp_path: Path) -> None:
    table = np.eye(5)
    table[0] = [0.6, 0.3, 0.1, 0, 0]
    table[2] = [0, 0, 0.8, 0, 0.2]
    path = write(tmp_path / "mistaken.csv", table)
    # The table's own rate: (0.4 + 0.2) / 5 of all images.
    truth = truth_of(f"noisy-labels=0.12,confusion={path}", 10_000)
    counts = pd.crosstab(truth["clean_label"], truth["given_label"])
    assert counts.sum(axis=1).to_dict() == {"cat": 800, "dog": 400}
    assert set(zip(truth["clean_label"], truth["given_label"], strict=True)) == {
        ("cat", "deer"),
        ("cat", "dog"),
        ("dog", "truck"),
    }
    assert abs(int(counts.loc["cat", "deer"]) - 600) < 60  # standard deviation 12


def test_a_confusion_table_may_hold_counts_and_other_classes_in_any_order(tmp_path: Path) -> None:
    names = ("truck", "cat", "whale", "dog")
    path = write(tmp_path / "counts.csv", np.arange(16).reshape(4, 4) + 1, names)
    found = read_confusion(path, ("cat", "truck"))
    np.testing.assert_allclose(found, [[6 / 11, 5 / 11], [2 / 3, 1 / 3]], rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("true,cat\ncat,1\ndog,1\n", "no column for the class 'dog'"),
        ("true,cat,dog\ncat,1,0\n", "no row for the class 'dog'"),
        ("true,cat,dog\ncat,1,0\ndog,much,0\n", "numbers only"),
        ("true,cat,dog\ncat,1,0\ndog,-1,0\n", "row dog, column cat"),
        ("true,cat,dog\ncat,1,0\ndog,0,0\n", "row dog holds only zeros"),
        ("true,cat,dog\ncat,1,0\ncat,1,0\ndog,0,1\n", "two rows of one name"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        read_confusion(path, ("cat", "dog"))
    with pytest.raises(DataError, match="cannot be read"):
        read_confusion(tmp_path / "absent.csv", ("cat", "dog"))


def test_a_class_too_small_for_its_share_of_mistakes_is_named(tmp_path: Path) -> None:
    table = np.eye(5)
    table[0, :2] = [0.1, 0.9]
    path = write(tmp_path / "mistaken.csv", table)
    with pytest.raises(ConfigError, match="takes 600 images of class cat"):
        truth_of(f"noisy-labels=0.3,confusion={path}")
    with pytest.raises(DataError, match="mistakes no class"):
        truth_of(f"noisy-labels=0.3,confusion={write(tmp_path / 'none.csv', np.eye(5))}")


def test_pairs_change_labels_of_their_first_class_only() -> None:
    truth = truth_of("noisy-labels=0.1,pair=cat>dog;truck>frog")
    pairs = set(zip(truth["clean_label"], truth["given_label"], strict=True))
    assert pairs == {("cat", "dog"), ("truck", "frog")}
    assert len(truth) == 200


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("cat", "written as cat>dog"),
        ("cat>cat", "written as cat>dog"),
        ("cat>whale", "no class 'whale' for pair"),
        ("cat>dog;cat>deer", "twice"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(pair: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        truth_of(f"noisy-labels=0.1,pair={pair}")


def test_a_pair_with_too_few_images_says_how_many() -> None:
    with pytest.raises(ConfigError, match=r"there are 400 images of the classes .* at most 0\.2"):
        truth_of("noisy-labels=0.25,pair=cat>dog")


def test_a_class_taken_out_is_spread_evenly_over_the_others() -> None:
    result = corrupt(vectors(2003), [PlantedFault.parse("irrelevant=0.2,removed=deer")], seed=0)
    truth = result.truth
    assert set(truth["clean_label"]) == {"deer"}
    counts = truth["given_label"].value_counts()
    assert set(counts.index) == set(NAMES) - {"deer"}
    assert counts.max() - counts.min() <= 1
    assert result.data.class_names == ("cat", "dog", "frog", "truck")
    assert result.removed_classes == ("deer",)
    assert len(result.data) == 2003


def test_of_a_class_taken_out_what_is_not_asked_for_leaves_the_set() -> None:
    result = corrupt(vectors(2000), [PlantedFault.parse("irrelevant=0.05,removed=deer")], seed=0)
    assert len(result.truth) == 100
    assert len(result.data) == 1700
    assert result.facts["left_out"] == 300


def test_a_fraction_beyond_the_class_takes_the_whole_class() -> None:
    result = corrupt(vectors(2000), [PlantedFault.parse("irrelevant=0.9")], seed=0)
    assert len(result.truth) == 400
    assert set(result.truth["clean_label"]) == {"truck"}


def test_irrelevant_images_can_all_go_into_one_class() -> None:
    truth = truth_of("irrelevant,removed=deer,into=truck")
    assert set(truth["given_label"]) == {"truck"}
    for wrong in (
        "irrelevant,removed=whale",
        "irrelevant,into=whale",
        "irrelevant,removed=cat,into=cat",
    ):
        with pytest.raises(ConfigError):
            truth_of(wrong)
