"""The wide product of a full-batch step, on matrix units where that is harmless.

Pixels 0..255 have at most eight significant bits, so bfloat16 holds them exactly. A float32 weight
is the sum of two bfloat16 halves to within 2^-17 of its size. The product of pixels and weights is
then two products of bfloat16 numbers accumulated in float32: as accurate as float32 arithmetic is on
sums of hundreds of terms, and about twice as fast where the CPU has AMX units.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

MOST_EXACT = 256  # every integer up to here is a bfloat16 number


def can_split(x: Tensor) -> bool:
    """Tell whether inputs are exact in bfloat16 and the device multiplies such numbers fast."""
    if x.dim() != 2 or not bool(((x == x.round()) & (x.abs() <= MOST_EXACT)).all()):
        return False
    if x.is_cuda:
        return True
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(supported and supported())


def project(x: Tensor, weight: Tensor, split: bool) -> Tensor:
    """Multiply rows x (S, D) by nodes' weights (N, D) into (S, N).

    Parameters
    ----------
    x, weight
        Float32; x exact in bfloat16 if `split`.
    split
        Use the two halves; else plain float32.
    """
    if not split:
        return x @ weight.T
    with bfloat16_products():
        both = x @ torch.cat(halves(weight)).T
    nodes = len(weight)
    return both[:, :nodes] + both[:, nodes:]


def add_outer(into: Tensor, slope: Tensor, x: Tensor, decay: float, split: bool) -> None:
    """Set ``into = decay * into + slope^T x`` in place; (N, D), (S, N) and (S, D)."""
    if not split:
        into.addmm_(slope.T, x, beta=decay)
        return
    with bfloat16_products():
        high, low = halves(slope)
        into.addmm_(high.T, x, beta=decay)
        into.addmm_(low.T, x)


def halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Split float32 numbers into two float32 numbers that bfloat16 holds exactly."""
    high = values.bfloat16().float()
    return high, (values - high).bfloat16().float()


@contextlib.contextmanager
def bfloat16_products() -> Iterator[None]:
    """Let float32 products run on bfloat16 units inside the block, and nowhere else."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
