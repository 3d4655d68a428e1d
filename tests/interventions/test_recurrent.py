import copy

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_module
from interp.interventions.edits import Edit
from interp.interventions.engine.outputs import read_outputs, with_outputs
from interp.interventions.engine.sites import UNCHANGED, find_site
from interp.interventions.readouts.balance import sides
from interp.verdict.reading.networks.subject import subject
from tests.network.recurrent.plain import plain_layers


class Net(nn.Module):
    """A GRU in both directions, and a head on the mean over steps."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0].mean(1))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def opened(net):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5, 3)).astype(np.float32)
    return load_module(net, (x, (x.sum((1, 2)) > 0).astype(int)), LoadOptions(scaling="raw"))


def test_a_live_module_is_opened_on_a_copy(net, opened):
    model, data = opened
    assert type(net.rnn) is nn.GRU
    assert net.training
    assert len(model.layers) == 9
    assert model.skipped == {}
    assert model.inferred["activation"].value == "identity, sigmoid, tanh"
    x = torch.from_numpy(data.train.inputs).reshape(-1, 5, 3)
    with torch.no_grad():
        torch.testing.assert_close(model.module(x), net.eval()(x), atol=1e-5, rtol=0)
    net.train()


def test_weights_as_torch_draws_them_are_told_from_others():
    torch.manual_seed(0)
    drawn = nn.Sequential(nn.Flatten(1, 2), nn.Unflatten(1, (5, 3)), Net())
    other = copy.deepcopy(drawn)
    with torch.no_grad():
        other[2].rnn.weight_hh_l0[0, 0] = 3
    x = np.random.default_rng(0).normal(size=(20, 5, 3)).astype(np.float32)
    assert load_module(drawn, x)[0].inferred["trained"].value is False
    assert load_module(other, x)[0].inferred["trained"].value is None


def test_a_class_that_asks_for_the_class_of_its_parts_is_run_as_it_is():
    class Asking(Net):
        def forward(self, x):
            assert isinstance(self.rnn, nn.GRU)
            return super().forward(x)

    x = np.random.default_rng(0).normal(size=(20, 5, 3)).astype(np.float32)
    model, _ = load_module(Asking(), x)
    assert model.skipped == {"rnn": "GRU is no linear map that interp knows"}


def test_the_edit_of_nothing_changes_nothing_to_the_last_bit(opened):
    model, data = opened
    x = torch.from_numpy(data.train.inputs).reshape(-1, 5, 3)
    for layer in model.layers:
        state = find_site(model, {layer.name: layer}).at(x)
        with torch.no_grad():
            plain = state.outputs(UNCHANGED)
            same = state.outputs({layer.name: Edit(before=torch.clone, after=torch.clone)})
        assert torch.equal(plain, same), layer.name


@pytest.mark.parametrize("name", ["rnn.l0.update", "rnn.l0_reverse.hidden"])
def test_outputs_of_all_steps_are_read_and_put_back(opened, name):
    model, data = opened
    layer, x = model.layer(name), torch.from_numpy(data.train.inputs).reshape(-1, 5, 3)
    with torch.no_grad():
        values, outputs = read_outputs(model.module, layer, x)
        assert values.shape == (40, 4, 5)
        torch.testing.assert_close(with_outputs(model.module, layer, x, values), outputs, atol=1e-6, rtol=0)
        halved = with_outputs(model.module, layer, x, values / 2)
        assert (halved - outputs).abs().max() > 1e-2


def test_copies_of_a_recurrent_network_are_cut_at_its_gates(opened):
    model, data = opened
    found = subject(model, model.layers[:4], data.train.inputs, data.train.inputs)
    networks = found.cut.take([found.network])
    outputs = networks.until("rnn.l0.reset", found.inputs)
    assert outputs.shape == (1, 40, 4, 5)
    with torch.no_grad():
        logits = found.cut.following(networks, "rnn.l0.reset", found.inputs)(outputs)
        torch.testing.assert_close(logits[0], model.module(found.inputs), atol=1e-6, rtol=0)


def test_the_share_of_steps_above_a_level_is_counted(net, opened):
    model, data = opened
    found = sides(model, model.layer("rnn.l0.update"), data.train, np.full(4, 0.5))
    z, _ = plain_layers(net.rnn, data.train.inputs.reshape(-1, 5, 3).astype(float))
    np.testing.assert_allclose(found.above, (z["l0.update"] > 0).mean(1), atol=0.2 + 1e-6)  # one step may be rounded
    assert np.abs(found.above - (z["l0.update"] > 0).mean(1)).mean() < 0.01
