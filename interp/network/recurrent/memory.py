"""What whole cells gave in one run of a network, given again in later runs in which they read the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from interp.network.recurrent.cells import State
from interp.network.recurrent.sites import OneStep

BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Size of a value in bytes -> type of whole numbers of that size, in which equal values have equal bits."""


class CellRun(NamedTuple):
    """One run of a cell over all time steps.

    Attributes
    ----------
    read
        Inputs (B, T, D), the state before the first step, and which steps are no padding where some are.
    outputs
        Output h of every step (B, T, N).
    state
        State after the last step.
    """

    read: tuple[Tensor, ...]
    outputs: Tensor
    state: State

    @property
    def nbytes(self) -> int:
        """Size of all tensors, in bytes."""
        return sum(one.nbytes for one in (*self.read, self.outputs, *self.state))


@dataclass
class CellMemory:
    """Runs of a network's cells that were written down.

    A cell is given from memory where all that it reads is the same to the last bit, and where no hook and no change is
    set within it: then it would compute the same again. So a change of one direction leaves the other one as it was,
    and a change behind a layer leaves the layer; nothing need be known of how the network puts cells together.

    Attributes
    ----------
    most
        Size of all that is kept, in bytes, at most.
    runs
        Cell -> its runs, in order.
    writes
        Whether runs that are not known are written down.
    """

    most: int
    runs: dict[nn.Module, list[CellRun]] = field(default_factory=dict)
    writes: bool = False

    @property
    def nbytes(self) -> int:
        """Size of all that is kept, in bytes."""
        return sum(one.nbytes for runs in self.runs.values() for one in runs)

    def of(
        self, cell: nn.Module, run: Callable[[], tuple[Tensor, State]], x: Tensor, state: State, alive: Tensor | None
    ) -> tuple[Tensor, State]:
        """Give what a cell gives at all steps, as `run_cell` does: from memory, or by running it.

        Parameters
        ----------
        cell
            Step of a cell.
        run
            Function that runs the cell on the values below.
        x
            Inputs (B, T, D).
        state
            State before the first step, (B, N) each.
        alive
            Whether each step of each sample is no padding, (B, T) booleans; None where none is.
        """
        if torch.is_grad_enabled() or _is_watched(cell):
            return run()
        read = (x, *state) if alive is None else (x, *state, alive)
        for known in self.runs.get(cell, ()):
            if len(known.read) == len(read) and all(map(_is_same, known.read, read)):
                return known.outputs.clone(), known.state  # what follows may be in place; states are stacked anew
        outputs, last = run()
        if self.writes:
            made = CellRun(tuple(one.clone() for one in read), outputs.clone(), last)
            if made.nbytes + self.nbytes <= self.most:
                self.runs.setdefault(cell, []).append(made)
        return outputs, last


def _is_watched(cell: nn.Module) -> bool:
    """Whether somebody reads or changes values within a cell."""
    for part in cell.modules():
        if part._forward_hooks or part._forward_pre_hooks:
            return True
        if isinstance(part, OneStep) and (part.after is not None or part.given is not None):
            return True
    return False


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bits: -0 is not 0, and NaN is what it was."""
    if one.dtype != other.dtype or one.device != other.device:
        return False
    bits = BITS.get(one.element_size())
    return bits is not None and torch.equal(one.view(bits), other.view(bits))
