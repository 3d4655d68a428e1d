"""Cells given from memory: the same outputs to the last bit, and only those that would compute the same again."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from interp.interventions.edits import Edit, ablate, on_values
from interp.network.hooks import edit
from interp.network.recurrent import running
from interp.network.recurrent.memory import CellMemory
from interp.network.recurrent.running import remembering
from interp.network.recurrent.unroll import unrolled
from interp.network.replay import Replay
from interp.types import NodeLayer

CELLS = ("l0", "l0_reverse", "l1", "l1_reverse")


class Padded(nn.Module):
    """A map of the inputs, two layers of an LSTM in both directions, over sequences of several lengths or of one."""

    def __init__(self, padded: bool) -> None:
        super().__init__()
        self.first, self.padded = nn.Linear(3, 3), padded
        self.rnn = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = self.first(x)
        if self.padded:
            x = pack_padded_sequence(x, torch.tensor([5, 2, 4]), batch_first=True, enforce_sorted=False)
        return self.head(torch.cat(list(self.rnn(x)[1][0][-2:]), 1))


@pytest.fixture(params=[False, True], ids=["one length", "padded"])
def net(request):
    torch.manual_seed(0)
    return unrolled(Padded(request.param).eval())


@pytest.fixture
def x():
    return torch.randn(3, 5, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def ran(monkeypatch, net):
    """Names of the cells that were run, in order."""
    names, found, plain = {net.rnn.get_submodule(name): name for name in CELLS}, [], running.run_cell

    def counted(cell, *args):
        found.append(names[cell])
        return plain(cell, *args)

    monkeypatch.setattr(running, "run_cell", counted)
    return found


def gate(cell: str, name: str = "forget") -> NodeLayer:
    layout = "steps-backwards" if cell.endswith("reverse") else "steps"
    return NodeLayer(f"rnn.{cell}.{name}", "gate", 4, 8, "sigmoid", f"rnn.{cell}.{name}", layout)


AFTER = {"l0": ("l0", "l1", "l1_reverse"), "l0_reverse": ("l0_reverse", "l1", "l1_reverse")}
"""Cell -> the cells that a change within it reaches, where these are not the cell alone."""


@torch.no_grad()
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("change", [ablate(0, 0.0), Edit(before=lambda z: z * 2)], ids=["output", "z"])
def test_only_cells_that_a_change_reaches_are_run_again(net, x, ran, cell, change):
    at = gate(cell)
    replay = Replay(net, [at])
    assert torch.equal(replay(lambda: net(x), is_plain=True), net(x))
    with edit(net, at, *on_values(change, at)):
        del ran[:]
        found = replay(lambda: net(x))
        again = tuple(ran)
        assert torch.equal(found, net(x))
    assert again == AFTER.get(cell, (cell,))
    assert all(part.memory is None for part in net.modules() if isinstance(part, running.RunsCells))


@torch.no_grad()
def test_a_layer_behind_the_cells_runs_none_of_them_and_one_before_runs_all(net, x, ran):
    for tap, wanted in (("head", ()), ("first", CELLS)):
        at = NodeLayer(tap, "linear", 2, 8, "identity", tap)
        replay = Replay(net, [at])
        plain = replay(lambda: net(x), is_plain=True)
        with edit(net, at, before=lambda z: z + 1):
            del ran[:]
            found = replay(lambda: net(x))
            assert tuple(ran) == wanted
            assert torch.equal(found, net(x))
            assert not torch.equal(found, plain)


@torch.no_grad()
def test_a_cell_that_somebody_looks_into_is_run(net, x, ran):
    memory, seen = CellMemory(10**6), []
    with remembering(net, memory, writes=True):
        net(x)
    handle = net.rnn.l0.cell.register_forward_hook(lambda part, args, z: seen.append(z))
    del ran[:]
    with remembering(net, memory):
        net(x)
    handle.remove()
    assert ran == ["l0"]
    assert len(seen) == 5


def test_nothing_is_given_that_gradients_would_flow_through(net, x, ran):
    memory = CellMemory(10**6)
    with torch.no_grad(), remembering(net, memory, writes=True):
        net(x)
    del ran[:]
    with torch.enable_grad(), remembering(net, memory):
        assert net(x).requires_grad
    assert tuple(ran) == CELLS


@torch.no_grad()
@pytest.mark.parametrize("net", [False], indirect=True)
def test_other_inputs_signs_of_zero_and_nan_are_told_apart(net, x, ran):
    memory = CellMemory(10**6)
    zero = torch.zeros(3, 5, 3)
    for given in (x, zero, -zero, zero * torch.nan):
        del ran[:]
        with remembering(net.rnn, memory, writes=True):
            net.rnn(given)
            assert ran[:2] == ["l0", "l0_reverse"]  # the next layer may read the same all the same
            del ran[:]
            net.rnn(given)
            assert not ran


@torch.no_grad()
def test_what_does_not_fit_is_run_anew(net, x, ran):
    memory = CellMemory(10)
    with remembering(net, memory, writes=True):
        assert torch.equal(net(x), net(x))
    assert not memory.runs
    assert len(ran) == 8


@torch.no_grad()
def test_cells_and_modules_are_kept_in_one_room(net, x, monkeypatch):
    def kept() -> tuple[int, int]:
        replay = Replay(net, [NodeLayer("head", "linear", 2, 8, "identity", "head")])
        assert torch.equal(replay(lambda: net(x), is_plain=True), replay(lambda: net(x)))
        return sum(one.output.nbytes for one in replay._given.values()), replay._cells.nbytes

    modules, cells = kept()
    assert modules > 0
    assert cells > 0
    for room in (modules + cells, modules + cells - 1, cells, modules):
        monkeypatch.setattr("interp.network.replay.MOST_BYTES", room)
        assert 0 < sum(kept()) <= room
        assert (kept() == (modules, cells)) == (room == modules + cells)


@torch.no_grad()
def test_what_follows_may_change_outputs_in_place(x):
    rnn, memory = unrolled(nn.Sequential(nn.GRU(3, 4, batch_first=True)))[0], CellMemory(10**6)
    once = rnn(x)[0]
    with remembering(rnn, memory, writes=True):
        for _ in range(3):
            found = rnn(x)[0]
            assert torch.equal(found, once)
            found.zero_()
