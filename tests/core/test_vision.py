"""Torchvision beside the CPU build of torch, and where it is absent."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from core.errors import ConfigError
from core.vision import import_torchvision

ROOT = Path(__file__).resolve().parents[2]


def test_a_classifier_runs_beside_the_torch_that_is_installed() -> None:
    """In a process of its own: what it declares stays for good."""
    pytest.importorskip("torch")
    code = (
        "from core.vision import import_torchvision\n"
        "import torch\n"
        "models = import_torchvision('models')\n"
        "assert import_torchvision('models') is models\n"
        "assert import_torchvision('datasets').CIFAR10\n"
        "network = models.resnet18(weights=None).eval()\n"
        "print(tuple(network(torch.zeros(1, 3, 64, 64)).shape))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(1, 1000)", done.stderr


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (ModuleNotFoundError("No module", name="torchvision"), "pip install torchvision"),
        (RuntimeError("compiled with different CUDA major versions"), "from the same place"),
        (OSError("libcudart.so.13: cannot open"), "libcudart"),
    ],
    ids=["absent", "other CUDA", "library missing"],
)
def test_what_is_wrong_with_the_installation_is_said(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, words: str
) -> None:
    def broken(name: str) -> ModuleType:
        raise raised

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ConfigError, match=words):
        import_torchvision("datasets")
