"""What follows the last layer that is read is not run, where nobody asks for the outputs."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from interp.network.hooks import can_stop, tap
from interp.network.nodes import find_layers

X = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


class Counting(nn.Module):
    """Counts how often it runs."""

    def __init__(self):
        super().__init__()
        self.runs = 0

    def forward(self, x):
        self.runs += 1
        return x


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 5), nn.ReLU(inplace=True), Counting(), nn.Linear(5, 4), nn.ReLU(), Counting(), nn.Linear(4, 3)
    ).eval()


def runs(net):
    return [part.runs for part in net if isinstance(part, Counting)]


@pytest.mark.parametrize(("read", "expected"), [("0", [0, 0]), ("03", [1, 0]), ("3", [1, 0]), ("036", [1, 1])])
def test_a_run_ends_at_the_last_layer_that_is_read(read, expected):
    net = network()
    layers = [layer for layer in find_layers(net, X).layers if layer.name in read]
    with torch.no_grad():
        with tap(net, layers) as whole:
            net(X)
        before, outputs = runs(net), None
        with tap(net, layers, to_end=False) as part:
            outputs = net(X)
    assert outputs is None
    assert [now - then for now, then in zip(runs(net), before, strict=True)] == expected
    assert part.keys() == whole.keys()
    assert all(torch.equal(part[name], whole[name]) for name in whole)
    assert not any(part._forward_hooks for part in net.modules())


def test_a_call_of_a_function_ends_it_too():
    class Called(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.after = nn.Parameter(torch.ones(4, 6)), Counting()

        def forward(self, x):
            return self.after(nn.functional.linear(x, self.weight))

    net = Called()
    layers = find_layers(net, X).layers
    before = net.after.runs
    with tap(net, layers, to_end=False) as found:
        net(X)
    assert net.after.runs == before
    assert [z.shape for z in found.values()] == [(5, 4)]


def test_steps_are_run_to_the_last():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    from interp.checkpoints import load_module

    x = torch.rand(20, 9, 2).numpy()
    model, _ = load_module(Steps(), {"x": x, "y": [0, 1] * 10})
    gates = [layer for layer in model.layers if layer.is_stepwise]
    assert gates
    assert not can_stop(model.module, gates)
    with torch.no_grad(), tap(model.module, gates, to_end=False) as found:
        model.module(torch.from_numpy(x))
    assert all(z.shape[1] == 9 for z in found.values())


PUT_AWAY = [
    SimpleNamespace(place_submodules=True),
    SimpleNamespace(place_submodules=False, offload=True),
    SimpleNamespace(hooks=[SimpleNamespace(), SimpleNamespace(place_submodules=True)]),
]


@pytest.mark.parametrize("hook", PUT_AWAY, ids=["all-parts", "own-parameters", "one-of-several"])
def test_parts_that_put_something_away_come_to_their_end(hook):
    net = network()
    layers = find_layers(net, X).layers[:1]
    net._hf_hook = hook
    before = runs(net)
    with tap(net, layers, to_end=False):
        net(X)
    assert runs(net) == [count + 1 for count in before]


def test_errors_of_the_network_are_still_raised():
    net = network()
    layers = find_layers(net, X).layers
    with pytest.raises(RuntimeError, match="shapes"), tap(net, layers, to_end=False):
        net(X[:, :3])


def test_networks_that_go_on_after_errors_end_too():
    class Forgiving(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last, self.fell = nn.Linear(6, 5), nn.Linear(5, 3), 0

        def forward(self, x):
            try:
                x = self.first(x)
            except Exception:
                self.fell += 1
                x = torch.zeros(len(x), 5)
            return self.last(x)

    net, out = Forgiving().eval(), None
    with torch.no_grad(), tap(net, find_layers(net, X).layers[:1], to_end=False) as found:
        out = net(X)
    assert (net.fell, out, list(found)) == (0, None, ["first"])
