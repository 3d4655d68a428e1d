"""A module with recurrent parts -> a copy of it that runs them a time step at a time, where that gives the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.adapted import tensors_of
from interp.network.recurrent.unroll import is_recurrent, unrolled

CLOSE = 1e-4
"""Largest difference between outputs, relative to 1 + the largest of them, that rounding explains."""


@torch.no_grad()
def step_by_step(module: nn.Module, example: Tensor, outputs: Any) -> nn.Module:
    """Unroll the recurrent parts of a module on a copy.

    Parameters
    ----------
    module
        Module in eval mode, which is left as it is.
    example
        A few samples as it takes them.
    outputs
        Outputs of the module on these samples.

    Returns
    -------
    Module
        Copy whose gates can be read and changed; the very same module where it has no recurrent parts, cannot be
        copied, or uses them in a way in which the copy gives other outputs.

    Examples
    --------
    >>> network, x = nn.Sequential(nn.GRU(2, 3)), torch.ones(4, 5, 2)
    >>> [name for name, _ in step_by_step(network, x, network(x)).named_modules() if name.count(".") == 2]
    ['0.l0.reset', '0.l0.update', '0.l0.new', '0.l0.hidden']
    """
    if not is_recurrent(module):
        return module
    try:
        copied = unrolled(module).eval()
        found = [tensor for _, tensor in tensors_of(copied(example))]
    except Exception:  # any module may fail in its own way, such as one that asks for the class of its parts
        return module
    wanted = [tensor for _, tensor in tensors_of(outputs)]
    alike = len(found) == len(wanted) and all(map(_close, found, wanted))
    return copied if alike else module


def _close(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and bool(
        torch.allclose(first, second, rtol=0, atol=CLOSE * (1 + float(second.abs().max())), equal_nan=True)
    )
