from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.datasets import READERS, open_source
from core.datasets.stores import ParquetBytes
from core.errors import Cancelled

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).parents[4] / "shared"))
CIFAR = SHARED / "data" / "cifar10" / "train.parquet"


def test_readers_have_names_of_their_own() -> None:
    assert len({reader.name for reader in READERS}) == len(READERS) == 5


@pytest.mark.skipif(not CIFAR.is_file(), reason="CIFAR-10 is not at hand (ASSAY_SHARED)")
def test_fifty_thousand_pictures_open_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = ParquetBytes._read
    monkeypatch.setattr(ParquetBytes, "_read", lambda s, g: read.append(g) or original(s, g))
    start = time.process_time()
    data = open_source(str(CIFAR))
    # Processor time, as others may use the machine; 0.1 s alone on it.
    assert time.process_time() - start < 1
    assert len(data) == 50_000
    assert read == []
    assert data.images.decode(49_999).size == (32, 32)


def test_opening_can_be_cancelled(image_folder: Path) -> None:
    def cancel(stage: str, done: float, detail: str = "") -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        open_source(str(image_folder), progress=cancel)
