from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.transport.precision import full_precision


def chosen() -> tuple[str, str, str, bool]:
    return (
        torch.get_float32_matmul_precision(),
        torch.backends.cuda.matmul.fp32_precision,
        torch.backends.mkldnn.matmul.fp32_precision,
        torch.backends.cuda.matmul.allow_tf32,
    )


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.fp32_precision = "none"
    torch.backends.mkldnn.matmul.fp32_precision = "none"


@pytest.mark.parametrize("choice", ["highest", "high", "medium"])
def test_products_are_in_float32_and_the_choice_of_the_program_comes_back(choice: str) -> None:
    torch.set_float32_matmul_precision(choice)
    before = chosen()
    with full_precision():
        assert chosen()[0] == "highest"
        assert not {"tf32", "bf16"} & set(chosen()[1:3])
        assert chosen()[3] is False
    assert chosen() == before


def test_the_choice_comes_back_when_torch_was_told_by_its_newer_switches() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    with full_precision():
        assert chosen()[:2] == ("highest", "ieee")
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"


def test_the_choice_comes_back_after_an_error() -> None:
    torch.set_float32_matmul_precision("high")

    @full_precision()
    def fail() -> None:
        assert chosen()[0] == "highest"
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        fail()
    assert chosen()[0] == "high"
