"""What the inspector is told about one image's weight."""

from __future__ import annotations

from core.runs import Run, home
from pages.ui.review_data import OpenedRun
from pages.ui.sensitivity_data import Sensitivities
from tests.factories import make_home_run


def answer(run: Run, **columns: object) -> dict[str, object]:
    """Ask about image 7 of the run with some of its table replaced."""
    opened = Run(run.path, run.record)
    opened.__dict__["values"] = run.values.assign(**columns)
    return Sensitivities().answer(OpenedRun(opened), 7)


def test_the_prediction_is_the_value_s_only_where_that_is_the_gradient() -> None:
    """A score may happen to be as large as the gradient; it promises nothing of the distance."""
    run = make_home_run(home())
    gradient = len(run.values) * answer(run)["predicted"][-1]
    value = run.values["value"].copy()
    value[7] = -gradient
    for values, same in ((-gradient, True), (value, False)):
        assert answer(run, calibrated_gradient=gradient, value=values)["same"] is same
