"""What the pages about one run say and do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.curation import FORMATS, NewStroke, RunDecisions, Verdict, open_store
from core.runs import Run
from tests.factories import make_home_run
from tests.pages.conftest import Open, texts


@pytest.fixture
def run(assay_home: Path) -> Run:
    return make_home_run(assay_home)


def _metrics(app: object) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}  # type: ignore[attr-defined]


def test_overview_counts_the_planted_faults_as_harmful(open_page: Open, run: Run) -> None:
    app = open_page("overview", run=run.id)
    assert _metrics(app)["Look harmful"] == "6"  # every tenth of 60
    assert "6 images" in texts(app)
    assert not app.warning


def test_overview_warns_where_the_valuation_did_not_converge(open_page: Open, run: Run) -> None:
    record = replace(run.record, converged=False, marginal_error=0.4, passes=100)
    (run.path / "run.json").write_text(record.to_json())
    app = open_page("overview", run=run.id)
    (warning,) = app.warning
    assert "did not converge" in warning.value
    assert "40 %" in warning.value


def test_overview_of_embeddings_only_shows_ids_for_pictures(
    open_page: Open, assay_home: Path
) -> None:
    run = make_home_run(assay_home, pictures=False)
    app = open_page("overview", run=run.id)
    markup = "".join(str(element.proto) for element in app.get("html"))
    worst = run.values.nsmallest(12, "value")["id"]
    assert all(f"<span>{name}</span>" in markup for name in worst)
    assert "<img" not in markup


def test_overview_shows_review_progress(open_page: Open, assay_home: Path, run: Run) -> None:
    _decide(assay_home, run, "remove", rows=(0, 10))
    app = open_page("overview", run=run.id)
    assert _metrics(app)["Reviewed"] == "2"
    assert "How far is the review?" in [header.value for header in app.subheader]
    assert "100 % of the images judged worst first are faulty" in texts(app)


def test_overview_of_a_run_without_decisions_does_not_speak_of_progress(
    open_page: Open, run: Run
) -> None:
    app = open_page("overview", run=run.id)
    assert "How far is the review?" not in [header.value for header in app.subheader]


def _in_batches(run: Run, left: int, right: int) -> None:
    """Make of a run one that was solved in batches, the third training batch dearer than others."""
    cost = 2 + 0.01 * np.random.default_rng(0).standard_normal((left, right))
    cost[2 % left] += 1.0
    np.savez(run.path / "method.npz", batch_cost=cost, batch_plan=np.full((left, right), 0.01))
    details = {"batches": "stratified", "batch_size": 10}
    record = replace(run.record, details=details, seconds={"Valuation": 75.0})
    (run.path / "run.json").write_text(record.to_json())


def test_overview_of_a_run_in_batches_shows_how_they_were_matched(
    open_page: Open, run: Run
) -> None:
    _in_batches(run, 6, 3)
    app = open_page("overview", run=run.id)
    assert not app.exception
    said = texts(app)
    assert "6 training and 3 validation batches, stratified by class" in said
    assert "18 problems" in said
    assert "training batch 3" in said
    assert "33.3 %" in said  # an even share of three
    assert "The batches took 1 min 15 s" in said


def test_overview_of_one_batch_a_side_says_that_it_is_lava(open_page: Open, run: Run) -> None:
    _in_batches(run, 1, 1)
    app = open_page("overview", run=run.id)
    assert not app.exception
    assert "so this is LAVA" in texts(app)


def test_overview_of_a_run_without_batches_says_nothing_of_them(open_page: Open, run: Run) -> None:
    assert "batches" not in texts(open_page("overview", run=run.id))


def test_names_from_the_data_are_shown_as_text(open_page: Open, assay_home: Path) -> None:
    run = make_home_run(assay_home)
    values = run.values.copy()
    values["class_name"] = "<img src=x onerror=alert(1)>"
    values.to_parquet(run.path / "values.parquet", index=False)
    app = open_page("overview", run=run.id)
    assert not app.exception
    markup = "".join(str(element.proto) for element in app.get("html"))
    assert "onerror" in markup
    assert "<img src=x" not in markup


def test_classes_names_the_pair_that_is_mixed_up_most(open_page: Open, run: Run) -> None:
    app = open_page("classes", run=run.id)
    assert not app.exception
    assert "Mixed up most" in texts(app)


def test_detection_without_truth_says_what_to_give(open_page: Open, run: Run) -> None:
    app = open_page("detection", run=run.id)
    assert not app.exception
    assert "Give a truth file" in texts(app)


def test_detection_reads_a_truth_file_by_path(open_page: Open, run: Run, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    faulty = run.values["id"].iloc[::10]
    pd.DataFrame({"id": faulty, "fault": "planted"}).to_csv(truth, index=False)
    app = open_page("detection", run=run.id)
    app.text_input(key="detection__path").set_value(str(truth)).run()
    assert not app.exception
    assert _metrics(app)["AUROC"] == "1.000"
    assert _metrics(app)["Recall at 10 %"] == "100 %"
    assert "a random order finds 10 %" in texts(app)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such truth file"),
        ("name,fault\na,b\n", "expected a column"),
        ("id,fault\nnobody,wrong-label\n", "no image of this run"),
    ],
)
def test_a_truth_file_that_cannot_be_used_is_explained(
    open_page: Open, run: Run, tmp_path: Path, content: str | None, said: str
) -> None:
    truth = tmp_path / "truth.csv"
    if content is not None:
        truth.write_text(content)
    app = open_page("detection", run=run.id)
    app.text_input(key="detection__path").set_value(str(truth)).run()
    assert not app.exception
    (error,) = app.error
    assert said in error.value


def _decide(home: Path, run: Run, verdict: Verdict, rows: tuple[int, ...]) -> None:
    events = [NewStroke(event_id=f"{verdict}-{row}", rows=[row], verdict=verdict) for row in rows]
    assert RunDecisions(open_store(home), run).record(events).saved == len(rows)


def test_export_counts_decisions(open_page: Open, assay_home: Path, run: Run) -> None:
    _decide(assay_home, run, "remove", rows=(0, 10, 20))
    _decide(assay_home, run, "keep", rows=(1,))
    app = open_page("export", run=run.id)
    metrics = _metrics(app)
    counts = [metrics[name] for name in ("Stay", "Go by decision", "Decided keep", "Not decided")]
    assert counts == ["57", "3", "1", "56"]
    assert not app.info


def test_export_says_where_reviewers_disagree(open_page: Open, assay_home: Path, run: Run) -> None:
    _decide(assay_home, run, "remove", rows=(3,))
    assert "judged differently" not in texts(open_page("export", run=run.id))
    other = NewStroke(event_id="bo-3", rows=[3], verdict="keep", reviewer="bo")
    RunDecisions(open_store(assay_home), run).record([other])
    assert "1 image judged differently" in texts(open_page("export", run=run.id))


def test_export_without_decisions_says_so(open_page: Open, run: Run) -> None:
    app = open_page("export", run=run.id)
    assert "Nothing has been decided yet" in texts(app)


def test_export_writes_to_a_folder_and_refuses_a_full_one(
    open_page: Open, assay_home: Path, run: Run, tmp_path: Path
) -> None:
    _decide(assay_home, run, "remove", rows=(0,))
    out = tmp_path / "out"
    app = open_page("export", run=run.id)
    app.selectbox(key="export__format").set_value("json")
    app.text_input(key="export__folder").set_value(str(out))
    app.button(key="export__write").click().run()
    assert not app.exception
    assert len(app.success) == 1
    assert any("json.load" in block.value for block in app.code)
    rows = json.loads((out / "decisions.json").read_text())
    assert [row["verdict"] for row in rows].count("remove") == 1
    app.button(key="export__write").click().run()
    (error,) = app.error
    assert "not an empty folder" in error.value


def test_the_plan_on_the_page_is_the_plan_that_is_written(
    open_page: Open, assay_home: Path, run: Run, tmp_path: Path
) -> None:
    _decide(assay_home, run, "remove", rows=(5,))
    app = open_page("export", run=run.id)
    app.segmented_control(key="budget").set_value("count").run()
    app.number_input(key="count").set_value(4).run()
    app.multiselect(key="protect").set_value(["bag"]).run()
    assert _metrics(app)["Go by the plan"] == "3"
    (command,) = [block.value for block in app.code if block.value.startswith("python -m core")]
    assert "--plan-count 4" in command
    assert "--plan-class bag=0" in command
    app.selectbox(key="export__format").set_value("json")
    app.text_input(key="export__folder").set_value(str(tmp_path / "out"))
    app.button(key="export__write").click().run()
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert facts["plan"]["settings"]["class_shares"] == {"bag": 0.0}
    assert (facts["plan"]["removed_by_decision"], facts["plan"]["removed_by_plan"]) == (1, 3)
    rows = json.loads((tmp_path / "out" / "decisions.json").read_text())
    gone = [row["class_name"] for row in rows if row["removed_by"] == "plan"]
    assert len(gone) == 3
    assert "bag" not in gone


def test_downloads_are_named_by_what_they_hold(open_page: Open, run: Run) -> None:
    names = [
        button.proto.label for button in open_page("export", run=run.id).get("download_button")
    ]
    assert names == [item.title for item in FORMATS.values() if not item.large]


def test_limits_that_are_set_are_counted_on_their_closed_box(open_page: Open, run: Run) -> None:
    def label(app: AppTest) -> str:
        return next(box.label for box in app.expander if box.label.startswith("Limits"))

    app = open_page("export", run=run.id, budget="Number")
    assert label(app) == "Limits"
    app.toggle(key="unsure").set_value(True).run()
    app.multiselect(key="protect").set_value(["bag"]).run()
    assert label(app) == "Limits · 2 set"
    app.toggle(key="unsure").set_value(False).run()
    assert label(app) == "Limits · 1 set"
    assert label(open_page("export", run=run.id, budget="Number", classmost="10")) == (
        "Limits · 1 set"
    )


def test_a_class_that_gets_thin_is_named(open_page: Open, assay_home: Path, run: Run) -> None:
    _decide(assay_home, run, "remove", rows=tuple(range(15)))
    app = open_page("export", run=run.id)
    assert any("bag keeps 5 of 20 images" in warning.value for warning in app.warning)


def test_overview_says_why_the_published_settings_were_used(open_page: Open, run: Run) -> None:
    why = "the validation set has 30 images; calibration needs 200"
    settings = {"asked": "calibrated", "used": "published", "given": [], "why": why}
    record = replace(run.record, details={"settings": settings})
    (run.path / "run.json").write_text(record.to_json())
    app = open_page("overview", run=run.id)
    assert not app.exception
    assert f"Published settings, because {why}" in texts(app)


def test_overview_says_what_calibrated_settings_find_and_that_it_may_be_too_good(
    open_page: Open, run: Run
) -> None:
    quality = {
        "auroc": 0.987,
        "auroc_deviation": 0.004,
        "average_precision": 0.9,
        "average_precision_deviation": 0.01,
    }
    settings = {
        "asked": "calibrated",
        "used": "calibrated",
        "given": ["epsilon"],
        "why": "",
        "calibration": {"expected": {"noise": quality, "all faults": quality}},
        "held_out": "of the embeddings as given",
        "warning": "this estimate is too good",
    }
    configuration = {**run.record.configuration, "label_distance_kind": "training"}
    record = replace(run.record, details={"settings": settings}, configuration=configuration)
    (run.path / "run.json").write_text(record.to_json())
    app = open_page("overview", run=run.id)
    assert not app.exception
    said = texts(app)
    assert "this estimate is too good" in said
    assert "You set: epsilon" in said
    assert any("0.987 ± 0.004" in item.label for item in app.expander)
