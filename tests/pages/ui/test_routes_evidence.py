"""The routes of the inspector: evidence, and what if an image is removed."""

from __future__ import annotations

import numpy as np
import pytest

from core.runs import home
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


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, {}),
        (
            {"likely_fault": "noise", "fault_probability": 0.75},
            {"fault": {"kind": "noise", "probability": 0.75}},
        ),
        (
            {"suggested_label": 1, "suggested_probability": 0.75, "own_probability": 0.25},
            {"suggestion": {"label": 1, "probability": 0.75, "own": 0.25}},
        ),
    ],
    ids=("neither", "calibrated", "label posterior"),
)
def test_evidence_says_what_the_run_makes_of_fault_and_label(client, at, run, columns, expected):
    run.values.assign(**columns).to_parquet(run.path / "values.parquet")
    body = client.get(f"{at}/evidence/7").json()
    assert {name: body[name] for name in ("fault", "suggestion") if name in body} == expected


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
