"""The form of a projection in a browser: what is typed reaches the check."""

from __future__ import annotations

import re

import pytest

from tests.core.acquisition.offers import small_spec
from tests.e2e.review import expect


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("Capacity", "-5", 'The capacity of "A" must be a whole number of images, 1 or more'),
        ("Capacity", "0", 'The capacity of "A" must be a whole number of images, 1 or more'),
        ("Price (EUR)", "-1", 'The price of "A" must be 0 or more, got -1'),
    ],
)
def test_a_number_out_of_range_is_said_and_stays(page, app, tmp_path, field, value, said):
    spec = small_spec(tmp_path)
    page.goto(f"{app.url}/mixture?projection=new")
    page.get_by_label("Name", exact=True).fill("A")
    page.get_by_label("Pilot", exact=True).fill(spec.sources[0].pilot)
    page.get_by_label("Validation set: small and trusted", exact=True).fill(spec.validation)
    number = page.get_by_label(field, exact=True)
    number.fill(value)
    number.press("Enter")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(number).to_have_value(re.compile(rf"{value}(\.0+)?"))
