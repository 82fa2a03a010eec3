"""The routes of the inspector: evidence, and what if an image is removed."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from core.curation import import_scores, read_scores
from core.runs import home
from pages.ui import evidence_data
from tests.factories import make_home_run


def test_evidence_is_about_validation_images_and_splits_the_cost(client, at, run):
    body = client.get(f"{at}/evidence/7").json()
    label = run.values["label"].iloc[7]
    assert {item["label"] for item in body["own"]} == {label}
    assert [i["distance"] for i in body["overall"]] == sorted(
        i["distance"] for i in body["overall"]
    )
    assert [i["share"] for i in body["matched"]] == sorted(
        (i["share"] for i in body["matched"]), reverse=True
    )
    assert body["feature_cost"] >= 0
    assert body["label_cost"] >= 0


def test_evidence_says_why_first_and_shows_what_it_resembles(client, at, run):
    row = int(np.flatnonzero(run.values["looks_like"] != run.values["label"])[0])
    body = client.get(f"{at}/evidence/{row}").json()
    image = run.values.iloc[row]
    assert body["reasons"][0].startswith(f"It looks like {image.looks_like_name}, but is labelled")
    assert {item["label"] for item in body["other"]} == {image.looks_like}
    assert body["flagged"] is True


def test_the_nearest_training_images_are_listed_with_their_labels(client, at, run):
    listed = client.get(f"{at}/evidence/7").json()["training"]
    distance = np.linalg.norm(np.asarray(run.x, np.float64) - run.x[7], axis=1)
    distance[7] = np.inf
    assert [item["row"] for item in listed] == np.argsort(distance)[:7].tolist()
    assert [item["label"] for item in listed] == [
        run.values["label"].iloc[item["row"]] for item in listed
    ]


@pytest.mark.parametrize(
    ("columns", "fault", "suggestion"),
    [
        ({}, None, None),
        (
            {"likely_fault": "noise", "fault_probability": 0.75},
            {"kind": "noise", "probability": 0.75},
            None,
        ),
        (
            {
                "likely_fault": "wrong label",
                "fault_probability": 0.75,
                "looks_like": 1,
                "looks_like_probability": 0.75,
                "own_probability": 0.25,
            },
            {"kind": "wrong label", "probability": 0.75},
            {"label": 1, "confidence": 0.75},
        ),
    ],
    ids=("neither", "noise", "wrong label"),
)
def test_evidence_says_what_the_run_makes_of_fault_and_label(
    client, at, run, columns, fault, suggestion
):
    run.values.assign(**columns).to_parquet(run.path / "values.parquet")
    body = client.get(f"{at}/evidence/7").json()
    assert (body["fault"], body["suggestion"]) == (fault, suggestion)


def test_copies_are_counted_by_label_and_the_rule_is_told(client, at, run):
    values = run.values
    copied = values["path"].iloc[7]
    for row in (30, 55):
        shutil.copyfile(copied, values["path"].iloc[row])
    content = values["content"].to_numpy().copy()
    content[[30, 55]] = content[7]
    values.assign(content=content).to_parquet(run.path / "values.parquet")
    copies = client.get(f"{at}/evidence/7").json()["copies"]
    labels = values["label"].iloc[[30, 55]].tolist()
    assert copies["training"]["labels"] == {
        str(label): labels.count(label) for label in set(labels)
    }
    assert {(image["row"], image["exact"]) for image in copies["training"]["images"]} == {
        (30, True),
        (55, True),
    }
    assert copies["training"]["exact"] == 2
    assert copies["validation"] == {"labels": {}, "exact": 0, "images": []}
    assert "correlate" in copies["rule"]


def test_other_methods_say_what_they_think_of_the_image(client, at, run, monkeypatch):
    monkeypatch.setattr(evidence_data, "_LOOK_AGAIN_S", 0.0)
    assert client.get(f"{at}/evidence/7").json()["scores"] == []
    ids = run.values["id"].tolist()
    table = pd.DataFrame({"id": ids[5:10], "margin": [0.5, 0.1, 0.2, 0.4, 0.3]})
    path = home() / "margin.csv"
    table.to_csv(path, index=False)
    import_scores(home(), run, read_scores(path), column="margin", better="higher")
    [score] = client.get(f"{at}/evidence/7").json()["scores"]
    assert (score["title"], score["rank"], score["of"]) == ("margin", 2, 5)
    assert score["score"] == pytest.approx(0.2)
    assert client.get(f"{at}/evidence/0").json()["scores"] == []


def test_the_sensitivity_runs_from_removal_to_double_weight(client, at):
    body = client.get(f"{at}/sensitivity/7").json()
    shares, predicted, actual = (np.array(body[name]) for name in ("shares", "predicted", "actual"))
    assert (shares[0], shares[10], shares[-1]) == (-1, 0, 1)
    np.testing.assert_allclose(predicted, predicted[-1] * shares, atol=1e-15)
    assert (actual - predicted).min() >= 0
    assert body["images"] == body["linear"]["images"] == [60, 30]
    assert body["whole"] is body["linear"]["whole"] is True
    assert body["holds"][0] <= 0 <= body["holds"][1]


def test_the_sensitivity_of_a_run_of_one_image_says_why_there_is_none(client):
    alone = make_home_run(home(), n=1)
    answer = client.get(f"/assay/runs/{alone.id}/sensitivity/0")
    assert answer.status_code == 422
    assert "single training image" in answer.json()["error"]
