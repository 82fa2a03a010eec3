from __future__ import annotations

from pathlib import Path

import numpy as np

from core.runs import Run, open_run, suggestions
from core.valuation import NO_LABEL
from tests.factories import make_run


def changed(run: Run, **columns: object) -> Run:
    run.values.assign(**columns).to_parquet(run.path / "values.parquet")
    return open_run(run.path)


def test_a_likely_wrong_label_gets_a_suggestion_and_noise_gets_none(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    kinds = np.where(np.arange(60) < 30, "wrong label", "noise")
    run = changed(run, fault_probability=0.9, likely_fault=kinds, looks_like_probability=0.9)
    differs = (run.values["looks_like"] != run.values["label"]).to_numpy()
    found = suggestions(run)
    np.testing.assert_array_equal(found.label != NO_LABEL, differs & (np.arange(60) < 30))
    assert found.label[0] == run.values["looks_like"].iloc[0]


def test_a_run_without_calibration_suggests_by_how_its_labels_fit(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    differs = (run.values["looks_like"] != run.values["label"]).to_numpy()
    own = np.where(differs, 1e-4, 0.95)
    run = changed(run, own_probability=own, looks_like_probability=np.where(differs, 0.9, 0.95))
    found = suggestions(run)
    np.testing.assert_array_equal(found.label != NO_LABEL, differs)
