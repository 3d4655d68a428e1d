from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import _get_current_function_mode

from interp.network.hooks import edit, tap
from interp.network.maps.read import read_by
from interp.network.nodes import find_layers


class Net(nn.Module):
    """Two hidden layers whose activation is applied in one of several ways."""

    def __init__(self, how, fails=False):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.head = nn.Linear(6, 5), nn.Linear(5, 4), nn.Linear(4, 3)
        self.relu, self.how, self.fails = nn.ReLU(inplace="place" in how), how, fails
        self.eval()

    def activate(self, z):
        ways = {
            "functional": F.relu,
            "method": torch.Tensor.relu,
            "torch": torch.relu,
            "in-place method": torch.Tensor.relu_,
            "module": self.relu,
            "in-place module": self.relu,
        }
        return ways[self.how](z)

    def forward(self, x):
        hidden = self.activate(self.a(x))
        if self.fails:
            raise RuntimeError("in mid-forward")
        return self.head(self.activate(self.b(hidden)))


WAYS = ["functional", "method", "torch", "in-place method", "module", "in-place module"]
X = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))


def by_hand(net, x, name, before=lambda z: z, after=lambda y: y):
    for own in ("a", "b"):
        z = getattr(net, own)(x)
        x = after((before(z)).clamp(min=0)) if own == name else z.clamp(min=0)
    return net.head(x)


def layer_of(net, name):
    return next(layer for layer in find_layers(net, X).layers if layer.name == name)


def hooks(net):
    return [
        hook for part in net.modules() for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values())
    ]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", ["a", "b"])
def test_edits_reach_z_and_the_activations_output(how, name):
    net = Net(how)
    with torch.no_grad():
        for change in (
            {"before": lambda z: 2 * z - 1},
            {"after": lambda y: y - 3},
            {"before": torch.neg, "after": torch.exp},
        ):
            with edit(net, layer_of(net, name), **change):
                found = net(X)
            torch.testing.assert_close(found, by_hand(net, X, name, **change), rtol=0, atol=0)


@pytest.mark.parametrize("how", WAYS)
def test_an_edit_that_changes_nothing_changes_no_bit(how):
    net = Net(how)
    plain = net(X)
    for name in ("a", "b", "head"):
        with edit(net, layer_of(net, name), before=lambda z: z, after=lambda y: y):
            assert torch.equal(net(X), plain)
    assert torch.equal(net(X), plain)


def test_a_layer_without_activation_is_changed_at_z():
    net = Net("functional")
    with edit(net, layer_of(net, "head"), before=lambda z: 2 * z, after=lambda y: y + 1):
        found = net(X)
    torch.testing.assert_close(found, 2 * net(X) + 1, rtol=0, atol=0)


def test_an_activation_after_pooling_is_still_the_nodes_own():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.ReLU(), nn.Linear(8, 3)).eval()
    x = torch.randn(4, 1, 6, 6)
    with edit(net, find_layers(net, x).layers[0], after=lambda y: y + 1):
        found = net(x)
    torch.testing.assert_close(found, net[4](net[:4](x) + 1), rtol=0, atol=0)


@pytest.mark.parametrize("how", WAYS)
def test_taps_see_z_before_an_in_place_activation_overwrites_it(how):
    net = Net(how)
    with tap(net, [layer_of(net, "a"), layer_of(net, "b")]) as values:
        net(X)
    first = net.a(X)
    assert torch.equal(values["a"], first)
    assert torch.equal(values["b"], net.b(first.clamp(min=0)))
    assert not values["a"].requires_grad


@pytest.mark.parametrize("how", ["functional", "in-place module"])
def test_an_exception_in_mid_forward_leaves_nothing_behind(how):
    net = Net(how)
    layer, other = layer_of(net, "a"), layer_of(net, "b")
    net.fails = True
    for context in (edit(net, layer, before=torch.neg, after=torch.neg), tap(net, [layer, other])):
        with pytest.raises(RuntimeError, match="in mid-forward"), context:
            net(X)
        assert hooks(net) == []
        assert _get_current_function_mode() is None
    with pytest.raises(RuntimeError, match="in mid-forward"):
        read_by(net, other, X)
    assert hooks(net) == []


def test_a_wrong_module_name_leaves_nothing_behind():
    net = Net("module")
    wrong = replace(layer_of(net, "a"), name="nothing", tap="nothing")
    with pytest.raises(AttributeError, match="nothing"), tap(net, [layer_of(net, "a"), wrong]):
        pass
    assert hooks(net) == []


def test_what_a_layer_reads_is_found_and_the_run_goes_no_further():
    net = Net("functional")
    calls, layer = [], layer_of(net, "b")
    net.head.register_forward_hook(lambda *_: calls.append(1))
    torch.testing.assert_close(read_by(net, layer, X).values, net.a(X).clamp(min=0), rtol=0, atol=0)
    assert calls == []
    assert len(hooks(net)) == 1


def test_modes_and_devices_are_left_as_they_are():
    net = Net("module").train()
    with edit(net, layer_of(net, "a"), before=torch.neg), tap(net, [layer_of(net, "a")]):
        net(X)
    assert net.training


def test_what_is_taken_of_a_layer_is_all_that_is_kept():
    """Taken where the layer runs, before an activation in place changes it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(48, 2)).eval()
    x = torch.randn(4, 1, 6, 6)
    layers = find_layers(network, x).layers
    with torch.no_grad(), tap(network, layers, take=lambda layer, z: z[:, 1].clone()) as some:
        network(x)
    with torch.no_grad():
        conv = network[0](x)
    assert torch.equal(some["0"], conv[:, 1])
    assert conv.min() < 0
    assert some["3"].shape == (4,)
