"""Fixtures for all tests: a state folder of their own, one thread, tiny data sets."""

from __future__ import annotations

import os

# Before numpy and torch are imported: tests run side by side, each must keep to one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from tests.postgres import PostgresServer, find_binaries

# The same examples each time, and no limit on time: other work may slow this machine down.
settings.register_profile("assay", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("assay")


@pytest.fixture(autouse=True)
def _own_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may touch the state of whoever runs it."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "assay-home"))


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    """Make one random picture: uint8, shape (side, side) or (side, side, 3)."""

    def make(seed: int, side: int = 8, *, color: bool = True) -> np.ndarray:
        shape = (side, side, 3) if color else (side, side)
        return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    return make


@pytest.fixture
def image_folder(tmp_path: Path, pixels: Callable[..., np.ndarray]) -> Path:
    """A folder of class folders: ant 3, bee 2, cat 1 pictures of 8 x 8 RGB pixels, PNG."""
    root = tmp_path / "pictures"
    for seed, name in enumerate(("ant/0", "ant/1", "ant/2", "bee/0", "bee/1", "cat/0")):
        file = root / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(seed)).save(file)
    return root


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of our own, running."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()
