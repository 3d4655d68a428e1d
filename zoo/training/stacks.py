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
        Seeds of the models, M.
    params, velocity
        Parameters by name, each (M, ...), and their momentum.
    buffers
        Buffers by name, such as running statistics of norms, each (M, ...).
    first
        Name of the first layer if that is linear: its products are batched by hand, the rest of the
        network, `tail`, by `torch.func.vmap`. None if the tail is the whole network.
    tail
        Structure of the rest of the network; the parameters that it holds itself are never used.
    columns
        Indices of the input columns that the first layer reads; None for all.
    initial_weight
        Weights of the first layer with all columns, (M, N, D), where some are left out.
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
        """Give the ``state_dict`` of one model, copied, with every column.

        Parameters
        ----------
        index
            Position of the model in the stack.
        """
        state = {name: value[index].detach().clone() for name, value in {**self.params, **self.buffers}.items()}
        if self.columns is not None and self.initial_weight is not None:
            whole = self.initial_weight[index].clone()
            whole[:, self.columns] = state[f"{self.first}.weight"]
            state[f"{self.first}.weight"] = whole
        return state

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all models but some.

        Parameters
        ----------
        rows
            Positions of the models that stay.
        """
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
        Recipe, which states the architecture and the initialisation.
    seeds
        Seeds of the models.
    inputs
        Scaled training inputs, (S, ...), for biases that put boundaries through samples.
    device
        Device of the stack, ``cpu`` or ``cuda``.

    Returns
    -------
    Stack
        Untrained models in train mode.

    Examples
    --------
    >>> recipe = Recipe("abs", "abs", "mine", "raw", (2,), {"inputs": 2, "hidden": 3, "classes": 2})
    >>> start(recipe, range(5), torch.zeros(8, 2)).params["hidden.weight"].shape
    torch.Size([5, 3, 2])
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
    """Make one network as its seed starts it.

    Parameters
    ----------
    recipe
        Recipe, which states the architecture and the initialisation.
    seed
        Seed of the random number generator.
    inputs
        Scaled training inputs, (S, ...), for biases that put boundaries through samples.
    """
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
        Untrained models, changed in place.
    inputs
        Scaled inputs, (S, D).

    Returns
    -------
    Tensor
        Inputs without those columns, (S, kept).
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
    """List the columns that are not all zero, with zero ones to fill up a multiple of 16.

    Parameters
    ----------
    inputs
        Scaled inputs, (S, D).

    Returns
    -------
    Tensor
        Indices of the columns, ascending.
    """
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
