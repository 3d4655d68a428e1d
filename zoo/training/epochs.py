"""One pass over the training data for a whole stack, in mini-batches or as one full batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zoo.recipes import Recipe
from zoo.training.attacks import attacked
from zoo.training.products import can_split
from zoo.training.stacks import Stack, leave_out_zero_columns
from zoo.training.steps import add_gradient, descend

CPU_VALUES, CUDA_VALUES = 2**21, 2**28  # outputs of the first layer at a time: 8 MB, about 1 GB


@dataclass(frozen=True)
class Samples:
    """Scaled training data, as a stack reads them.

    Attributes
    ----------
    x
        Scaled inputs, (S, ...) float32, on the device of the stack.
    y
        Labels, (S,) int64.
    split
        Whether products of the inputs may use bfloat16 halves, see `zoo.training.products`.
    bounds
        Least and largest value of any input, between which an attack stays.
    """

    x: Tensor
    y: Tensor
    split: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def __len__(self) -> int:
        return len(self.x)


def prepare(stack: Stack, recipe: Recipe, x: Tensor, y: Tensor) -> Samples:
    """Put the training data where the stack is; for full batches drop the input columns that are always 0.

    Parameters
    ----------
    stack
        Untrained models; for full batches their first layer is changed in place.
    recipe
        Recipe that they are trained by.
    x
        Scaled inputs, (S, ...).
    y
        Labels, (S,).

    Returns
    -------
    Samples
        Data for `run_epoch`.

    Examples
    --------
    >>> from zoo.training.stacks import start
    >>> recipe = Recipe("abs", "abs", "mine", "raw", (2,), {"inputs": 2, "hidden": 3, "classes": 2}, batch=4)
    >>> x = torch.linspace(-1, 1, 16).reshape(8, 2)
    >>> prepare(start(recipe, [0], x), recipe, x, (x.sum(dim=1) > 0).long()).bounds
    (-1.0, 1.0)
    """
    device = next(iter(stack.params.values())).device
    x, y = x.to(device), y.to(device)
    if recipe.batch:
        return Samples(x, y, bounds=(float(x.min()), float(x.max())))
    x = leave_out_zero_columns(stack, x)
    return Samples(x, y, split=stack.first is not None and can_split(x))


def run_epoch(stack: Stack, recipe: Recipe, samples: Samples, epoch: int) -> Tensor:
    """Train every model of a stack for one pass over the data.

    Parameters
    ----------
    stack
        M models, changed in place.
    recipe
        Recipe that they are trained by.
    samples
        Training data, from `prepare`.
    epoch
        Number of epochs done before, which decides the order of the samples.

    Returns
    -------
    Tensor
        Mean cross-entropy in nats met on the way, (M,).

    Examples
    --------
    >>> from zoo.training.stacks import start
    >>> recipe = Recipe("abs", "abs", "mine", "raw", (2,), {"inputs": 2, "hidden": 3, "classes": 2}, batch=4)
    >>> x = torch.linspace(-1, 1, 16).reshape(8, 2)
    >>> stack = start(recipe, [0, 1, 2], x)
    >>> samples = prepare(stack, recipe, x, (x.sum(dim=1) > 0).long())
    >>> run_epoch(stack, recipe, samples, epoch=0).shape
    torch.Size([3])
    """
    if recipe.batch:
        return _mini_batches(stack, recipe, samples, epoch)
    return _full_batch(stack, recipe, samples)


def sample_order(seed: int, epoch: int, samples: int) -> Tensor:
    """Shuffle the samples for one seed and epoch.

    A generator for each pair: the order depends neither on the other seeds nor on whether the run
    was interrupted.

    Parameters
    ----------
    seed
        Seed of the model.
    epoch
        Number of epochs done before.
    samples
        Number of samples, S.

    Returns
    -------
    Tensor
        Indices of the samples in the order in which they are read, (S,).

    Examples
    --------
    >>> sorted(sample_order(seed=0, epoch=3, samples=4).tolist())
    [0, 1, 2, 3]
    """
    state = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    return torch.randperm(samples, generator=torch.Generator().manual_seed(int(state >> np.uint64(1))))


def sample_orders(seeds: Sequence[int], epoch: int, samples: int) -> Tensor:
    """Shuffle the samples for every seed, as `sample_order` does for one.

    Parameters
    ----------
    seeds
        Seeds of the M models.
    epoch
        Number of epochs done before.
    samples
        Number of samples, S.

    Returns
    -------
    Tensor
        Indices of the samples, (M, S).
    """
    return torch.stack([sample_order(seed, epoch, samples) for seed in seeds])


def _mini_batches(stack: Stack, recipe: Recipe, samples: Samples, epoch: int) -> Tensor:
    orders = sample_orders(stack.seeds, epoch, len(samples)).to(samples.x.device)
    losses = torch.zeros(len(stack), device=samples.x.device)
    for rows in torch.split(orders, recipe.batch, dim=1):  # (M, B)
        count = rows.shape[1]
        x = samples.x.index_select(0, rows.flatten()).view(*rows.shape, *samples.x.shape[1:])
        y = samples.y[rows]
        if recipe.attack:
            x = attacked(stack, x, y, recipe.attack, samples.bounds)
        losses += add_gradient(stack, x, y, total=count, decay=recipe.momentum) * (count / len(samples))
        descend(stack, recipe.lr)
    return losses


def _full_batch(stack: Stack, recipe: Recipe, samples: Samples) -> Tensor:
    losses = torch.zeros(len(stack), device=samples.x.device)
    decay = recipe.momentum
    size = rows_at_a_time(stack, len(samples))
    for begin in range(0, len(samples), size):
        rows = slice(begin, begin + size)
        losses += add_gradient(
            stack, samples.x[rows], samples.y[rows], total=len(samples), decay=decay, split=samples.split
        )
        decay = 1.0  # the parts after the first add up
    descend(stack, recipe.lr)
    return losses


def rows_at_a_time(stack: Stack, samples: int) -> int:
    """Choose how many samples a part of a full batch has, so that memory stays bounded.

    Batch norm needs them all: its statistics are those of the batch.

    Parameters
    ----------
    stack
        Stack of M models.
    samples
        Number of samples of the full batch.

    Returns
    -------
    int
        Number of samples a part, at least 512.
    """
    if stack.buffers:
        return samples
    widest = max(value.shape[1] for value in stack.params.values())
    limit = CUDA_VALUES if next(iter(stack.params.values())).is_cuda else CPU_VALUES
    return max(512, limit // (widest * len(stack)))
