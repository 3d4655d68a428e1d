import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from interp.network.hooks import edit, tap
from interp.network.maps.affine import affine_map
from interp.network.maps.read import read_by
from interp.network.nodes import find_layers
from interp.network.recurrent.sites import OneStep, tanh
from interp.network.recurrent.unroll import is_recurrent, unrolled
from tests.network.recurrent.plain import plain_layers

LAYERS = {
    "rnn": lambda: nn.RNN(3, 4, batch_first=True),
    "relu": lambda: nn.RNN(3, 4, nonlinearity="relu"),
    "lstm": lambda: nn.LSTM(3, 4, batch_first=True),
    "gru": lambda: nn.GRU(3, 4, batch_first=True),
    "two ways": lambda: nn.RNN(3, 4, bidirectional=True, batch_first=True),
    "deep lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
    "deep gru": lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True),
    "no bias": lambda: nn.GRU(3, 4, bias=False),
    "projection": lambda: nn.LSTM(3, 5, num_layers=2, bidirectional=True, proj_size=2, batch_first=True),
}
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")


def made(name):
    torch.manual_seed(0)
    return LAYERS[name]().eval()


def tensors(values):
    return [values] if isinstance(values, torch.Tensor) else [one for part in values for one in tensors(part)]


def assert_same(first, second):
    for one, other in zip(tensors(first), tensors(second), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


class Classifier(nn.Module):
    """The last step of a recurrent layer, and a head."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear((rnn.proj_size or rnn.hidden_size) * (1 + rnn.bidirectional), 2)

    def forward(self, x):
        rnn = self.rnn
        return self.head(rnn(x)[0][:, -1] if rnn.batch_first else rnn(x.transpose(0, 1))[0][-1])


def classifier(name):
    torch.manual_seed(0)
    return Classifier(LAYERS[name]()).eval()


@pytest.mark.parametrize("name", LAYERS)
def test_unrolled_layers_give_what_torchs_give(name):
    fused, x = made(name), torch.randn(5, 6, 3)
    steps = unrolled(fused)
    assert not is_recurrent(steps)
    with torch.no_grad():
        assert_same(steps(x), fused(x))
        assert_same(steps(x[0]), fused(x[0]))  # a single sequence
        states = fused(x)[1]
        assert_same(steps(x, states), fused(x, states))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("sort", [False, True])
def test_padding_is_left_out_as_torch_leaves_it_out(name, sort):
    fused, x, lengths = made(name), torch.randn(4, 6, 3), torch.tensor([6, 4, 2, 1] if sort else [2, 5, 1, 4])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=sort)
    with torch.no_grad():
        ours, theirs = unrolled(fused)(packed), fused(packed)
    assert_same(pad_packed_sequence(ours[0])[0], pad_packed_sequence(theirs[0])[0])
    assert_same(ours[1], theirs[1])


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_unrolled_cells_give_what_torchs_give(kind):
    torch.manual_seed(0)
    fused, x = kind(3, 4), torch.randn(5, 3)
    steps = unrolled(fused)
    with torch.no_grad():
        assert_same(steps(x), fused(x))
        assert_same(steps(x, fused(x)), fused(x, fused(x)))
        assert_same(steps(x[0]), fused(x[0]))


def test_a_network_is_copied_and_left_as_it_was():
    net = classifier("deep lstm").train()
    before, parts = copy.deepcopy(net.state_dict()), dict(net.named_modules())
    seen = []
    net.rnn.register_forward_hook(lambda *_: seen.append(1))
    steps = unrolled(net).eval()
    steps(torch.randn(2, 5, 3))
    assert seen == [1]  # hooks of the user's come along
    assert dict(net.named_modules()) == parts
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    plain = nn.Sequential(nn.Linear(2, 3))
    assert unrolled(plain) is plain


def test_a_layer_in_two_places_stays_one_and_one_of_the_users_own_stays_as_it_is():
    class Doubled(nn.GRU):
        def forward(self, inputs, hx=None):
            return super().forward(2 * inputs, hx)

    shared = nn.GRU(3, 3)
    steps = unrolled(nn.ModuleDict({"a": shared, "b": nn.ModuleList([shared]), "c": Doubled(3, 3)}))
    assert steps["a"] is steps["b"][0]
    assert type(steps["c"]) is Doubled


# --------------------------------------------------------------------------- nodes


def gates(name):
    net = unrolled(classifier(name))
    layers = find_layers(net, torch.randn(2, 6, 3)).layers
    return net, {layer.name: layer for layer in layers}


def test_gates_are_layers_with_their_own_activations():
    def said(name):
        return [(layer.name, layer.kind, layer.activation, layer.layout) for layer in gates(name)[1].values()]

    assert said("lstm") == [
        ("rnn.l0.input", "gate", "sigmoid", "steps"),
        ("rnn.l0.forget", "gate", "sigmoid", "steps"),
        ("rnn.l0.cell", "gate", "tanh", "steps"),
        ("rnn.l0.output", "gate", "sigmoid", "steps"),
        ("rnn.l0.hidden", "cell-output", "identity", "steps"),
        ("head", "linear", "identity", "samples"),
    ]
    assert said("gru")[:4] == [
        ("rnn.l0.reset", "gate", "sigmoid", "steps"),
        ("rnn.l0.update", "gate", "sigmoid", "steps"),
        ("rnn.l0.new", "candidate", "tanh", "steps"),
        ("rnn.l0.hidden", "cell-output", "identity", "steps"),
    ]
    assert said("two ways")[:2] == [
        ("rnn.l0.hidden", "gate", "tanh", "steps"),
        ("rnn.l0_reverse.hidden", "gate", "tanh", "steps-backwards"),
    ]
    assert len(said("projection")) == 2 * 2 * 5 + 1


@pytest.mark.parametrize("name", ["rnn", "relu", "lstm", "gru", "two ways", "deep lstm", "deep gru"])
def test_gates_are_those_of_a_plain_loop(name):
    fused = classifier(name)
    net, layers = gates(name)
    x = torch.randn(3, 6, 3)
    with torch.no_grad(), tap(net, layers.values()) as values:
        outputs = net(x)
    wanted, _ = plain_layers(fused.rnn, x.double().numpy())
    assert {f"rnn.{gate}" for gate in wanted} == set(layers) - {"head"}
    for gate, z in wanted.items():
        np.testing.assert_allclose(values[f"rnn.{gate}"], z, atol=1e-5)
    torch.testing.assert_close(outputs, fused(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("rnn", "l0.hidden"), ("lstm", "l0.forget"), ("lstm", "l0.hidden"), ("gru", "l0.update"), ("gru", "l0.new"),
        ("deep lstm", "l0_reverse.cell"), ("deep gru", "l1_reverse.hidden"), ("deep gru", "l0.reset"),
    ],
)  # fmt: skip
def test_a_changed_gate_is_changed_at_every_step_and_its_effects_flow_on(name, gate):
    fused = classifier(name)
    net, layers = gates(name)
    x = torch.randn(3, 6, 3)

    def half(outputs):
        outputs = outputs.clone() if isinstance(outputs, torch.Tensor) else outputs.copy()
        outputs[:, 1] = 0.5
        return outputs

    with torch.no_grad(), edit(net, layers[f"rnn.{gate}"], after=half):
        found = net(x)
    _, hidden = plain_layers(fused.rnn, x.double().numpy(), {gate: half})
    wanted = hidden[:, -1] @ fused.head.weight.detach().double().numpy().T + fused.head.bias.detach().double().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.abs(wanted - fused(x).detach().numpy()).max() > 1e-3  # there was something to see


@pytest.mark.parametrize("name", LAYERS)
def test_the_change_of_nothing_changes_nothing_to_the_last_bit(name):
    net, layers = gates(name)
    x = torch.randn(3, 6, 3)
    with torch.no_grad():
        plain = net(x)
        for layer in layers.values():
            with edit(net, layer, before=torch.clone, after=torch.clone):
                assert torch.equal(net(x), plain)


@pytest.mark.parametrize("name", ["lstm", "gru", "two ways", "projection"])
def test_the_map_of_a_gate_is_that_of_x_and_h_side_by_side(name):
    net, layers = gates(name)
    x = torch.randn(3, 6, 3)
    with torch.no_grad(), tap(net, layers.values()) as values:
        net(x)
    for layer in layers.values():
        read, found = read_by(net, layer, x), affine_map(net, layer, x)
        if layer.kind == "candidate":  # r times a part of it
            assert found is None
            assert read.values.shape == (3, 6, 7)
            continue
        weight, bias = found
        z = values[layer.name]
        assert read.values.shape == (*z.shape[:-1], layer.inputs)
        np.testing.assert_allclose(read.values.numpy() @ weight.T + bias, z, atol=1e-5)


def test_cells_in_a_loop_of_the_users_own_run_once_a_step():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.LSTMCell(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            state = None
            for step in range(x.shape[1]):
                state = self.cell(x[:, step], state)
            return self.head(state[0])

    torch.manual_seed(0)
    plain = Loop()
    net, x = unrolled(plain), torch.randn(5, 6, 3)
    layers = find_layers(net, x[:2]).layers
    assert [layer.name for layer in layers][:2] == ["cell.step.input", "cell.step.forget"]
    with torch.no_grad(), tap(net, layers) as values:
        assert_same(net(x), plain(x))
    assert values["cell.step.forget"].shape == (5, 6, 4)


def test_taps_hold_the_latest_run_alone_also_after_one_that_failed():
    net, layers = gates("lstm")
    with torch.no_grad(), tap(net, layers.values()) as values:
        net(torch.randn(3, 6, 3))
        with pytest.raises(RuntimeError):
            net(torch.randn(3, 6, 2))
        net(torch.randn(2, 4, 3))
    assert values["rnn.l0.forget"].shape == (2, 4, 4)


def test_a_recurrence_over_the_samples_is_said_to_belong_to_none():
    class Across(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(3, 4)  # steps first, which samples are taken for

        def forward(self, x):
            return self.rnn(x)[0][:, -1]

    found = find_layers(unrolled(Across()).eval(), torch.randn(2, 6, 3))
    assert {"rnn.l0.reset", "rnn.l0.hidden"} <= set(found.skipped)
    assert "belong to no one sample" in found.skipped["rnn.l0.reset"]


@pytest.mark.parametrize("name", LAYERS)
def test_no_step_calls_what_torch_is_slow_at(name):
    """Torch's tanh takes a multiple of its exponential's time; a trace still knows gates by their activations."""
    network, x = unrolled(classifier(name)), torch.randn(2, 6, 3)
    called = []

    class Seen(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            called.append(func)
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Seen():
        network(x)
    assert torch.tanh not in called
    layers = find_layers(network, x).layers
    assert {layer.activation for layer in layers} <= {"tanh", "sigmoid", "identity", "relu"}


def test_the_quick_tanh_is_tanh_to_rounding_near_zero_too():
    sizes = torch.logspace(-12, 2, 4001)
    z = torch.cat([sizes, -sizes, torch.tensor([-torch.inf, torch.inf, 0.0])])
    torch.testing.assert_close(tanh(z), torch.tanh(z.double()).float(), rtol=5e-7, atol=0)
    assert tanh(torch.tensor(torch.nan)).isnan()


def test_its_slopes_are_those_of_tanh():
    z = torch.linspace(-60, 60, 1201).requires_grad_()
    (found,) = torch.autograd.grad(tanh(z).sum(), z)
    torch.testing.assert_close(found, 1 - torch.tanh(z.detach()) ** 2, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_are_left_to_torchs_tanh(dtype):
    z = torch.linspace(-9, 9, 401).to(dtype)
    assert torch.equal(tanh(z), torch.tanh(z))


def test_a_cell_gives_the_same_where_it_is_watched():
    network, x = unrolled(classifier("lstm")), torch.randn(4, 6, 3)
    gate = next(part for name, part in network.named_modules() if name.endswith(".cell"))
    with torch.no_grad():
        plain = network(x)
        gate.register_forward_pre_hook(lambda *_: None)
        assert torch.equal(network(x), plain)


def test_changes_of_outputs_are_gone_after_their_block():
    network, x = unrolled(classifier("lstm")), torch.randn(4, 6, 3)
    gate = next(layer for layer in find_layers(network, x).layers if layer.name.endswith("forget"))
    with torch.no_grad():
        plain = network(x)
        with edit(network, gate, after=torch.zeros_like):
            assert not torch.equal(network(x), plain)
            with edit(network, gate, after=lambda outputs: outputs + 1):
                once = network(x)
        with edit(network, gate, after=torch.ones_like):
            assert torch.equal(network(x), once)
        assert torch.equal(network(x), plain)


def test_outputs_that_stand_in_are_there_again_after_a_block_within():
    part, outer, inner = OneStep(), torch.ones(2, 3, 4), torch.zeros(2, 3, 4)
    with part.standing_in(outer):
        with part.standing_in(inner):
            assert part.given is inner
        assert part.given is outer
    assert part.given is None
