"""Copies of a chain as nulls, all in one stack: shuffled weights, or a fresh initialisation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from interp.interventions import permute, shuffle_weights
from interp.network.tracing.offloaded import copy_with_values
from interp.verdict.reading.networks.stacked import Following

Network = TypeVar("Network", bound=nn.Module)

SPREAD = 2_654_435_761
"""Prime that keeps the seeds of fresh copies away from those that networks are trained from."""
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Copies:
    """Networks of one structure.

    Attributes
    ----------
    structure
        One of them, a chain where it is run in parts; its own parameters are not used.
    state
        Name of a parameter or buffer -> its values in M networks, (M, ...).
    """

    structure: nn.Module
    state: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.state.values())))

    def until(self, end: int, inputs: Tensor) -> Tensor:
        """Run the first `end` steps on the same inputs (S, ...) in every network, (M, S, ...)."""
        return self._run(0, end, inputs, None)

    def after(self, end: int) -> Following:
        """Give what follows the first `end` steps."""
        return lambda outputs: self._run(end, None, outputs, 0)

    def _run(self, start: int, end: int | None, values: Tensor, axis: int | None) -> Tensor:
        assert isinstance(self.structure, nn.Sequential)
        names = [name for name, _ in self.structure.named_children()]
        part = self.structure[start:end]
        own = {n: v for n, v in self.state.items() if n.split(".")[0] in names[start:end]}
        call: Callable[..., Tensor] = lambda state, x: functional_call(part, state, (x,))  # noqa: E731
        return vmap(call, in_dims=(0, axis), randomness="different")(own, values)


def stack(networks: Sequence[nn.Module]) -> Copies:
    """Stack networks of one structure."""
    parameters, buffers = stack_module_state(list(networks))
    structure = copy.deepcopy(networks[0]).to("meta")
    return Copies(structure, {name: value.detach() for name, value in (parameters | buffers).items()})


def shuffled_copies(network: Network, seeds: Sequence[int]) -> Iterator[Network]:
    """Permute the entries of each parameter of a copy of the network, for each seed; buffers stay as they are."""
    yield from (shuffle_weights(network, seed) for seed in seeds)


def fresh_copies(network: Network, seeds: Sequence[int], inputs: Tensor) -> Iterator[Network]:
    """Initialise a copy of the network anew for each seed; batch norms measure their statistics on the inputs.

    What has no initialisation of its own, such as a parameter of the network itself, is shuffled instead.
    """
    for seed in seeds:
        fresh = copy_with_values(network)
        own = (seed + 1) * SPREAD % 2**63  # people train from seed 0 and 1 too
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(own)  # that of the CPU alone, which is the one that is put back
            for step in fresh.modules():
                _initialise(step, torch.Generator().manual_seed(own))
        if any(isinstance(step, NORMS) for step in fresh.modules()):
            measure_norms(fresh, inputs)
        yield fresh


def _initialise(step: nn.Module, generator: torch.Generator) -> None:
    """Draw the own parameters of one module anew, on the CPU, so that every device has the same copies."""
    own = list(step.parameters(recurse=False))
    reset = getattr(step, "reset_parameters", None) or getattr(step, "_reset_parameters", None)
    if not callable(reset):
        for parameter in own:
            permute(parameter, generator)
        return
    device = own[0].device if own else torch.device("cpu")
    step.to("cpu")
    reset()
    step.to(device)


@torch.no_grad()
def measure_norms(network: nn.Module, inputs: Tensor) -> None:
    """Set the statistics of batch norms to those of the inputs, in place."""
    for step in network.modules():
        if isinstance(step, NORMS):
            step.reset_running_stats()
            step.momentum = None  # a plain average over what is seen, here one pass
    network.train()
    network(inputs)
    network.eval()
