"""Passes by flash-sinkhorn's Triton kernel on NVIDIA devices, where that package is installed.

Of flash-sinkhorn (Ye et al., ICML 2026, arXiv:2602.03067; version 0.4) one function is used, its
streaming log-sum-exp of matrix products::

    flashsinkhorn_lse(x, y, bias, eps, cost_scale=1/2)_i
        = -eps log sum_j exp(<x_i, y_j> / eps + bias_j)

With C_ij = alpha_i + beta_j - <u_i, v_j> that is the soft c-transform of g, and a second call with
the sides exchanged yields the column marginals. The plan, as ours, is that of KL(plan | a x b).

What the package offers beside is not used, for these reasons. Its solvers stop on changes of the
potentials, not on a certificate. Its kernel for label costs computes both updates from old
potentials, so that a pass would take two such calls, and its tuned tiles are as wide as embeddings
of 64 numbers, which its own comments warn against; here label costs are further coordinates
instead. Tuning by trial is left out: it would take longer than the solution, at each new size.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module

import numpy as np
import torch

from core.transport.cost import GroundCost
from core.transport.passes import DENSE_PAIRS, Passes, Sweep

_DEVICES = ("cuda",)
# Beyond so many classes torch's tiles of one class take fewer operations than wider products.
_MOST_CLASSES = 128
# More than one step of 32 over the width: flash-sinkhorn's comments say that the compiler goes
# wrong with a single one.
_NARROWEST = 64
_BLOCKS = {"block_m": 64, "block_n": 64, "block_k": 32, "num_warps": 4, "num_stages": 2}
# A mass of 0 in logarithms: far below all others, and finite, since the kernel takes differences.
_LOG_ZERO = -1e5
# Products in TF32 miss the sums of the trial by about 0.1, in float32 by 1e-4.
_TRIAL_ERROR = 1e-3


def passes_for(
    cost: GroundCost,
    a: np.ndarray,
    b: np.ndarray,
    *,
    device: str,
    precision: str,
    tile: int | None,
) -> Passes:
    """Return the passes for this problem and device; parameters as `Passes`.

    They are flash-sinkhorn's for p = 2 in float32 and up to 128 classes on an NVIDIA device where
    the package is installed and works, else torch's; and torch's where the plan can be kept, for
    there hardly any passes are made.
    """
    kind = FlashPasses if _suits(cost, precision) and flash_works(device) else Passes
    return kind(cost, a, b, device=device, precision=precision, tile=tile)


def _suits(cost: GroundCost, precision: str) -> bool:
    n, m = cost.shape
    if cost.p != 2 or precision != "float32" or n * m <= DENSE_PAIRS:
        return False
    return not cost.labels_matter or len(np.unique(cost.y_labels)) <= _MOST_CLASSES


@cache
def flash_works(device: str) -> bool:
    """Return whether flash-sinkhorn is there for this device and gives what it should, in float32.

    It is tried once a process on a small problem: Triton compiles where it runs and needs a C
    compiler, and its products must not be TF32.
    """
    where = torch.device(device)
    if where.type not in _DEVICES or torch.version.hip is not None:
        return False
    generator = torch.Generator().manual_seed(0)
    x, y = (3 * torch.randn(count, 70, generator=generator) for count in (200, 100))
    bias = torch.randn(100, generator=generator)
    expected = -torch.logsumexp(x.double() @ y.double().T + bias, dim=1)
    try:
        found = _soft_minimum(x.to(where), y.to(where), bias.to(where), 1.0)
    except ImportError:
        return False
    # What a compiler on somebody's machine may raise is not to be listed; torch can do the work.
    except Exception as error:
        warnings.warn(f"flash-sinkhorn is not used, for it fails here: {error}", stacklevel=2)
        return False
    off = float((found.cpu() - expected).abs().max())
    if not off < _TRIAL_ERROR:
        warnings.warn(
            f"flash-sinkhorn is not used, for it is off by {off:.2g} where {_TRIAL_ERROR:g} is "
            "allowed: its products may be TF32.",
            stacklevel=2,
        )
        return False
    return True


@cache
def _kernel() -> Callable[..., torch.Tensor]:
    # Imported late: it is an optional package, and its import takes seconds.
    module = import_module("flash_sinkhorn.kernels.sinkhorn_flashstyle_sqeuclid")
    return module.flashsinkhorn_lse


def _version() -> str:
    return str(import_module("flash_sinkhorn").__version__)


def _soft_minimum(
    x: torch.Tensor, y: torch.Tensor, bias: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """Return -epsilon log sum_j exp(<x_i, y_j> / epsilon + bias_j), shape (len(x),)."""
    return _kernel()(x, y, bias, epsilon, cost_scale=0.5, allow_tf32=False, **_BLOCKS)


class FlashPasses(Passes):
    """As `Passes`, plain passes by flash-sinkhorn.

    A pass that certifies is torch's, since flash-sinkhorn sums up no entropy; plans are not kept.
    Memory: that of the embeddings a second time.
    """

    def __init__(
        self,
        cost: GroundCost,
        a: np.ndarray,
        b: np.ndarray,
        *,
        device: str,
        precision: str,
        tile: int | None,
    ) -> None:
        super().__init__(cost, a, b, device=device, precision=precision, tile=tile)
        u, v, self._alpha, self._beta = self.tiles.coordinates()
        padding = (0, max(0, _NARROWEST - u.shape[1]))
        self._u, self._v = (torch.nn.functional.pad(part, padding).contiguous() for part in (u, v))
        with np.errstate(divide="ignore"):
            self._log_a = self._tensor(np.maximum(np.log(self.a), _LOG_ZERO))

    @property
    def backend(self) -> str:
        """Return the device and the library."""
        return f"{self.device}, flash-sinkhorn {_version()}"

    def sweep(
        self, g: np.ndarray, epsilon: float, *, keep: float | None = None, certify: bool = False
    ) -> Sweep:
        """Make one pass; parameters, errors and result as `Passes.sweep`."""
        if certify:
            return super().sweep(g, epsilon, certify=True)
        shift = torch.as_tensor(g + epsilon * self.log_b, device=self.device) - self._beta
        # f - alpha, which is what the second call needs: alpha would cost it digits.
        lowered = _soft_minimum(self._u, self._v, (shift / epsilon).float(), epsilon)
        bias = lowered / epsilon + self._log_a
        columns = shift - _soft_minimum(self._v, self._u, bias, epsilon)
        self._f = lowered + self._alpha
        return self._found((columns / epsilon).exp().cpu().numpy(), None, None)
