"""Networks of one architecture, stacked: every parameter gets a leading model axis M."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zoo.architectures import build
from zoo.recipes import Recipe
from zoo.training.initialise import INITS

COLUMN_STEP = 16  # kept columns are a multiple of this, which matrix kernels prefer


@dataclass
class Stack:
    """M networks in the middle of their training.

    Attributes
    ----------
    seeds
        One a model.
    params, velocity
        Parameter name -> (M, ...), and the momentum of each.
    buffers
        Buffer name -> (M, ...).
    first
        Name of the first layer if that is linear: its products are batched by hand, the rest of the
        network, `tail`, by `torch.func.vmap`. None puts everything into the tail.
    tail
        Structure only; its own parameters are never used.
    columns
        Input columns that the first layer sees, or None for all.
    initial_weight
        (M, N, D) of the first layer with all columns, where some are left out.
    """

    seeds: list[int]
    params: dict[str, Tensor]
    velocity: dict[str, Tensor]
    buffers: dict[str, Tensor]
    first: str | None
    tail: nn.Sequential
    columns: Tensor | None = None
    initial_weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    def member(self, index: int) -> dict[str, Tensor]:
        """Give one model's ``state_dict``, copied, with every column."""
        state = {name: value[index].detach().clone() for name, value in {**self.params, **self.buffers}.items()}
        if self.columns is not None and self.initial_weight is not None:
            whole = self.initial_weight[index].clone()
            whole[:, self.columns] = state[f"{self.first}.weight"]
            state[f"{self.first}.weight"] = whole
        return state

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all models but these."""
        index = torch.tensor(list(rows), dtype=torch.long)
        for group in (self.params, self.velocity, self.buffers):
            for name, value in group.items():
                group[name] = value[index.to(value.device)].clone()
        if self.initial_weight is not None:
            self.initial_weight = self.initial_weight[index.to(self.initial_weight.device)]
        self.seeds = [self.seeds[row] for row in rows]


def start(recipe: Recipe, seeds: Sequence[int], inputs: Tensor, device: str = "cpu") -> Stack:
    """Make and stack the untrained networks of some seeds.

    Every seed draws from a generator of its own on the CPU, so neither the device nor the other
    seeds change what it starts from.

    Parameters
    ----------
    recipe
        Names the architecture and the initialisation.
    seeds
        One a model.
    inputs
        (S, ...) scaled training inputs, for data-sampled biases.
    device
        Where the stack goes.
    """
    modules = [untrained(recipe, seed, inputs) for seed in seeds]
    params = {
        name: torch.stack([dict(module.named_parameters())[name].detach() for module in modules]).to(device)
        for name, _ in modules[0].named_parameters()
    }
    buffers = {
        name: torch.stack([dict(module.named_buffers())[name] for module in modules]).to(device)
        for name, _ in modules[0].named_buffers()
    }
    velocity = {name: torch.zeros_like(value) for name, value in params.items()}
    first, tail = _divide(modules[0])
    return Stack(list(seeds), params, velocity, buffers, first, tail.to(device).train())


def untrained(recipe: Recipe, seed: int, inputs: Tensor) -> nn.Sequential:
    """Make one network as its seed starts it."""
    module = build(recipe.architecture, **recipe.arguments)
    with torch.no_grad():
        INITS[recipe.init](module, torch.Generator().manual_seed(seed), inputs)
    return module


def leave_out_zero_columns(stack: Stack, inputs: Tensor) -> Tensor:
    """Drop the input columns that are 0 in every sample, whose weights never change.

    Their gradient is exactly zero, so the rest trains as before. A few are kept to round the number up.

    Parameters
    ----------
    stack
        Untrained; changed in place.
    inputs
        (S, D).

    Returns
    -------
    Tensor
        (S, kept) inputs.
    """
    if stack.first is None or inputs.dim() != 2:
        return inputs
    columns = kept_columns(inputs)
    if len(columns) == inputs.shape[1]:
        return inputs
    weight = f"{stack.first}.weight"
    stack.columns, stack.initial_weight = columns, stack.params[weight]
    for group in (stack.params, stack.velocity):
        group[weight] = group[weight][:, :, columns].contiguous()
    return inputs[:, columns].contiguous()


def kept_columns(inputs: Tensor) -> Tensor:
    """List the columns that are not all zero, with zero ones to fill up a multiple of 16."""
    live = inputs.ne(0).any(dim=0)
    short = int(-live.sum() % COLUMN_STEP)
    spare = (~live).nonzero().flatten()[:short]
    return torch.cat([live.nonzero().flatten(), spare]).sort().values


def _divide(module: nn.Sequential) -> tuple[str | None, nn.Sequential]:
    children = list(module.named_children())
    name, first = children[0]
    if isinstance(first, nn.Linear) and first.bias is not None:
        return name, nn.Sequential(OrderedDict(children[1:]))
    return None, module
