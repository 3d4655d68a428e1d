"""Networks that are a plain chain of modules, which can be run from any point on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, nn

from interp.network.tracing.calls import place_of
from interp.network.tracing.offloaded import loads_parts


class Chain(nn.Module):
    """Modules applied one after the other, under dotted names of any depth.

    `nn.Sequential` cannot hold a module named ``layers.0``; a network rebuilt from a state dict
    keeps the names that its file uses.

    Parameters
    ----------
    steps
        Dotted names and modules, in the order in which they run.

    Examples
    --------
    >>> Chain([("layers.0", nn.Linear(2, 3)), ("layers.1", nn.ReLU())]).order
    ('layers.0', 'layers.1')
    """

    def __init__(self, steps: Sequence[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.order = tuple(name for name, _ in steps)
        for name, step in steps:
            hold(self, name, step)

    def steps(self) -> list[nn.Module]:
        """List the modules in running order."""
        return [self.get_submodule(name) for name in self.order]

    def forward(self, inputs: Tensor) -> Tensor:
        """Run every step."""
        return run(self.steps(), inputs)


OWN_ATTRIBUTES = frozenset(vars(Chain([])))
"""Attributes that every module has, so that no step may have their name."""


def chain_of(steps: Sequence[tuple[str, nn.Module]]) -> Chain:
    """Make a chain in eval mode, without gradients of its parameters, under names that torch accepts.

    Parameters
    ----------
    steps
        Names of a file and modules, in the order in which they run.

    Returns
    -------
    Chain
        Network of these steps.

    Examples
    --------
    >>> chain_of([("train.0", nn.Linear(2, 3))]).order
    ('train_.0',)
    """
    return Chain(usable_names(steps)).eval().requires_grad_(False)


def usable_names(steps: Sequence[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Change names of a file where torch or HDF5 does not accept them: ``train.0`` would hide a method of the module.

    Parameters
    ----------
    steps
        Names of a file and modules.

    Returns
    -------
    list
        Usable names and the same modules, in the same order; no name is part of another.

    Examples
    --------
    >>> [name for name, _ in usable_names([("a/b", nn.ReLU()), ("a", nn.ReLU())])]
    ['a.b', 'a_']
    """
    usable: list[tuple[str, nn.Module]] = []
    for name, part in steps:
        parts = [re.sub(r"\W", "_", own) or "_" for own in name.replace("/", ".").split(".")]
        tame = ".".join(f"{own}_" if hasattr(Chain, own) or own in OWN_ATTRIBUTES else own for own in parts)
        while any(f"{tame}.".startswith(f"{other}.") or f"{other}.".startswith(f"{tame}.") for other, _ in usable):
            tame = f"{tame.replace('.', '_')}_"
        usable.append((tame, part))
    return usable


def hold(network: nn.Module, name: str, part: nn.Module) -> None:
    """Add a module to a network under a dotted name of any depth."""
    *parents, own = name.split(".")
    for parent in parents:
        if parent not in dict(network.named_children()):
            network.add_module(parent, nn.Module())
        network = network.get_submodule(parent)
    network.add_module(own, part)


def run(steps: Sequence[nn.Module], values: Tensor) -> Tensor:
    """Apply modules one after the other.

    Parameters
    ----------
    steps
        Modules in the order in which they run.
    values
        Input of the first.

    Returns
    -------
    Tensor
        Output of the last; the input where there are no modules.

    Examples
    --------
    >>> import torch
    >>> run([nn.ReLU(), nn.Flatten()], torch.tensor([[[-1.0], [2.0]]]))
    tensor([[0., 2.]])
    """
    for step in steps:
        values = step(values)
    return values


def chain_steps(module: nn.Module) -> list[nn.Module] | None:
    """List the modules of a chain, those of nested `nn.Sequential` included.

    Parameters
    ----------
    module
        Any network.

    Returns
    -------
    list of Module, or None
        Modules in the order in which they run; None where the network is no chain, or must be run as a whole for its
        steps to have their weights.

    Examples
    --------
    >>> chain_steps(nn.Sequential(nn.Sequential(nn.Tanh()), nn.ReLU())), chain_steps(nn.ReLU())
    ([Tanh(), ReLU()], None)
    """
    if isinstance(module, Chain):
        return module.steps()
    if type(module) is not nn.Sequential or loads_parts(module):
        return None
    steps: list[nn.Module] = []
    for child in module:
        steps += chain_steps(child) or [child]
    return steps


def split_at(module: nn.Module, tap: str) -> tuple[list[nn.Module], list[nn.Module]] | None:
    """Split a chain after a module: into what computes z and what follows z.

    Parameters
    ----------
    module
        Any network.
    tap
        Dotted name of the module.

    Returns
    -------
    tuple of lists, or None
        Modules up to and with the one named, and modules after it; None where the network is no chain, or runs a
        module twice, so that "after" is not one place.

    Examples
    --------
    >>> split_at(nn.Sequential(nn.Tanh(), nn.ReLU()), "0")
    ([Tanh()], [ReLU()])
    """
    steps = chain_steps(module)
    target = place_of(module, tap)
    if steps is None or len({id(step) for step in steps}) < len(steps):
        return None
    index = next((i for i, step in enumerate(steps) if step is target), None)
    return None if index is None else (steps[: index + 1], steps[index + 1 :])
