from __future__ import annotations

import pytest

from pages.ui.words import (
    column_format,
    duration,
    escape,
    images,
    memory,
    number,
    percent,
    source_labels,
    source_name,
)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([3.3, 3.56], ["3.30", "3.56"]),
        ([-0.0123, 0.004], ["-0.0123", "0.0040"]),
        ([1234.5, 7.0], ["1234", "7"]),
        ([0.0, float("nan")], ["0.00", "nan"]),
    ],
)
def test_numbers_of_one_column_have_the_same_decimals(
    values: list[float], shown: list[str]
) -> None:
    assert [column_format(values) % value for value in values] == shown


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (duration(0.2), "0 s"),
        (duration(59.6), "1 min 0 s"),
        (duration(125), "2 min 5 s"),
        (duration(4200), "1 h 10 min"),
        (memory(640e6), "640 MB"),
        (memory(1.52e9), "1.5 GB"),
        (number(-0.12345), "\N{MINUS SIGN}0.123"),
        (number(12345.0), "12,345"),
        (percent(0.0724), "7.24 %"),
        (percent(0.0), "0 %"),
        (percent(0.0002), "< 0.1 %"),
        (images(1), "1 image"),
        (images(5000), "5,000 images"),
        (source_name("/data/train/"), "train"),
        (source_name("sample:train"), "sample:train"),
    ],
)
def test_quantities_read_as_people_write_them(said: str, expected: str):
    assert said == expected


def test_markdown_in_a_name_is_shown_not_obeyed():
    assert escape("a_b*c[x](http://y) :red[z] $1$ <b>") == (
        r"a\_b\*c\[x\]\(http\://y\) \:red\[z\] \$1\$ \<b\>"
    )


def test_sources_of_one_name_are_told_apart_by_as_much_of_their_paths_as_it_takes():
    given = ["/a/week1/train", "/b/week1/train", "/a/week2/train", "sample:train", "/data/other"]
    assert source_labels(given) == [
        "a/week1/train",
        "b/week1/train",
        "week2/train",
        "sample:train",
        "other",
    ]
    assert source_labels([]) == []
