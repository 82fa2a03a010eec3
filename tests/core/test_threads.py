from __future__ import annotations

import pytest
import torch
from threadpoolctl import threadpool_info

from core.threads import one_thread


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info()}


def test_everything_computes_on_one_thread_until_the_end() -> None:
    before, torch_before = threads(), torch.get_num_threads()
    with pytest.raises(ValueError, match="stop"), one_thread():
        assert threads() == {1}
        assert torch.get_num_threads() == 1
        raise ValueError("stop")
    assert threads() == before
    assert torch.get_num_threads() == torch_before
