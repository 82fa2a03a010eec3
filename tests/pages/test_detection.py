"""The Detection page: earlier comparisons, a new one, and the images behind a point."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.corruption import PlantedFault
from core.lab import Experiment, ExperimentSpec
from core.runs import JobStatus, Run, ValueSpec, append_at_home, value_at_home
from tests.experiments import make_experiment
from tests.factories import make_home_run, write_set
from tests.pages.conftest import Open, texts


@pytest.fixture
def run(assay_home: Path) -> Run:
    return make_home_run(assay_home)


@pytest.fixture
def experiment(assay_home: Path, run: Run) -> Experiment:
    return make_experiment(assay_home, run)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ExperimentSpec]:
    """What was asked for; no process is started."""
    asked: list[ExperimentSpec] = []

    def start_job(spec: ExperimentSpec, home: Path) -> str:
        asked.append(spec)
        return "a" * 16

    monkeypatch.setattr("pages.ui.jobs.start_job", start_job)
    return asked


def named(app: AppTest, key: str) -> str:
    """Return what the address holds: a list where the test wrote it, a text where the page did."""
    found = app.query_params[key]
    return found if isinstance(found, str) else found[0]


def markup(app: AppTest) -> str:
    return "".join(str(element.proto) for element in app.get("html"))


def job_of(run: Run, state: str, **known: object) -> JobStatus:
    spec = ExperimentSpec(
        train=run.record.train.source,
        validation=run.record.validation.source,
        faults=(PlantedFault("noisy-labels"),),
        methods=("lava",),
    )
    return JobStatus(id="b" * 16, state=state, spec=spec, started="2026-01-01", **known)  # type: ignore[arg-type]


def let_jobs_be(monkeypatch: pytest.MonkeyPatch, job: JobStatus) -> None:
    import core.runs  # the page takes its functions from here each time it runs

    monkeypatch.setattr(core.runs, "list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.list_jobs", lambda home: [job])
    monkeypatch.setattr("pages.ui.jobs.job_status", lambda home, job_id: job)


def test_an_experiment_answers_first_which_method_to_use(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id)
    assert not app.exception
    headers = [header.value for header in app.subheader]
    assert headers[0] == "Which method should I use on my data?"
    said = texts(app)
    assert "Use LAVA" in said
    assert "12 of 60 images are faulty · 3 methods" in said
    assert "Batch-wise LAVA did not take part: it is for small sets" in said.replace("\\", "")
    assert "Accuracy is measured on the validation set" in said.replace("\\", "")


def test_the_latest_experiment_of_the_data_is_shown_unasked(
    open_page: Open, run: Run, assay_home: Path, experiment: Experiment
) -> None:
    later = make_experiment(
        assay_home, run, seeds=(0,), experiment_id="f" * 16, created="2026-02-02T03:04:05+00:00"
    )
    app = open_page("detection", run=run.id)
    assert named(app, "experiment") == later.id
    assert app.selectbox(key="detection__result").value == later.id


def test_each_earlier_experiment_can_be_opened_though_they_are_called_alike(
    open_page: Open, run: Run, assay_home: Path, experiment: Experiment
) -> None:
    twin = make_experiment(assay_home, run, experiment_id="f" * 16)
    app = open_page("detection", run=run.id)
    box = app.selectbox(key="detection__result")
    assert len(set(box.options)) == 3
    for one in (experiment, twin, experiment):
        app.selectbox(key="detection__result").set_value(one.id).run()
        assert named(app, "experiment") == one.id
    app.selectbox(key="detection__result").set_value("known").run()
    assert "Give a truth file" in texts(app)


def test_an_experiment_of_other_data_is_not_offered(
    open_page: Open, run: Run, assay_home: Path, experiment: Experiment
) -> None:
    other = make_home_run(assay_home, seed=5)
    app = open_page("detection", run=other.id, experiment=experiment.id)
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="detection__result").options == ["This run, against known faults"]


def test_a_link_to_an_experiment_that_is_gone_says_so(open_page: Open, run: Run) -> None:
    app = open_page("detection", run=run.id, experiment="c" * 16)
    (error,) = app.error
    assert "There is no experiment" in error.value


def test_a_link_that_names_an_experiment_alone_opens_its_run(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", experiment=experiment.id)
    assert not app.exception
    assert named(app, "run") == run.id
    assert "Use LAVA" in texts(app)


def test_the_images_of_a_point_are_those_at_its_rank(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page(
        "detection", run=run.id, experiment=experiment.id, method="label-posterior", rank="30"
    )
    assert not app.exception
    ranked = experiment.ranked("label-posterior")
    shown = markup(app)
    said = "**Label posterior**, images 19 to 42 of 60, worst first: "
    assert said in texts(app)
    for name in ranked["id"].iloc[18:42]:
        assert f"{name}, rank" in shown
    for name in ranked["id"].iloc[[0, 17, 42, 59]]:
        assert f"{name}, rank" not in shown
    faulty = int((ranked["fault"].iloc[18:42] != "").sum())
    assert f"{said}{faulty} of 24 are faulty, framed." in texts(app)
    assert shown.count('class=\\"faulty\\"') == faulty


def test_a_faulty_image_says_what_class_it_is_of(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    values = experiment.values.copy()
    faulty = values.index[values["fault"] == "wrong label"]
    values["class_name"] = run.values["class_name"].to_numpy()
    values.loc[faulty, "clean_label"] = "<b>mitten"
    values.to_parquet(experiment.path / "values.parquet", index=False)
    app = open_page("detection", run=run.id, experiment=experiment.id, rank="12")
    assert not app.exception
    shown = markup(app)
    assert "<i>wrong label</i><i>is &lt;b&gt;mitten</i>" in shown
    assert "<b>mitten" not in shown


def test_one_goes_on_to_the_images_that_are_worse(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id, rank="48")
    assert "images 37 to 60 of 60" in texts(app)
    assert app.button(key="detection__step__better").disabled
    app.button(key="detection__step__worse").click().run()
    assert "images 13 to 36 of 60" in texts(app)
    app.button(key="detection__step__worse").click().run()
    assert "images 1 to 24 of 60" in texts(app)
    assert app.button(key="detection__step__worse").disabled


@pytest.mark.parametrize("rank", ["", "-3", "ten", "9" * 40, "\u0663"])
def test_a_rank_that_is_none_is_passed_over(
    open_page: Open, run: Run, experiment: Experiment, rank: str
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id, rank=rank, method="<b>")
    assert not app.exception
    assert "**LAVA**, images 1 to 24 of 60" in texts(app)


def test_without_its_run_an_experiment_is_still_shown(
    open_page: Open, run: Run, assay_home: Path
) -> None:
    of_other = make_home_run(assay_home, seed=3)
    made = make_experiment(assay_home, of_other)
    config = (made.path / "experiment.json").read_text()
    described = config.replace(of_other.record.train.fingerprint, run.record.train.fingerprint)
    (made.path / "experiment.json").write_text(described)
    shutil.rmtree(of_other.path)
    app = open_page("detection", run=run.id, experiment=made.id)
    assert not app.exception
    assert "Use LAVA" in texts(app)
    assert "has been removed, so its images cannot be shown" in texts(app)


def test_where_nothing_was_retrained_no_effects_are_shown(
    open_page: Open, run: Run, assay_home: Path
) -> None:
    made = make_experiment(assay_home, run, effects=False)
    app = open_page("detection", run=run.id, experiment=made.id)
    assert not app.exception
    assert "What happens to a model" not in texts(app)


def test_effects_say_what_removal_brings_and_whether_the_attack_still_works(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id)
    said = texts(app)
    assert "With nothing removed the accuracy is 70.2 %; without the worst 20 % by LAVA" in said
    assert "With nothing removed the attack success is 90 %" in said


def test_effects_say_what_the_suggested_removal_brings(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id)
    said = texts(app)
    assert "suggests to remove **12 %** of the images by LAVA" in said
    assert "accuracy is **78 %** instead of 70" in said
    assert "succeeds in **3 %** of the cases instead of 90 %" in said
    app = open_page("detection", run=run.id, experiment=experiment.id, method="sava")
    assert "suggests to remove" not in texts(app)


def test_faults_of_one_kind_can_be_looked_at_alone(
    open_page: Open, run: Run, experiment: Experiment
) -> None:
    app = open_page("detection", run=run.id, experiment=experiment.id)
    before = app.dataframe[0].value
    app.segmented_control(key="detection__kind").set_value("backdoor").run()
    assert not app.exception
    after = app.dataframe[0].value
    assert before["average_precision"].tolist() != after["average_precision"].tolist()


def test_what_is_asked_is_started_as_it_was_asked(
    open_page: Open, run: Run, started: list[ExperimentSpec]
) -> None:
    app = open_page("detection", run=run.id, experiment="new")
    assert not app.exception
    app.pills(key="detection__faults").set_value(["noisy-labels", "trojan-square"]).run()
    app.number_input(key="detection__fraction__noisy-labels").set_value(5.0).run()
    app.text_input(key="detection__option__noisy-labels__pair").set_value("bag>boot").run()
    app.number_input(key="detection__seeds").set_value(2).run()
    app.toggle(key="detection__removal").set_value(False).run()
    assert not app.exception
    assert "About " in texts(app)
    app.button(key="detection__start").click().run()
    (spec,) = started
    assert spec.train == run.record.train.source
    assert spec.embedder == run.record.embedder
    assert [(fault.name, fault.fraction) for fault in spec.faults] == [
        ("noisy-labels", 0.05),
        ("trojan-square", 0.05),
    ]
    assert dict(spec.faults[0].options) == {"pair": "bag>boot"}
    assert spec.seeds == (0, 1)
    assert not spec.removal
    assert spec.methods[:2] == ("lava", "lava:published")


def test_what_cannot_be_done_is_said_and_not_started(open_page: Open, run: Run) -> None:
    app = open_page("detection", run=run.id, experiment="new")
    app.pills(key="detection__faults").set_value(["noisy-features", "noisy-labels"]).run()
    app.number_input(key="detection__option__noisy-features__strength").set_value(-1.0).run()
    assert "The strength of noise must be more than 0" in app.error[0].value
    assert app.number_input(key="detection__fraction__noisy-labels").value == 25
    assert app.button(key="detection__start").disabled


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("detection__faults", "Choose at least one fault."),
        ("detection__methods__neighbors", "Choose at least one method."),
    ],
)
def test_what_is_not_chosen_yet_is_said_calmly_and_no_other_answer_is_forgotten(
    open_page: Open, run: Run, question: str, missing: str
) -> None:
    """The other questions were not drawn, and Streamlit forgets answers to what is not there."""
    app = open_page("detection", run=run.id, experiment="new")
    app.number_input(key="detection__images").set_value(30).run()
    app.number_input(key="detection__seeds").set_value(1).run()
    app.toggle(key="detection__removal").set_value(False).run()
    for family in ("optimal_transport", "network_head", "reference"):
        app.pills(key=f"detection__methods__{family}").set_value([]).run()
    kept = app.pills(key=question).value
    app.pills(key=question).set_value([]).run()
    assert not app.error
    assert missing in texts(app)
    assert app.button(key="detection__start").disabled
    app.pills(key=question).set_value(kept).run()
    assert not app.button(key="detection__start").disabled
    assert app.number_input(key="detection__images").value == 30
    assert app.number_input(key="detection__seeds").value == 1
    assert not app.toggle(key="detection__removal").value
    assert app.pills(key="detection__methods__optimal_transport").value == []


def test_of_a_run_that_was_added_to_the_first_set_takes_part_and_the_form_says_so(
    open_page: Open, assay_home: Path, tmp_path: Path, started: list[ExperimentSpec]
) -> None:
    week1 = write_set(tmp_path / "week1.npz", 60, 0)
    spec = ValueSpec(train=week1, validation=write_set(tmp_path / "validation.npz", 30, 1))
    run = value_at_home(spec, assay_home)[0]
    whole = append_at_home(run, write_set(tmp_path / "week2.npz", 40, 2), assay_home)[0]
    app = open_page("detection", run=whole.id, experiment="new")
    assert not app.exception
    assert "only the first takes part, week1.npz (60 images)" in texts(app).replace("\\", "")
    assert app.number_input(key="detection__images").max == 60
    app.button(key="detection__start").click().run()
    assert started[0].train == week1


def test_embeddings_alone_are_offered_no_faults_of_pictures(
    open_page: Open, assay_home: Path
) -> None:
    run = make_home_run(assay_home, pictures=False)
    app = open_page("detection", run=run.id, experiment="new")
    assert not app.exception
    offered = app.pills(key="detection__faults").options
    assert "Wrong labels" in offered
    assert "Backdoor: square" not in offered


def test_with_truth_of_ones_own_nothing_is_planted(
    open_page: Open, run: Run, started: list[ExperimentSpec], tmp_path: Path
) -> None:
    truth = tmp_path / "truth.csv"
    pd.DataFrame({"id": run.values["id"].iloc[::10]}).to_csv(truth, index=False)
    app = open_page("detection", run=run.id, experiment="new")
    app.segmented_control(key="detection__source").set_value("A truth file").run()
    assert "Name the truth file" in texts(app)
    app.text_input(key="detection__truth_file").set_value(str(tmp_path / "none.csv")).run()
    assert "there is no such truth file" in app.error[0].value
    assert app.button(key="detection__start").disabled
    app.text_input(key="detection__truth_file").set_value(str(truth)).run()
    app.button(key="detection__start").click().run()
    (spec,) = started
    assert (spec.faults, spec.truth) == ((), str(truth))


def test_while_a_comparison_works_the_page_shows_how_far_it_is(
    open_page: Open, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_jobs_be(monkeypatch, job_of(run, "running", stage="Planting", done=0.4))
    app = open_page("detection", run=run.id, experiment="new")
    assert not app.exception
    assert job_of(run, "running").spec.what in texts(app).replace("\\", "")
    assert not [button for button in app.button if button.key == "detection__start"]
    assert len(app.get("progress")) == 1


@pytest.mark.parametrize("state", ["running", "done"])
def test_after_a_reload_the_result_is_shown_when_it_is_there(
    open_page: Open,
    run: Run,
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    """A new session, whose address still holds the job, showed the form again."""
    done = job_of(run, "done", result={"experiment": experiment.id})
    let_jobs_be(monkeypatch, done if state == "done" else job_of(run, state))
    app = open_page("detection", run=run.id, experiment="new", job=done.id)
    let_jobs_be(monkeypatch, done)
    app.run()
    assert named(app, "experiment") == experiment.id
    assert "Use LAVA" in texts(app)
    # It is shown once: who then asks for another comparison is not led back to this one.
    app.button(key="detection__new").click().run()
    assert app.button(key="detection__start")


def test_whoever_is_told_to_wait_for_a_result_is_shown_it(
    open_page: Open, run: Run, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another tab has started the comparison: nothing in this address says so."""
    let_jobs_be(monkeypatch, job_of(run, "running"))
    app = open_page("detection", run=run.id, experiment="new")
    assert "The result is shown here when it is done" in texts(app)
    let_jobs_be(monkeypatch, job_of(run, "done", result={"experiment": experiment.id}))
    app.run()
    assert named(app, "experiment") == experiment.id


def test_a_comparison_that_failed_says_why_and_can_be_tried_again(
    open_page: Open, run: Run, started: list[ExperimentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(run, "failed", error="The disk is full")
    let_jobs_be(monkeypatch, job)
    forgotten: list[str] = []
    monkeypatch.setattr("pages.ui.jobs.forget_job", lambda home, job_id: forgotten.append(job_id))
    app = open_page("detection", run=run.id)
    assert "The disk is full" in texts(app)
    app.button(key=f"detection__retry__{job.id}").click().run()
    assert forgotten == [job.id]
    assert started == [job.spec]


def test_a_finished_comparison_opens_itself(
    open_page: Open, run: Run, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(run, "done", result={"experiment": experiment.id})
    let_jobs_be(monkeypatch, job)
    app = open_page("detection", run=run.id, experiment="new")
    app.session_state["jobs__followed"] = job.id
    app.run()
    assert not app.exception
    assert named(app, "experiment") == experiment.id
    assert "Use LAVA" in texts(app)
