from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.acquisition import Offer, ProjectionSpec, example_folder, read_mixture, write_mixture
from core.errors import ConfigError

WHOLE = """
[[source]]
name = "good"
pilot = "pilots/good"
capacity = 5000
price = 0.02

[[source]]
name = "wide"
pilot = "sample:train"
ids = "wide.csv"

[validation]
source = "/data/validation"

[test]
source = "test.npz"

[training]
learner = "linear"
scales = [400, 100, 200]
points = 12
repeats = 2
seed = 7

[projection]
predictor = "linear"
sizes = [1000, 5000]
currency = "USD"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mixture.toml"
    path.write_text(text)
    return path


def test_paths_are_beside_the_file_and_named_sources_stay(tmp_path: Path) -> None:
    spec = read_mixture(written(tmp_path, WHOLE))
    good, wide = spec.sources
    assert good.pilot == str(tmp_path / "pilots/good")
    assert (wide.pilot, wide.ids) == ("sample:train", str(tmp_path / "wide.csv"))
    assert spec.validation == "/data/validation"
    assert spec.test == str(tmp_path / "test.npz")


def test_every_setting_arrives(tmp_path: Path) -> None:
    spec = read_mixture(written(tmp_path, WHOLE))
    assert (spec.sources[0].capacity, spec.sources[0].price) == (5000, 0.02)
    assert (spec.sources[1].capacity, spec.sources[1].price) == (None, None)
    assert spec.scales == (100, 200, 400)
    assert (spec.points, spec.repeats, spec.seed) == (12, 2, 7)
    assert (spec.predictor, spec.sizes, spec.currency) == ("linear", (1000, 5000), "USD")


def test_json_keeps_a_spec(tmp_path: Path) -> None:
    spec = read_mixture(written(tmp_path, WHOLE))
    assert ProjectionSpec.from_configuration(spec.configuration()) == spec


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[training]", "[trainings]", r"no table \[trainings\]"),
        ("price = 0.02", 'price = "cheap"', r"\[\[source\]\] number 1: price must be a number"),
        ("price = 0.02", "price = -1", r'number 1: The price of "good" must be 0 or more'),
        ("capacity = 5000", "capacity = true", "capacity must be a whole number"),
        ("capacity = 5000", "stock = 5000", "number 1 has the unknown key stock"),
        ('pilot = "sample:train"', "", "number 2 lacks the key pilot"),
        ('name = "wide"', 'name = "good"', "Each source needs a name of its own"),
        ('name = "wide"', 'name = "n"', "number 2: A source needs a name"),
        ("[400, 100, 200]", "[400, 1.5]", r"\[training\]: scales must be a list of whole numbers"),
        ('name = "good"', 'name = "=1+1"', "a spreadsheet would"),
        ("points = 12", 'table = "a.csv"', "with a table leave out scales"),
        ('source = "/data/validation"', "", r"it needs a table \[validation\]"),
        ('predictor = "linear"', 'predictor = "oracle"', "no predictor 'oracle'"),
        ('learner = "linear"', 'learner = "oracle"', "no learner 'oracle'"),
        ("[[source]]", "[source]", "mixture.toml"),
        ('name = "good"', "name = good", "it is no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in WHOLE
    path = written(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(ConfigError, match=said) as caught:
        read_mixture(path)
    assert str(path) in str(caught.value)


def test_sizes_that_nobody_has_are_refused_before_any_work(tmp_path: Path) -> None:
    text = WHOLE.replace('ids = "wide.csv"', "capacity = 900").replace("[1000, 5000]", "[5901]")
    with pytest.raises(ConfigError, match="5,900 images in all; the smallest of the sizes is 5,9"):
        read_mixture(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: it cannot be read"):
        read_mixture(tmp_path / "absent.toml")


def test_the_home_of_nobody_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no user of that name"):
        read_mixture(Path("~no-such-user/mixture.toml"))
    with pytest.raises(ConfigError, match=r"number 1: .*there is no user of that name"):
        read_mixture(written(tmp_path, WHOLE.replace("pilots/good", "~no-such-user/good")))


def reread(spec: ProjectionSpec) -> ProjectionSpec:
    with tempfile.TemporaryDirectory() as folder:
        return read_mixture(written(Path(folder), write_mixture(spec)))


def test_what_is_written_is_read_again_from_another_folder(tmp_path: Path) -> None:
    spec = read_mixture(written(tmp_path, WHOLE))
    assert reread(spec) == spec


def test_the_example_is_written_with_the_names_that_it_has() -> None:
    spec = read_mixture(example_folder() / "mixture.toml")
    assert 'ids = "example:few-classes.csv"' in write_mixture(spec)
    assert reread(spec) == spec


def test_a_table_of_ones_own_accuracies_is_written_and_what_is_open_is_not(tmp_path: Path) -> None:
    spec = ProjectionSpec(
        sources=(Offer(name="A", pilot="a.npz"),), validation="v", table=str(tmp_path / "t.csv")
    )
    raw = tomllib.loads(write_mixture(spec))
    assert raw["training"]["table"] == str(tmp_path / "t.csv")
    assert "test" not in raw
    assert set(raw["source"][0]) == {"name", "pilot"}
    assert "scales" not in raw["training"]
    assert reread(spec) == spec


def test_a_price_of_nothing_is_no_unknown_price() -> None:
    spec = ProjectionSpec(
        sources=(Offer(name="A", pilot="a.npz", price=0), Offer(name="B", pilot="b.npz")),
        validation="v",
    )
    assert [offer.price for offer in reread(spec).sources] == [0, None]


@pytest.mark.parametrize(
    "name", ['"]', "'''", '"""', "a\\", "[[source]]", "# none", "naïve 猫", '"price = 0', "{x}"]
)
def test_hostile_text_stays_text(name: str) -> None:
    spec = ProjectionSpec(
        sources=(Offer(name=name, pilot=f"/data/{name}\n[test]"),),
        validation=f'/data/{name}"\n\x01\x1b\x7f',
        currency=name,
    )
    assert reread(spec) == spec


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_path_comes_back(text: str) -> None:
    spec = ProjectionSpec(sources=(Offer(name="A", pilot=f"/a/{text}/b"),), validation="/v")
    assert reread(spec) == spec
