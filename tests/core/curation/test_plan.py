"""A plan takes the worst images that decisions and limits leave it, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.curation import PlanSettings, make_plan, source_table, thin_classes
from core.errors import ConfigError
from core.runs import Run
from tests.core.curation.exports.cases import decided
from tests.factories import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("home") / "runs" / "r", pictures=False)


def in_parts(run: Run, *counts: int) -> Run:
    """The same run as if its images were from several sources."""
    parts = tuple(
        replace(run.record.train, source=f"/data/week{k}", images=count)
        for k, count in enumerate(counts, 1)
    )
    changed = Run(run.path, replace(run.record, parts=parts))
    changed.__dict__["values"] = run.values
    return changed


def greedy(run: Run, verdicts: dict[int, str], asked: int, share: float, minimum: int) -> set[int]:
    """Take images one at a time, worst first, and check every limit anew before each."""
    label = run.values["label"].to_numpy()
    final = label.copy()
    final[[r for r, v in verdicts.items() if v == "relabel"]] = 1
    removed = {row for row, verdict in verdicts.items() if verdict == "remove"}
    for row in np.argsort(run.values["value"].to_numpy(), kind="stable").tolist():
        if len(removed) >= asked:
            break
        if row in verdicts:
            continue
        lost = sum(label[r] == label[row] for r in removed)
        left = sum(final[r] == label[row] for r in range(len(label)) if r not in removed)
        if lost + 1 <= share * (label == label[row]).sum() and left - 1 >= minimum:
            removed.add(row)
    return removed


def test_without_a_budget_only_what_was_decided_goes(run):
    plan = make_plan(run, decided(run, {3: "remove", 4: "keep", 5: "relabel", 6: "unsure"}))
    assert np.flatnonzero(plan.removed).tolist() == [3]
    assert plan.asked is None
    assert plan.short == 0
    assert plan.class_names[plan.labels[5]] == "boot"


@pytest.mark.parametrize("seed", range(6))
def test_the_worst_that_all_limits_allow_are_taken(run, seed):
    rng = np.random.default_rng(seed)
    rows = rng.choice(60, 18, replace=False).tolist()
    verdicts = {row: str(rng.choice(["keep", "remove", "relabel", "unsure"])) for row in rows}
    asked, share, minimum = int(rng.integers(5, 55)), float(rng.uniform(0.2, 1)), 3
    settings = PlanSettings(budget="count", amount=asked, class_share=share, class_minimum=minimum)
    plan = make_plan(run, decided(run, verdicts), settings)
    assert set(np.flatnonzero(plan.removed)) == greedy(run, verdicts, asked, share, minimum)


def test_decisions_win_over_every_budget(run):
    worst = np.argsort(run.values["value"].to_numpy())[:4].tolist()
    best = int(run.values["value"].argmax())
    verdicts = {worst[0]: "keep", worst[1]: "relabel", worst[2]: "unsure", best: "remove"}
    plan = make_plan(run, decided(run, verdicts), PlanSettings(budget="share", amount=1.0))
    assert not plan.removed[[worst[0], worst[1], worst[2]]].any()
    assert plan.removed[best]
    assert plan.decided[best]
    assert plan.short == 3
    settings = PlanSettings(budget="share", amount=1.0, unsure=True)
    assert make_plan(run, decided(run, verdicts), settings).removed[worst[2]]
    # More decided than asked for: all of them go, and nothing else.
    few = make_plan(run, decided(run, verdicts), PlanSettings(budget="count", amount=0))
    assert np.flatnonzero(few.removed).tolist() == [best]


def test_a_cut_takes_every_image_below_it(run):
    cut = float(run.values["value"].sort_values().iloc[7])
    plan = make_plan(run, decided(run, {}), PlanSettings(budget="value", amount=cut))
    assert plan.removed.sum() == 7
    assert plan.cut < cut


def test_what_the_run_suggests_goes_unless_it_was_decided_to_stay(run):
    harmful = np.flatnonzero(run.cut.harmful)
    plan = make_plan(run, decided(run, {int(harmful[0]): "keep"}), PlanSettings(budget="suggested"))
    np.testing.assert_array_equal(np.flatnonzero(plan.removed), harmful[1:])
    assert plan.asked == len(harmful) - 1
    assert plan.short == 0


def test_a_share_is_rounded_to_the_nearest_image(run):
    for share, count in ((0.05, 3), (0.29, 17), (0.07, 4), (0, 0)):
        plan = make_plan(run, decided(run, {}), PlanSettings(budget="share", amount=share))
        assert plan.removed.sum() == count


def test_a_protected_class_loses_nothing_to_the_budget(run):
    settings = PlanSettings(budget="share", amount=0.9, class_shares={"boot": 0.0})
    row = int(np.flatnonzero(run.values["class_name"] == "boot")[0])
    plan = make_plan(run, decided(run, {row: "remove"}), settings)
    boots = (run.values["class_name"] == "boot").to_numpy()
    assert np.flatnonzero(plan.removed & boots).tolist() == [row]


def test_histograms_count_labels_before_and_relabelled_images_after(run):
    rows = np.flatnonzero(run.values["class_name"] == "bag")[:3].tolist()
    verdicts = {rows[0]: "relabel", rows[1]: "relabel", rows[2]: "remove"}
    plan = make_plan(run, decided(run, verdicts, new_label="umbrella"))
    assert plan.class_names == (*run.class_names, "umbrella")
    assert plan.before.tolist() == [20, 20, 20, 0]
    assert plan.after.tolist() == [17, 20, 20, 2]
    assert plan.facts()["class_counts"]["umbrella"] == {"before": 0, "after": 2}


def test_thin_classes_are_named_worst_first(run):
    classes = run.values["class_name"]
    rows = (
        np.flatnonzero(classes == "bag").tolist() + np.flatnonzero(classes == "boot")[:1].tolist()
    )
    found = thin_classes(make_plan(run, decided(run, dict.fromkeys(rows, "remove"))))
    assert [(item.name, item.after) for item in found] == [("bag", 0), ("boot", 19)]
    assert "is gone" in found[0].sentence
    assert thin_classes(make_plan(run, decided(run, {}))) == []


def test_a_source_left_out_loses_all_that_was_not_decided_to_stay(run):
    several = in_parts(run, 40, 20)
    settings = PlanSettings(without=("/data/week2",), class_minimum=50)
    plan = make_plan(several, decided(run, {45: "keep", 46: "relabel", 1: "remove"}), settings)
    assert np.flatnonzero(plan.removed).tolist() == [1, *range(40, 45), *range(47, 60)]
    table = source_table(several, plan)
    assert table["images"].tolist() == [40, 20]
    assert table["removed"].tolist() == [1, 18]
    assert table["mean_value"].iloc[0] == pytest.approx(run.values["value"][:40].mean())


def test_an_image_that_is_only_noted_is_undecided(run):
    worst = int(run.values["value"].argmin())
    assert not make_plan(run, decided(run, {worst: "clear"})).removed.any()
    settings = PlanSettings(budget="count", amount=1)
    assert make_plan(run, decided(run, {worst: "clear"}), settings).removed[worst]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"budget": "some"}, "budget must be one of"),
        ({"budget": "count"}, "amount belongs"),
        ({"amount": 3}, "amount belongs"),
        ({"budget": "suggested", "amount": 3}, "amount belongs"),
        ({"budget": "share", "amount": 1.5}, "from 0 to 1"),
        ({"budget": "value", "amount": float("nan")}, "finite"),
        ({"class_shares": {"bag": 2.0}}, "'bag' must be from 0 to 1"),
        ({"class_minimum": -1}, "0 or more"),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ConfigError, match=words):
        PlanSettings(**settings)


def test_unknown_classes_and_sources_are_named(run):
    with pytest.raises(ConfigError, match="no class 'hat'; it has bag"):
        make_plan(run, decided(run, {}), PlanSettings(class_shares={"hat": 0.1}))
    with pytest.raises(ConfigError, match="no source '/nowhere'"):
        make_plan(run, decided(run, {}), PlanSettings(without=("/nowhere",)))
