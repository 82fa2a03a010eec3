"""The routes of a projection: what they answer, and that whatever the URL says gets a sentence."""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.acquisition import Projection, example_projection
from core.runs import home
from pages.ui import cache, mixture_data, mixture_maps
from tests.pages.ui.mixtures import planted

ROUTES = ("about", "mix", "field", "spread", "best", "path", "order")


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("planted-for-routes")
    return {m: planted(folder, m).path for m in (1, 2, 3, 10)}


@pytest.fixture
def of(written):
    """Return a projection of so many sources in the home, and where its routes begin."""

    def put(m: int) -> tuple[Projection, str]:
        path = written[m]
        shutil.copytree(path, home() / "projections" / path.name)
        return cache.projection(home(), path.name), f"/assay/projections/{path.name}"

    return put


def shares(p: np.ndarray) -> str:
    return ",".join(map(str, p.tolist()))


def test_about_is_sent_once_and_not_again_while_it_is_the_same(client, of):
    projection, at = of(3)
    answer = client.get(f"{at}/about")
    assert answer.json() == mixture_data.about(projection)
    assert "must-revalidate" in answer.headers["cache-control"]
    again = client.get(f"{at}/about", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("m", [1, 2, 3, 10])
def test_a_mix_is_answered_for_any_number_of_sources(client, of, m):
    projection, at = of(m)
    p = np.full(m, 1 / m)
    answer = client.get(f"{at}/mix", params={"p": shares(p), "n": 640, "by": "linear"})
    assert answer.json() == mixture_data.mix(projection, p, 640, "linear")
    assert answer.headers["cache-control"] == "no-store"


def test_the_predictor_that_is_shown_first_answers_where_none_is_named(client, of):
    _, at = of(2)
    for empty in ("", "&by="):
        assert client.get(f"{at}/mix?p=0.5,0.5&n=640{empty}").json()["by"] == "saturating"


def test_shares_of_a_few_digits_count_as_a_mix(client, of):
    projection, at = of(3)
    said = client.get(f"{at}/mix?p=0.333,0.333,0.333&n=640").json()
    few = np.full(3, 0.333)
    assert said == mixture_data.mix(projection, few / few.sum(), 640, "saturating")
    assert sum(said["counts"]) == 640


def test_shares_come_back_with_every_digit(client, of):
    _, at = of(3)
    assert client.get(f"{at}/mix?p=0.12345678,0.2,0.67654322&n=640").json()["p"] == pytest.approx(
        [0.12345678, 0.2, 0.67654322], rel=1e-12
    )


@pytest.mark.parametrize(("sent", "locked"), [("", ()), ("1", [1]), ("0,2", [0, 2]), ("2,2", [2])])
def test_tracks_keep_what_is_locked(client, of, sent, locked):
    projection, at = of(3)
    p = np.array([0.5, 0.3, 0.2])
    said = client.get(f"{at}/mix?p={shares(p)}&n=640&locked={sent}").json()
    assert said == mixture_data.mix(projection, p, 640, "saturating", locked)


def test_maps_are_answered_as_they_are_asked_for(client, of):
    few, at_few = of(3)
    assert client.get(f"{at_few}/field?n=640").json() == mixture_maps.field(few, 640, "saturating")
    many, at = of(10)
    p = np.arange(10) / 45
    asked = {"n": 640, "by": "linear", "p": shares(p), "a": 9, "b": 1}
    said = client.get(f"{at}/field", params=asked).json()
    expected = mixture_maps.field(many, 640, "linear", p=p / p.sum(), corners=(9, 1))
    assert said == expected
    assert len(said["accuracy"]) == 861
    spread = client.get(f"{at}/spread?n=640&by=linear").json()
    assert spread == mixture_maps.spread(many, 640, "linear")


@pytest.mark.parametrize(
    ("asked", "n", "by", "budget"),
    [
        ("n=640", 640, "saturating", None),
        ("n=640&by=linear&budget=200", 640, "linear", 200.0),
        ("budget=2e2&by=linear", None, "linear", 200.0),
    ],
)
def test_the_best_mix_is_answered_for_a_size_a_budget_or_both(client, of, asked, n, by, budget):
    projection, at = of(3)
    said = client.get(f"{at}/best?{asked}").json()
    assert said == mixture_maps.best_mix(projection, n, by, budget, None)


def test_the_best_mixes_by_size_keep_to_the_budget(client, of):
    projection, at = of(3)
    assert client.get(f"{at}/path").json() == mixture_maps.best_by_size(
        projection, "saturating", None, None
    )
    said = client.get(f"{at}/path?by=linear&budget=100").json()
    assert said == mixture_maps.best_by_size(projection, "linear", 100.0, None)
    assert all(one["cost"] <= 100 * (1 + 1e-9) for one in said["best"])


@pytest.mark.parametrize(
    ("sent", "locked"),
    [
        ("0.2,,0.1", (0.2, None, 0.1)),
        (",0,", (None, 0.0, None)),
        (",,", None),
        # Digits that were cut off make no mix impossible.
        ("0.6667,0.3334,", (0.6667 / 1.0001, 0.3334 / 1.0001, None)),
        ("0.333,0.333,0.333", (1 / 3, 1 / 3, 1 / 3)),
    ],
)
def test_a_locked_share_stays_in_the_best_mixes(client, of, sent, locked):
    projection, at = of(3)
    best = client.get(f"{at}/best?n=640&by=linear&locked={sent}").json()
    assert best == mixture_maps.best_mix(projection, 640, "linear", None, locked)
    path = client.get(f"{at}/path?by=linear&locked={sent}").json()
    assert path == mixture_maps.best_by_size(projection, "linear", None, locked)
    budget = client.get(f"{at}/best?budget=150&by=linear&locked={sent}").json()
    assert budget["cost"] <= 150
    for mix in (best, budget, *path["best"]):
        for share, kept in zip(mix["p"], locked or 3 * [None], strict=True):
            assert kept is None or share == pytest.approx(kept, abs=1e-6)


def test_locked_mixes_are_not_those_of_the_record(client, of):
    projection, at = of(3)
    assert (
        client.get(f"{at}/path?locked=,,").json()["best"] == mixture_data.about(projection)["best"]
    )
    said = client.get(f"{at}/path?locked=,0.7,").json()["best"]
    assert {one["p"][1] for one in said} == {0.7}
    again = client.get(f"{at}/path?locked=,0.4,").json()["best"]
    assert {one["p"][1] for one in again} == {0.4}


def test_an_order_is_a_file_of_its_own(client, of):
    _, at = of(3)
    answer = client.get(f"{at}/order?counts=400,0,10")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(one["source"], one["images"], float(one["cost"])) for one in rows] == [
        ("Source 0", "400", 200.0),
        ("Source 2", "10", pytest.approx(10 * 0.5 / 3)),
    ]
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="order-00000000.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_example_has_a_name_in_place_of_an_id(client):
    said = client.get("/assay/projections/example/about").json()
    assert said["id"] == example_projection().id
    p = example_projection().record.best[0].p
    mix = client.get("/assay/projections/example/mix", params={"p": shares(np.array(p)), "n": 1000})
    accuracy = mix.json()["at"]["accuracy"]
    assert accuracy == pytest.approx(example_projection().record.best[0].accuracy, abs=1e-4)


@pytest.mark.parametrize(
    "name", ["0" * 16, "nothing", "A" * 16, "..", "%2e%2e%2fprojections", "x" * 999]
)
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_no_projection_is_not_found(client, name, route):
    assert client.get(f"/assay/projections/{name}/{route}").status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "mix",
        "mix?n=100",
        "mix?p=&n=100",
        "mix?p=1,0&n=100",
        "mix?p=0.25,0.25,0.25,0.25&n=100",
        "mix?p=0.5,0.3,0.1&n=100",
        "mix?p=1.5,-0.5,0&n=100",
        "mix?p=nan,1,0&n=100",
        "mix?p=inf,0,0&n=100",
        "mix?p=1e309,0,0&n=100",
        "mix?p=a,b,c&n=100",
        "mix?p=1,0,0",
        "mix?p=1,0,0&n=0",
        "mix?p=1,0,0&n=-5",
        "mix?p=1,0,0&n=1.5",
        "mix?p=1,0,0&n=1e3",
        "mix?p=1,0,0&n=1000000001",
        "mix?p=1,0,0&n=%D9%A3",
        f"mix?p=1,0,0&n={'9' * 5000}",
        "mix?p=1,0,0&n=100&by=oracle",
        "mix?p=1,0,0&n=100&by=rational",
        "mix?p=1,0,0&n=100&locked=3",
        "mix?p=1,0,0&n=100&locked=-1",
        "mix?p=1,0,0&n=100&locked=0,",
        "mix?p=1,0,0&n=100&locked=0.2,,",
        "mix?p=1,0,0&n=100&locked=x",
        f"mix?p=1,0,0&n=100&locked={'9' * 5000}",
        "field",
        "field?n=100&a=0",
        "field?n=100&a=0&b=0",
        "field?n=100&a=0&b=3",
        "field?n=100&a=-1&b=1",
        "field?n=100&p=1,0",
        "field?n=100&by=oracle",
        "spread",
        "spread?n=0",
        "spread?n=100&by=oracle",
        "best",
        "best?n=999999999",
        "best?n=600&budget=0",
        "best?n=600&budget=-1",
        "best?n=600&budget=nan",
        "best?n=600&budget=inf",
        "best?n=600&budget=",
        "best?n=600&budget=0.01",
        "best?budget=0.01",
        "best?budget=1e13",
        "best?n=600&by=oracle",
        "best?n=600&locked=",
        "best?n=600&locked=0.1,0.2",
        "best?n=600&locked=0.1,,,",
        "best?n=600&locked=nan,,",
        "best?n=600&locked=inf,,",
        "best?n=600&locked=1e309,,",
        "best?n=600&locked=x,,",
        "best?n=600&locked=%20,,",
        "best?n=600&locked=-0.1,,",
        "best?n=600&locked=0.7,0.4,",
        "best?n=600&locked=0.2,0.3,0.4",
        "best?n=6000&locked=0.9,,",
        "best?budget=0.01&locked=0.5,,",
        "best?n=600&budget=180&locked=0.9,,",
        "path?locked=0.7,0.4,",
        "path?budget=nan",
        "path?budget=0.01",
        "path?by=oracle",
        "order",
        "order?counts=",
        "order?counts=1,2",
        "order?counts=1,2,x",
        "order?counts=1,2,-3",
        "order?counts=1,2,1.5",
        "order?counts=3001,0,0",
        f"order?counts=1,2,{'9' * 5000}",
    ],
)
def test_whatever_the_url_says_is_answered_with_a_sentence(client, of, asked):
    _, at = of(3)
    answer = client.get(f"{at}/{asked}")
    assert answer.status_code == 422
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    assert len(sentence) < 300
    assert answer.headers["cache-control"] == "no-store"


def test_a_fault_of_our_own_is_not_said_to_be_a_row_of_a_run(client, of, monkeypatch):
    _, at = of(3)

    def broken(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr("pages.ui.mixture_maps.spread", broken)
    answer = client.get(f"{at}/spread?n=100")
    assert answer.status_code == 500
    assert "the server's log says why" in answer.json()["error"]


def test_one_source_has_no_map(client, of):
    _, at = of(1)
    answer = client.get(f"{at}/field?n=100")
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "There is one source and nothing to mix.",
    )
    assert client.get(f"{at}/spread?n=100").json()["p"] == [[1.0]]


def test_a_projection_is_opened_once_until_it_is_made_anew_or_gone(client, of):
    projection, at = of(2)
    assert cache.projection(home(), projection.id) is projection
    path = projection.path / "projection.json"
    path.write_text(path.read_text().replace("EUR", "USD"))
    # Within the resolution of a clock two writings may bear one time.
    os.utime(path, ns=(1, 1))
    assert client.get(f"{at}/about").json()["currency"] == "USD"
    shutil.rmtree(projection.path)
    answer = client.get(f"{at}/about")
    assert answer.status_code == 404
    assert "removed" in answer.json()["error"]


def test_a_damaged_projection_is_named(client, of):
    projection, at = of(2)
    for name in ("predictors.json", "tangents.npz", "measured.parquet"):
        (projection.path / name).write_bytes(b"{")
    answers = [client.get(f"{at}/{route}") for route in ("about", "mix?p=1,0&n=10", "best?n=600")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert all("cannot be read" in answer.json()["error"] for answer in answers)
