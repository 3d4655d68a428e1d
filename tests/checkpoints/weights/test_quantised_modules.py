"""Networks that torch.ao quantised: opened with their rounded weights, or refused as what they are."""

import copy

import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model, load_module
from interp.checkpoints.weights.quantised_modules import in_floats
from interp.errors import CheckpointError

ao = torch.ao.quantization
pytestmark = pytest.mark.filterwarnings("ignore")  # torch announces the end of torch.ao.quantization
torch.backends.quantized.engine = next(
    name for name in ("fbgemm", "qnnpack", "onednn") if name in torch.backends.quantized.supported_engines
)
CONFIG = ao.get_default_qconfig("fbgemm")
STEPS = 6
"""Largest difference of an output, in steps of what the last layer's outputs were rounded to (about 2 are seen)."""


class Net(nn.Module):
    """Convolutions with a norm, a sum of two layers, and a dense layer."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant, self.sum = ao.QuantStub(), ao.DeQuantStub(), torch.ao.nn.quantized.FloatFunctional()
        self.first, self.norm, self.relu = nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU()
        self.second, self.last = nn.Conv2d(6, 6, 3, padding=1, groups=2), nn.Linear(6 * 36, 10)

    def forward(self, x):
        x = self.relu(self.norm(self.first(self.quant(x))))
        return self.dequant(self.last(torch.flatten(self.sum.add(x, self.second(x)), 1)))


def static(seed, fused):
    torch.manual_seed(seed)
    network, x = Net().eval(), torch.rand(64, 1, 8, 8)
    network.norm.running_mean.uniform_(0, 1)
    if fused:
        network = ao.fuse_modules(network, [["first", "norm", "relu"]])
    network.qconfig = CONFIG
    prepared = ao.prepare(network)
    prepared(x)
    return ao.convert(prepared), x


def perceptron(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)).eval(), torch.rand(50, 64)


def by_graph(seed):
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    network, x = perceptron(seed)
    prepared = prepare_fx(network, ao.get_default_qconfig_mapping("fbgemm"), (x,))
    prepared(x)
    return convert_fx(prepared), x


CASES = {
    "static": lambda seed: static(seed, fused=False),
    "fused": lambda seed: static(seed, fused=True),
    "graph": by_graph,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_outputs_are_those_of_the_quantised_network_but_for_the_rounding_between_layers(case, seed):
    network, x = CASES[case](seed)
    floats = in_floats(network, "net.pt")
    last = next(part for part in reversed(list(network.modules())) if type(part) is torch.ao.nn.quantized.Linear)
    assert (floats(x) - network(x)).abs().max() <= STEPS * last.scale
    (own,) = (part for part in floats.modules() if isinstance(part, nn.Linear) and part.out_features == 10)
    assert torch.equal(own.weight, last.weight().dequantize()), "the rounded weights, to the last bit"


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_of_a_dynamic_network_the_inputs_of_layers_alone_are_not_rounded(seed):
    network, x = perceptron(seed)
    floats = in_floats(small := ao.quantize_dynamic(network, {nn.Linear}), "net.pt")
    for place in (0, 2):
        assert torch.equal(floats[place].weight, small[place].weight().dequantize())
        assert not torch.equal(floats[place].weight, network[place].weight)
    one = nn.Sequential(small[0])
    reach = floats[0].weight.abs().sum(1).max() * (x.max() - x.min()) / 127 / 2  # half a step of each input
    assert (in_floats(one, "net.pt")(x) - one(x)).abs().max() <= reach


def test_files_and_modules_in_memory_are_read_alike(tmp_path):
    network, _ = perceptron(0)
    small = ao.quantize_dynamic(network, {nn.Linear})
    torch.save(small, tmp_path / "whole.pt")
    torch.save(small.state_dict(), tmp_path / "state.pt")
    live, _ = load_module(small, "digits")
    whole, _ = load_model(tmp_path / "whole.pt", "digits", LoadOptions(allow_pickle=True))
    state, _ = load_model(tmp_path / "state.pt", "digits")
    expected = small[0].weight().dequantize()
    for model in (live, whole, state):
        assert [(layer.name, layer.nodes) for layer in model.layers] == [("0", 24), ("2", 10)]
        weight = dict(model.module.named_parameters())["0.weight"]
        assert torch.equal(weight, expected)
    other, _ = load_module(ao.quantize_dynamic(perceptron(1)[0], {nn.Linear}), "digits")
    assert other.digest != live.digest, "the digest is of the weights too"
    assert [one.activation for one in live.layers] == ["relu", "identity"]


def test_scales_of_a_recorded_graph_are_no_layers(tmp_path):
    network, _ = by_graph(0)
    torch.save(network.state_dict(), tmp_path / "graph.pt")
    model, _ = load_model(tmp_path / "graph.pt", "digits")
    assert [layer.nodes for layer in model.layers] == [24, 10]


def test_the_network_itself_stays_as_it_is():
    network, x = static(0, fused=True)
    before = network(x)
    in_floats(network, "net.pt")
    assert torch.equal(network(x), before)
    plain, _ = perceptron(0)
    assert in_floats(plain, "net.pt") is None


def test_what_has_no_counterpart_is_refused_as_what_it_is():
    recurrent = ao.quantize_dynamic(nn.Sequential(nn.LSTM(3, 4)), {nn.LSTM})
    with pytest.raises(CheckpointError, match=r"quantised by torch.ao with 0, a torch.*LSTM.*; give the float network"):
        load_module(copy.deepcopy(recurrent), "digits")
