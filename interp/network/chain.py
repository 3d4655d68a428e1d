"""Networks that are a plain chain of modules, which can be run from any point on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, nn

from interp.network.tracing.calls import place_of


class Chain(nn.Module):
    """Modules applied one after the other, under dotted names of any depth.

    `nn.Sequential` cannot hold a module named ``layers.0``; a network rebuilt from a state dict
    keeps the names that its file uses.

    Parameters
    ----------
    steps
        (dotted name, module) in the order in which they run.
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
"""Names that every module uses itself."""


def chain_of(steps: Sequence[tuple[str, nn.Module]]) -> Chain:
    """Chain steps in eval mode, under names that modules may bear."""
    return Chain(usable_names(steps)).eval().requires_grad_(False)


def usable_names(steps: Sequence[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Keep a file's names where modules may bear them: ``train.0`` would hide a method, ``a/b`` an HDF5 group."""
    usable: list[tuple[str, nn.Module]] = []
    for name, part in steps:
        parts = [re.sub(r"\W", "_", own) or "_" for own in name.replace("/", ".").split(".")]
        tame = ".".join(f"{own}_" if hasattr(Chain, own) or own in OWN_ATTRIBUTES else own for own in parts)
        while any(f"{tame}.".startswith(f"{other}.") or f"{other}.".startswith(f"{tame}.") for other, _ in usable):
            tame = f"{tame.replace('.', '_')}_"
        usable.append((tame, part))
    return usable


def hold(network: nn.Module, name: str, part: nn.Module) -> None:
    """Add a part under a dotted name of any depth."""
    *parents, own = name.split(".")
    for parent in parents:
        if parent not in dict(network.named_children()):
            network.add_module(parent, nn.Module())
        network = network.get_submodule(parent)
    network.add_module(own, part)


def run(steps: Sequence[nn.Module], values: Tensor) -> Tensor:
    """Apply steps one after the other."""
    for step in steps:
        values = step(values)
    return values


def chain_steps(module: nn.Module) -> list[nn.Module] | None:
    """List the steps of a chain, nested `nn.Sequential` opened; None if `module` is no chain."""
    if isinstance(module, Chain):
        return module.steps()
    if type(module) is not nn.Sequential:
        return None
    steps: list[nn.Module] = []
    for child in module:
        steps += chain_steps(child) or [child]
    return steps


def split_at(module: nn.Module, tap: str) -> tuple[list[nn.Module], list[nn.Module]] | None:
    """Split a chain after the module named `tap`: (what computes z, what follows z).

    None where the network is no chain, or uses one module twice, so that "after" is not one place.
    """
    steps = chain_steps(module)
    target = place_of(module, tap)
    if steps is None or len({id(step) for step in steps}) < len(steps):
        return None
    index = next((i for i, step in enumerate(steps) if step is target), None)
    return None if index is None else (steps[: index + 1], steps[index + 1 :])
