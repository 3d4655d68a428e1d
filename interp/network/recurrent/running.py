"""A cell run over all time steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from interp.network.recurrent.cells import State
from interp.network.recurrent.memory import CellMemory
from interp.network.recurrent.sites import OneStep


class RunsCells:
    """A part of a network that runs cells, and asks a memory before it does.

    Attributes
    ----------
    memory
        Runs of its cells that are given again, within `remembering`; else None.
    """

    memory: CellMemory | None = None

    def run_cell(self, cell: nn.Module, x: Tensor, state: State, alive: Tensor | None = None) -> tuple[Tensor, State]:
        """Run a cell over all time steps as `run_cell` does, or give what it gave in a run that is remembered."""
        run = partial(run_cell, cell, x, state, alive)
        return run() if self.memory is None else self.memory.of(cell, run, x, state, alive)


def run_cell(cell: nn.Module, x: Tensor, state: State, alive: Tensor | None = None) -> tuple[Tensor, State]:
    """Run a cell over all time steps.

    Parameters
    ----------
    cell
        Step of a cell, as `cell_of` builds it.
    x
        Inputs (B, T, D).
    state
        State before the first step, (B, N) each.
    alive
        Whether each step of each sample is no padding, (B, T) booleans; None where none is.

    Returns
    -------
    outputs
        Output h of every step, (B, T, N).
    state
        State after the last step.
    """
    backwards = any(part.backwards for part in cell.modules() if isinstance(part, OneStep))
    given, order = given_of(cell), range(x.shape[1])
    if given is not None and alive is None:
        last = given[:, 0 if backwards else -1]
        return given, (last, *(torch.full_like(one, torch.nan) for one in state[1:]))
    outputs = []
    for step in reversed(order) if backwards else order:
        new: State = cell(x[:, step], state)
        new = new if given is None else (given[:, step], *new[1:])
        if alive is not None:
            here = alive[:, step, None]
            new = tuple(torch.where(here, after, before) for after, before in zip(new, state, strict=True))
        state = new
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if backwards else outputs, 1), state


def given_of(cell: nn.Module) -> Tensor | None:
    """Give the outputs that stand in place of what a cell computes."""
    part = getattr(cell, "hidden", None)
    return part.given if isinstance(part, OneStep) else None


@contextmanager
def remembering(module: nn.Module, memory: CellMemory, writes: bool = False) -> Iterator[None]:
    """Let the cells of a network's unrolled layers be given from a memory in a block.

    Parameters
    ----------
    module
        Network whose weights do not change while the memory is used.
    memory
        Runs that are known.
    writes
        Whether runs that are not known are written down.

    Examples
    --------
    >>> from interp.network.recurrent.layers import Unrolled
    >>> network, memory = Unrolled(nn.LSTM(3, 4)), CellMemory(10**6)
    >>> with torch.no_grad(), remembering(network, memory, writes=True):
    ...     once, _ = network(torch.ones(5, 2, 3))
    ...     again, _ = network(torch.ones(5, 2, 3))
    >>> torch.equal(once, again), len(memory.runs[network.l0])
    (True, 1)
    """
    parts = [part for part in module.modules() if isinstance(part, RunsCells)]
    before = [part.memory for part in parts]
    wrote, memory.writes = memory.writes, writes
    try:
        for part in parts:
            part.memory = memory
        yield
    finally:
        memory.writes = wrote
        for part, own in zip(parts, before, strict=True):
            part.memory = own


def read_at_steps(module: nn.Module, part: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Run a network and give the first argument of each call of one of its parts, in the order of the calls.

    Parameters
    ----------
    module
        Network that the part belongs to.
    part
        Part of a cell.
    inputs
        Scaled inputs of the network (B, ...).
    """
    steps: list[Tensor] = []
    handle = part.register_forward_pre_hook(lambda _, args: steps.append(args[0]))
    try:
        module(inputs)
    finally:
        handle.remove()
    return steps


def is_elsewhere(part: OneStep) -> bool:
    """Whether values of a part are loaded only while it runs, as accelerate does it: those at rest are none.

    Parameters
    ----------
    part
        Part of a cell.
    """
    assert isinstance(part, nn.Module)
    return any(tensor.is_meta for tensor in (*part.parameters(), *part.buffers()))
