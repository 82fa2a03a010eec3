"""Costs are never computed in TF32 or bfloat16, whatever the program around chose for itself.

TF32 keeps 10 bits of a product. Costs are differences of products, so that errors of a thousandth
of the largest squared norm, divided by epsilon, would stand in the exponents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices in float32 within the block (or the function it decorates).

    torch keeps this choice for the whole process; it is put back afterwards.
    """
    libraries: tuple[Any, Any] = (torch.backends.cuda, torch.backends.mkldnn)
    places = [library.matmul for library in libraries]
    before = [place.fp32_precision for place in places]
    if not {"tf32", "bf16"} & set(before):
        yield
        return
    try:
        older = torch.get_float32_matmul_precision()
    except RuntimeError:  # It was chosen by torch's newer switches, which the older cannot say.
        older = None
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        if older is not None:
            torch.set_float32_matmul_precision(older)
        for place, precision in zip(places, before, strict=True):
            place.fp32_precision = precision
