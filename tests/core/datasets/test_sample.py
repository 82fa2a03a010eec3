from __future__ import annotations

import csv
import gzip
import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core.datasets import check, open_source, sample_truth_path
from core.errors import DataError

MAKER = Path(__file__).parents[3] / "assets" / "make_sample.py"


def load_maker():
    spec = importlib.util.spec_from_file_location("make_sample", MAKER)
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_sample"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def truth() -> list[dict[str, str]]:
    with sample_truth_path().open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_sample_has_the_size_that_it_says() -> None:
    train, validation = open_source("sample:train"), open_source("sample:val")
    assert (len(train), len(validation)) == (5000, 1000)
    assert train.class_names == validation.class_names
    assert train.class_names[6] == "Shirt"
    assert validation.class_counts.tolist() == [100] * 10
    assert train.source == "sample:train"
    assert sum(file.stat().st_size for file in sample_truth_path().parent.iterdir()) <= 4_000_000


def test_the_truth_names_each_faulty_image_once() -> None:
    rows = truth()
    assert Counter(row["fault"] for row in rows) == {
        "wrong-label": 300,
        "noise": 100,
        "backdoor": 100,
    }
    assert len({row["id"] for row in rows}) == 500
    assert {row["id"] for row in rows} <= set(open_source("sample:train").ids.tolist())


def test_labels_before_the_faults_are_balanced() -> None:
    data = open_source("sample:train")
    label = dict(zip(data.ids.tolist(), (data.class_names[u] for u in data.labels), strict=True))
    for row in truth():
        differs = label[row["id"]] != row["clean_label"]
        assert differs == (row["fault"] != "noise")
        assert row["fault"] != "backdoor" or label[row["id"]] == "Shirt"
        label[row["id"]] = row["clean_label"]
    assert set(Counter(label.values()).values()) == {500}


def test_the_corner_square_is_on_the_backdoor_images_only() -> None:
    data = open_source("sample:train")
    faults = {row["id"]: row["fault"] for row in truth()}

    def marked(row: int) -> bool:
        corner = np.asarray(data.images.decode(row))[-6:, -6:]
        return bool((corner[1:5, 1:5] == 255).all() and corner[[0, 5]].max() == 0)

    assert {str(data.ids[row]) for row in range(len(data)) if marked(row)} == {
        image_id for image_id, fault in faults.items() if fault == "backdoor"
    }


def test_the_sample_shares_no_image_between_its_parts() -> None:
    report = check(open_source("sample:train"), open_source("sample:val"))
    assert report.usable
    assert report.across_duplicates == ()


def test_there_are_two_parts_only() -> None:
    with pytest.raises(DataError, match=r"sample:train and sample:val"):
        open_source("sample:test")


@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(),
    reason="dataset-fashion-mnist is not installed",
)
def test_the_script_makes_the_bundled_pictures_and_truth_again(tmp_path: Path) -> None:
    """Pixels and labels, not file bytes: those also depend on the versions of zlib and pyarrow."""
    load_maker().main(["--out", str(tmp_path)])
    assert (tmp_path / "truth.csv").read_bytes() == sample_truth_path().read_bytes()
    again, bundled = open_source(str(tmp_path / "train.parquet")), open_source("sample:train")
    assert again.ids.tolist() == bundled.ids.tolist()
    np.testing.assert_array_equal(again.labels, bundled.labels)
    for row in range(0, 5000, 50):
        assert again.images.decode(row).tobytes() == bundled.images.decode(row).tobytes()


def test_idx_files_are_read_packed_or_plain(tmp_path: Path) -> None:
    maker = load_maker()
    content = b"\0\0\x08\x02" + np.array([2, 3], dtype=">u4").tobytes() + bytes(range(6))
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(content))
    for name in ("plain", "packed"):
        assert maker.read_idx(tmp_path, name).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(SystemExit, match="missing"):
        maker.read_idx(tmp_path, "neither")
