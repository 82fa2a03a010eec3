from __future__ import annotations

from typing import Any

import pytest

from core.valuation import Facts, reasons


def facts(**changed: Any) -> Facts:
    usual: dict[str, Any] = {
        "label": "boot",
        "resembles": "boot",
        "resemblance": 0.9,
        "flagged": True,
        "neighbors": 7,
        "neighbors_own": 6,
        "neighbors_resembled": 6,
        "sent_to": "boot",
        "sent": 0.72,
        "farther": 0.4,
        "commoner": 1.0,
        "by_gradient": True,
    }
    return Facts(**{**usual, **changed})


MOSTLY_BAG = (
    "5 of the 7 nearest validation images are bag, 1 boot; the plan sends 72 % of it there."
)
OTHER = {"resembles": "bag", "neighbors_own": 1, "neighbors_resembled": 5, "sent_to": "bag"}


@pytest.mark.parametrize(
    ("changed", "first", "second"),
    [
        (
            OTHER,
            "It looks like bag, but is labelled boot.",
            MOSTLY_BAG,
        ),
        (
            {**OTHER, "neighbors_own": 0, "neighbors_resembled": 7, "fault": "wrong label"}
            | {"fault_probability": 0.94},
            "Probably a wrong label (94 %): it looks like bag, not boot.",
            "All 7 nearest validation images are bag; the plan sends 72 % of it there.",
        ),
        (
            {"fault": "wrong label", "fault_probability": 0.6},
            "Probably a wrong label (60 %), although it resembles boot more than any other class.",
            "6 of the 7 nearest validation images are boot; the plan sends 72 % of it there.",
        ),
        (
            {"fault": "noise", "fault_probability": 0.8, "farther": 0.99},
            "Probably a damaged picture, as by noise (80 %).",
            "99 % of the training images are nearer to the validation set than it is.",
        ),
        (
            {**OTHER, "fault": "backdoor", "fault_probability": 0.9, "farther": 0.3},
            "Probably one of a cluster, as a backdoor makes it (90 %): images of many other "
            "classes are labelled boot, and it looks like bag.",
            MOSTLY_BAG,
        ),
        (
            {**OTHER, "fault": "irrelevant", "fault_probability": 0.7, "farther": 0.3},
            "Probably an image of none of these classes (70 %).",
            "The nearest validation image is no farther away than usual.",
        ),
        (
            {"farther": 0.97},
            "It is unlike anything in the validation set.",
            "97 % of the training images are nearer to the validation set than it is.",
        ),
        (
            {"commoner": None, "neighbors_own": 0, "neighbors_resembled": 0, "sent_to": "bag"},
            "The validation set has no boot to compare it with.",
            "None of the 7 nearest validation images are boot; the plan sends 72 % of it to bag.",
        ),
        (
            {"commoner": 1.8},
            "It fits its label, but boot is 1.8 times as common in training as in validation, "
            "which lowers the value of all its images.",
            "6 of the 7 nearest validation images are boot; the plan sends 72 % of it there.",
        ),
        (
            {"commoner": 1.8, "by_gradient": False},
            "A borderline case: it fits its label, yet costs more to match than most images do.",
            "6 of the 7 nearest validation images are boot; the plan sends 72 % of it there.",
        ),
        (
            {"flagged": False, "fault": "wrong label", "fault_probability": 0.1, "farther": 0.99},
            "Not flagged: it looks like boot, as it is labelled.",
            "6 of the 7 nearest validation images are boot; the plan sends 72 % of it there.",
        ),
        (
            {**OTHER, "flagged": False, "resemblance": 0.44},
            "Not flagged, though it looks more like bag (44 %) than like boot.",
            MOSTLY_BAG,
        ),
    ],
)
def test_the_reason_names_what_stands_out(changed, first: str, second: str) -> None:
    assert reasons(facts(**changed)) == (first, second)


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, "all"), (0.9949, "99 %"), (0.004, "less than 1 %"), (0.0, "0 %"), (0.555, "56 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, said: str) -> None:
    assert f"sends {said} of it" in reasons(facts(sent=share))[1]


def test_a_single_validation_image_is_spoken_of_as_one() -> None:
    found = reasons(facts(neighbors=1, neighbors_own=1, neighbors_resembled=1))
    assert found[1].startswith("The nearest validation image is boot;")
