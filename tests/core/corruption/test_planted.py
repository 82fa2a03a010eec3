from __future__ import annotations

import copy
import json

import pytest

from core.corruption import FAULTS, PlantedFault
from core.errors import ConfigError

KINDS = {"wrong label", "noise", "backdoor", "poison", "irrelevant", "imbalance", "duplicate"}


def test_a_text_and_a_configuration_bring_the_fault_back() -> None:
    fault = PlantedFault.parse("noisy-features=0.25, strength=0.2")
    assert fault == PlantedFault("noisy-features", 0.25, {"strength": "0.2"})
    assert PlantedFault.parse(str(fault)) == fault
    raw = json.loads(json.dumps(fault.configuration()))
    assert PlantedFault.from_configuration(raw) == fault
    assert hash(fault) == hash(PlantedFault.parse(str(fault)))


def test_a_fault_can_be_copied_and_sent_to_another_process() -> None:
    fault = PlantedFault("noisy-labels", 0.1, {"pair": "cat>dog"})
    assert copy.deepcopy(fault) == fault
    assert copy.deepcopy(fault) == fault


@pytest.mark.parametrize("name", FAULTS)
def test_without_a_fraction_the_papers_own_is_meant(name: str) -> None:
    assert (
        PlantedFault(name).fraction
        == FAULTS[name].default_fraction
        == PlantedFault.parse(name).fraction
    )


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_its_code_its_words_and_a_known_kind(name: str) -> None:
    fault = FAULTS[name]
    assert fault.kind in KINDS
    assert fault.title and fault.summary.endswith(".") and fault.source
    assert callable(fault.load_function())
    assert fault.configured({}) == fault.load_config()()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no-such", "There is no fault 'no-such'. There are: noisy-labels"),
        ("noisy-labels=much", "'noisy-labels=much' does not fit"),
        ("noisy-labels=0", "does not fit"),
        ("noisy-labels=0.1,pair", "'pair' does not fit"),
        ("noisy-labels=1.5", "more than 0 and at most 1"),
        ("noisy-labels=-0.5", "more than 0 and at most 1"),
        ("noisy-labels=nan", "more than 0 and at most 1"),
        ("noisy-features=0.1,stength=1", "unknown option 'stength'; there are: strength"),
        ("noisy-features=0.1,strength=0", "more than 0"),
        ("noisy-features=0.1,strength=nan", "more than 0"),
        ("noisy-features=0.1,strength=loud", "takes a number"),
        ("exact-duplicates=0.1,copies=1.5", "whole number"),
        ("exact-duplicates=0.1,copies=0", "1 to 100"),
        ("noisy-labels=0.1,pair=a>b,confusion=x.csv", "not both"),
        ("trojan-square=0.1,size=2", "at most 1"),
        ("trojan-square=0.1,pattern=round", "patterned or white"),
        ("near-duplicates=0.1,change=turn", "any, crop"),
        ("poison-frogs=0.1,base=cat,target=cat", "two classes"),
        ("poison-frogs=0.1,opacity=0.9", "opacity 0 to 0.5"),
    ],
)
def test_what_cannot_be_planted_anywhere_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        PlantedFault.parse(text)
    assert says in str(error.value)


def test_a_configuration_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="Expected name, fraction and options"):
        PlantedFault.from_configuration({"name": "blend"})
