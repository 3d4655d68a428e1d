"""Networks of several candidates run together: what they compute alike, up to where they part, is computed once.

The modules of all networks make a tree, from the inputs under one scaling to the outputs. Every module runs on the very
values that it would run on alone, so that outputs are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.rebuild import Planned, planned
from interp.checkpoints.inference.stack.layers import Layer
from interp.network.inputs import as_tensor
from interp.types import Array


@dataclass
class Place:
    """A place in the tree, behind the module that leads to it.

    Attributes
    ----------
    after
        Modules that follow, by name and settings, each with the place behind it.
    ends
        Candidates whose outputs are the values here.
    """

    after: dict[tuple[object, ...], tuple[nn.Module, Place]] = field(default_factory=dict)
    ends: list[Candidate] = field(default_factory=list)


class Together:
    """Networks of some candidates with the same layers, as a tree of modules.

    Parameters
    ----------
    layers
        Layers in running order, convolutions first.
    candidates
        Candidates, each with a layout.
    ready
        Function that makes a module ready to run and gives it, or one in its place.
    plan
        Function of layers and a candidate that lists the modules of its network.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        candidates: Sequence[Candidate],
        ready: Callable[[nn.Module], nn.Module],
        plan: Callable[[Sequence[Layer], Candidate], Sequence[Planned]] = planned,
    ) -> None:
        self._ready = ready
        self._made: dict[tuple[object, ...], nn.Module] = {}
        self._roots: dict[tuple[object, ...], tuple[Candidate, Place]] = {}
        self.modules: dict[Candidate, list[nn.Module]] = {}
        """Modules of each candidate's network, in running order; networks share them."""
        for candidate in candidates:
            self._add(candidate, plan(layers, candidate))

    def _add(self, candidate: Candidate, plan: Sequence[Planned]) -> None:
        assert candidate.layout is not None
        root = (candidate.scaling.name, candidate.layout.image)
        place, path = self._roots.setdefault(root, (candidate, Place()))[1], []
        for step in plan:
            key = (step.name, *step.settings)
            if key not in place.after:
                place.after[key] = self._module(step), Place()
            module, place = place.after[key]
            path.append(module)
        place.ends.append(candidate)
        self.modules[candidate] = path

    def _module(self, step: Planned) -> nn.Module:
        key = (step.name, *step.settings)
        if key not in self._made:
            self._made[key] = self._ready(step.build().eval().requires_grad_(False))
        return self._made[key]

    @property
    def roots(self) -> list[Candidate]:
        """One candidate of each scaling, in the order in which they came."""
        return [first for first, _ in self._roots.values()]

    def outputs(self, root: Candidate, inputs: Array) -> Iterator[tuple[Candidate, Tensor]]:
        """Yield each candidate of one scaling with its network's outputs.

        Parameters
        ----------
        root
            One of `roots`.
        inputs
            Inputs of a block of samples as stored, (B, D).

        Yields
        ------
        candidate
            Candidate that reads its inputs as the root does.
        outputs
            Outputs of its network, (B, C).
        """
        assert root.layout is not None
        first = self._roots[root.scaling.name, root.layout.image][1]
        yield from _through(first, as_tensor(inputs, root.scaling, root.layout.image))


def _through(place: Place, values: Tensor) -> Iterator[tuple[Candidate, Tensor]]:
    """Run all that follows a place, one branch after the other, so that the values of one are held at a time."""
    for candidate in place.ends:
        yield candidate, values
    for module, behind in place.after.values():
        yield from _through(behind, module(values))


def channels_side_by_side(module: nn.Module) -> nn.Module:
    """Lay the weights of a convolution out so that it runs on channels that lie side by side."""
    return module.to(memory_format=torch.channels_last)
