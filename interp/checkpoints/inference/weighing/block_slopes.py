"""Slopes of the loss in the weights of one module, of each of many blocks of rows, from what it reads and gives."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

import torch
from torch import Tensor, nn
from torch.func import functional_call

from interp.checkpoints.inference.weighing.slopes import every


def has_weights(module: nn.Module) -> bool:
    """Whether a module has weights, as a map or a norm has."""
    return next(module.parameters(), None) is not None


def block_slopes(module: nn.Module, read: Tensor, given: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the slopes of the summed loss of each of B blocks in a module's weights, (B, ...), then in its bias.

    Of tensors with more than `slopes.MOST` weights they are those in every few of the flattened weights alone, (B, K),
    and no others are computed.

    Parameters
    ----------
    module
        Dense map, or norm in eval mode.
    read
        Inputs of the module, (S, D).
    given
        Slope of the loss at its outputs, (S, N).
    size
        Number of rows of a block, of which S is a multiple.
    """
    if isinstance(module, nn.Linear):
        yield _products(_blocks(given, size).transpose(1, 2), _blocks(read, size), every(module.weight))
    else:
        slopes = _blocks(given * _normed(module, read), size).sum(1)
        yield slopes[:, :: every(slopes[0])]
    if getattr(module, "bias", None) is not None:
        slopes = _blocks(given, size).sum(1)
        yield slopes[:, :: every(slopes[0])]


def _products(given: Tensor, read: Tensor, step: int) -> Tensor:
    """Multiply (B, N, S) by (B, S, D): all of it, (B, N, D), or every few of its flattened values, (B, K).

    Rows whose values lie in the same columns are multiplied together: those of a period of step / gcd(step, D).
    """
    if step == 1:
        return torch.bmm(given, read)
    high, wide = given.shape[1], read.shape[2]
    period = step // gcd(step, wide)
    found = read.new_empty(len(read), -(-high * wide // step))
    for row in range(min(period, high)):
        column = -row * wide % step  # the first of this row
        if column >= wide:
            continue
        rows, columns = torch.arange(row, high, period), torch.arange(column, wide, step)
        places = (rows[:, None] * wide + columns) // step
        own = torch.bmm(given[:, row::period].contiguous(), read[:, :, column::step].contiguous())
        found[:, places.flatten()] = own.flatten(1)
    return found


def _blocks(values: Tensor, size: int) -> Tensor:
    return values.reshape(-1, size, values.shape[1])


def _normed(norm: nn.Module, read: Tensor) -> Tensor:
    """Give what a norm's weights are multiplied with."""
    plain = {name: torch.full_like(part, float(name == "weight")) for name, part in norm.named_parameters()}
    normed: Tensor = functional_call(norm, plain, (read,))
    return normed
