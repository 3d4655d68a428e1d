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
    """Tell whether inputs are exact in bfloat16 and the device multiplies such numbers fast.

    Parameters
    ----------
    x
        Scaled inputs, (S, ...).
    """
    if x.dim() != 2 or not bool(((x == x.round()) & (x.abs() <= MOST_EXACT)).all()):
        return False
    if x.is_cuda:
        return True
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(supported and supported())


def project(x: Tensor, weight: Tensor, bias: Tensor, split: bool) -> Tensor:
    """Compute the pre-activations ``x weight^T + bias``.

    The backward product stays in plain float32: its left factor has as many values as the result
    here, and halving those costs what the matrix units save.

    Parameters
    ----------
    x
        Inputs, (S, D) float32; exact in bfloat16 if `split`.
    weight, bias
        Weights (N, D) and biases (N,), float32.
    split
        Whether each weight is taken as the sum of two bfloat16 halves; else plain float32.

    Returns
    -------
    Tensor
        Pre-activations, (S, N).

    Examples
    --------
    >>> project(torch.tensor([[2.0]]), torch.tensor([[3.0]]), torch.tensor([1.0]), split=False)
    tensor([[7.]])
    """
    if not split:
        return torch.addmm(bias, x, weight.T)
    high, low = halves(weight)
    with bfloat16_products():
        return torch.addmm(bias, x, high.T).addmm_(x, low.T)


def halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Split float32 numbers into two float32 numbers that bfloat16 holds exactly.

    Parameters
    ----------
    values
        Numbers of any shape.

    Returns
    -------
    Tensor, Tensor
        Large and small halves, whose sum is `values` to 2^-17 of its size.
    """
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
