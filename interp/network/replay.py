"""What a network runs before a layer: run once for an input, and given from memory in later runs on the same input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from interp.network.quick.parts import QUICK
from interp.network.recurrent.memory import CellMemory
from interp.network.recurrent.running import remembering
from interp.network.tracing.calls import place_of
from interp.types import NodeLayer

PACKAGES = ("torch", "torchvision", "timm")
"""Packages whose modules are functions of their inputs alone, so that what they gave once they give again."""

MOST_BYTES = 134_217_728
"""Size of all that is kept for one input, in bytes, at most; modules and recurrent cells beyond it run anew."""


@dataclass
class _Run:
    """One run that is being written down: how often modules were called, and inside which calls that are open."""

    calls: Counter[nn.Module] = field(default_factory=Counter)
    open: list[Counter[nn.Module]] = field(default_factory=list)
    is_over: bool = False


@dataclass(frozen=True)
class _Given:
    """Output of one call, and the calls inside it, which do not take place when it is given."""

    output: Tensor
    inside: Mapping[nn.Module, int]


class Replay:
    """Runs of a network on one input that differ from some layers on only.

    The first plain run is written down: what each module gave that ended before any of the layers had its z. Later runs
    get copies of that, and run the rest. Of recurrent layers, cells are given that read what they read in the first
    run, wherever they stand. What modules and cells give takes `MOST_BYTES` together, and what comes first is kept. A
    replayed plain run must give the first one's output to the last bit, or nothing is ever replayed. Networks with
    attention, and layers that are called as functions, run whole. What a module of the user's own does is run anew, its
    parts from torch excepted.

    Parameters
    ----------
    module
        Network, in eval mode.
    layers
        Layers at which runs may differ.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> runs = Replay(network, [NodeLayer("2", "linear", 2, 3, "identity", "2")])
    >>> with torch.no_grad():
    ...     plain = runs(lambda: network(torch.ones(1, 2)), is_plain=True)
    >>> runs.replayed  # with the layer itself, whose z is changed after it
    3
    """

    def __init__(self, module: nn.Module, layers: Iterable[NodeLayer]) -> None:
        self._module = module
        self._places = [place_of(module, layer.tap) for layer in layers]
        self._given: dict[tuple[nn.Module, int], _Given] = {}
        self._cells = CellMemory(MOST_BYTES)
        scripted = any(isinstance(place, torch.jit.ScriptModule) for place in self._places)
        # attention takes quicker ways, of other last bits, in runs in which no function is looked at
        attends = any(isinstance(part, nn.MultiheadAttention) for part in module.modules())
        called = any(isinstance(place, Tensor) for place in self._places)
        self._is_known = scripted or attends or called  # is not written down

    @property
    def replayed(self) -> int:
        """Number of calls of modules, and of runs of recurrent cells, that are given from memory."""
        return len(self._given) + sum(map(len, self._cells.runs.values()))

    def __call__(self, run: Callable[[], Tensor], is_plain: bool = False) -> Tensor:
        """Run the network, without gradients.

        Parameters
        ----------
        run
            Function that runs the network on the one input, with or without hooks.
        is_plain
            Whether nothing is changed in this run, so that it may be written down.
        """
        if self._is_known:
            with self._from_memory():
                return run()
        return self._written_down(run) if is_plain else run()

    def on(self, copy: nn.Module) -> Replay:
        """Give the same memory for a copy of the network, once a plain run was written down.

        Parameters
        ----------
        copy
            Network of the same parts in the same order.
        """
        other = Replay(copy, [])
        there = dict(zip(self._module.modules(), copy.modules(), strict=True))
        other._is_known = True
        other._given = {
            (there[part], call): _Given(found.output, {there[own]: count for own, count in found.inside.items()})
            for (part, call), found in self._given.items()
        }
        other._cells.runs = {there[cell]: runs for cell, runs in self._cells.runs.items()}
        return other

    def _written_down(self, run: Callable[[], Tensor]) -> Tensor:
        self._is_known = True
        with self._writing(), remembering(self._module, self._cells, writes=True):
            output = run()
        if self.replayed and not self._is_same(run, output):
            self._given, self._cells.runs = {}, {}
        return output

    def _is_same(self, run: Callable[[], Tensor], output: Tensor) -> bool:
        try:
            with self._from_memory():
                return torch.equal(run(), output)
        except Exception:  # modules that count on each other's side effects fail in their own way
            return False

    @contextmanager
    def _writing(self) -> Iterator[None]:
        run, stops = _Run(), [place for place in self._places if isinstance(place, nn.Module)]
        parts = [part for part in self._module.modules() if is_known(part)]
        wrapped = {part: partial(self._write, run, part, part.forward) for part in parts}
        for place in stops:
            wrapped[place] = partial(_ending, run, wrapped.get(place, place.forward))
        with _in_place_of(wrapped):
            yield

    def _write(self, run: _Run, part: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if run.is_over:
            return forward(*args, **kwargs)
        key, inside = (part, run.calls[part]), Counter[nn.Module]()
        run.calls[part] += 1
        run.open.append(inside)
        before = set(self._given)
        try:
            output = forward(*args, **kwargs)
        finally:
            run.open.pop()
        if run.open:
            run.open[-1].update(inside)
            run.open[-1][part] += 1
        if not run.is_over and isinstance(output, Tensor) and not _shares(output, (*args, *kwargs.values())):
            for own in set(self._given) - before:  # the whole stands for its parts
                del self._given[own]
            if output.nbytes + self._given_bytes() + self._cells.nbytes <= MOST_BYTES:
                self._given[key] = _Given(output.clone(), dict(inside))
            self._cells.most = MOST_BYTES - self._given_bytes()
        return output

    def _given_bytes(self) -> int:
        return sum(one.output.nbytes for one in self._given.values())

    @contextmanager
    def _from_memory(self) -> Iterator[None]:
        calls = Counter[nn.Module]()
        parts = {part for part, _ in self._given}
        given = {part: partial(self._give, calls, part, part.forward) for part in parts}
        with _in_place_of(given), remembering(self._module, self._cells):
            yield

    def _give(
        self, calls: Counter[nn.Module], part: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        found = self._given.get((part, calls[part]))
        calls[part] += 1
        if found is None:
            return forward(*args, **kwargs)
        calls.update(found.inside)
        return found.output.clone()  # what follows may be in place


def _ending(run: _Run, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a module, after which nothing more is written down."""
    output = forward(*args, **kwargs)
    run.is_over = True
    return output


def is_known(part: nn.Module) -> bool:
    """Whether a module is of a package whose modules are functions of their inputs alone.

    Parameters
    ----------
    part
        One module; what lies in it is not looked at.

    Examples
    --------
    >>> is_known(nn.ReLU())
    True
    """
    package = type(part).__module__.split(".")[0]
    own = (package in PACKAGES or type(part) in QUICK.values()) and "forward" not in vars(part)
    return own and not isinstance(part, torch.jit.ScriptModule | torch.fx.GraphModule)


def _shares(output: Tensor, arguments: Iterable[Any]) -> bool:
    """Whether an output lies where an argument does: what changes one in place changes the other."""
    places = {one.untyped_storage().data_ptr() for one in arguments if isinstance(one, Tensor)}
    return output.untyped_storage().data_ptr() in places


@contextmanager
def _in_place_of(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Call these functions in place of modules' `forward` in a block; hooks are called as ever."""
    own = {part: vars(part)["forward"] for part in forwards if "forward" in vars(part)}
    try:
        for part, forward in forwards.items():
            vars(part)["forward"] = forward
        yield
    finally:
        for part in forwards:
            vars(part).pop("forward", None)
            vars(part).update({"forward": own[part]} if part in own else {})
