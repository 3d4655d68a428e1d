import weakref

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.recurrent import infer
from interp.checkpoints.inference.recurrent.readouts import read_sequences
from interp.errors import CheckpointError, DataError
from tests.checkpoints.inference.recurrent.networks import STEPS, Network, made, series, tokens, trained

READOUTS = {
    "rnn": "last step",
    "lstm": "mean over steps",
    "gru": "last states of both directions",
    "gru max": "maximum over steps",
    "lstm two ways": "last states of both directions",
    "rnn words": "maximum over steps",
}


def opened(folder, network, data, **said):
    torch.save(network.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", data, LoadOptions(**said))


@pytest.mark.parametrize("name", READOUTS)
def test_a_bare_state_dict_runs_as_its_network_does(tmp_path, name):
    network, data = made(name)
    model, loaded = opened(tmp_path, network, data)
    readout = model.inferred["readout"]
    assert readout.value == READOUTS[name] or READOUTS[name] in readout.evidence.rpartition("not told apart")[2]
    given = {key: torch.from_numpy(np.asarray(values)) for key, values in data.items() if key != "y"}
    stored = model.scaling(loaded.train.inputs).reshape(-1, *model.input_shape)
    with torch.no_grad():
        found, wanted = model.module(torch.from_numpy(stored)), network(**given)
    y = torch.from_numpy(data["y"])
    assert (found.argmax(1) == y).float().mean() >= (wanted.argmax(1) == y).float().mean()
    if readout.value == READOUTS[name] and model.scaling.name == "raw":
        close = {fact: model.inferred[fact].value for fact in ("padding", "activation", "recurrence")}
        if close["activation"] in ("tanh", "identity") and close["padding"] != "read on":
            torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert any(layer.kind == "gate" for layer in model.layers)


def test_what_the_data_tell_apart_is_likely_and_named(tmp_path):
    network, data = made("gru max")
    readout = opened(tmp_path, network, data)[0].inferred["readout"]
    assert (readout.value, readout.confidence) == ("maximum over steps", "likely")
    assert "next best" in readout.evidence


def test_padding_is_left_out_where_the_data_name_no_lengths(tmp_path):
    network, data = made("gru")
    named, _ = opened(tmp_path, network, data)
    counted, loaded = opened(tmp_path, network, {name: values for name, values in data.items() if name != "lengths"})
    for fact in ("padding", "readout"):
        assert counted.inferred[fact] == named.inferred[fact]
    assert (counted.inferred["lengths"].value, "lengths" in named.inferred) == ("counted", False)
    np.testing.assert_array_equal(loaded.train.lengths, data["lengths"])
    rows = torch.from_numpy(loaded.train.inputs)
    torch.testing.assert_close(counted.module(rows), named.module(rows))


def test_without_data_the_usual_is_assumed_and_said_to_be(tmp_path):
    model, _ = opened(tmp_path, made("lstm")[0], None)
    assert model.inferred["readout"].value == "last step"
    assert model.inferred["readout"].confidence == "uncertain"
    assert model.inferred["architecture"].value == "embedding 9 to 3, LSTM 3 to 4, dense 4 to 5, dense 5 to 2"


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("has_answers", [True, False])
def test_what_the_cell_defines_is_said_as_of_the_network_itself(tmp_path, kind, has_answers):
    torch.manual_seed(0)
    network = Network(kind, "last").eval()
    x, _ = series()
    with torch.no_grad():
        y = network(torch.from_numpy(x)).argmax(1).numpy()
    data = (x, y) if has_answers else x
    facts = opened(tmp_path, network, data, scaling="raw")[0].inferred
    itself = load_model(network, data, LoadOptions(scaling="raw"))[0].inferred
    assert facts["activation"].value == itself["activation"].value
    for name in ("recurrence", "activation"):
        if kind is nn.RNN:
            assert facts[name].confidence in ("likely", "uncertain")
            assert ("relu" in facts[name].evidence) == has_answers, "what tanh was compared with"
        else:
            assert facts[name].confidence == "certain"
            assert facts[name].evidence == f"defined by the kind of cell: {kind.__name__}"
    assert (facts["padding"].confidence, facts["padding"].evidence) == ("certain", "the data name no lengths")


def test_all_steps_side_by_side_and_several_layers_are_built(tmp_path):
    torch.manual_seed(0)
    flat = Network(nn.LSTM, "flat", ways=2, num_layers=2).eval()
    x, y = series()
    model, _ = opened(tmp_path, flat, (x, y), scaling="raw")
    assert model.inferred["readout"].value == "all steps side by side"
    with torch.no_grad():
        torch.testing.assert_close(model.module(torch.from_numpy(x)), flat(torch.from_numpy(x)), atol=1e-5, rtol=0)
    assert len(model.layers) == 2 * 2 * 5 + 1


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_projections_and_layers_without_dense_ones(tmp_path):
    torch.manual_seed(0)
    bare = nn.LSTM(2, 5, proj_size=2, batch_first=True).eval()
    x, y = series()
    model, _ = opened(tmp_path, bare, (x, y), scaling="raw")
    with torch.no_grad():
        outputs = bare(torch.from_numpy(x))[0]
    wanted = {
        "last step": outputs[:, -1], "mean over steps": outputs.mean(1), "maximum over steps": outputs.amax(1),
        "sum over steps": outputs.sum(1), "first step": outputs[:, 0],
    }[model.inferred["readout"].value]  # fmt: skip
    torch.testing.assert_close(model.module(torch.from_numpy(x)), wanted, atol=1e-5, rtol=0)


def test_data_that_are_not_the_networks_are_refused_in_one_line(tmp_path):
    x, y, _ = tokens()
    with pytest.raises(DataError, match="tokens, whole numbers from 0 to 8"):
        opened(tmp_path, made("lstm")[0], (x + 5, y))
    with pytest.raises(DataError, match="2 a time step"):
        opened(tmp_path, made("rnn")[0], (x, y))
    assert STEPS % 2  # so that no sequence of pairs fits


def test_convolutions_beside_a_cell_are_said_to_be_what_they_are(tmp_path):
    parts = nn.ModuleDict({"conv1": nn.Conv1d(1, 6, 3), "cell": nn.LSTMCell(4, 4), "fc": nn.Linear(4, 2)})
    with pytest.raises(
        CheckpointError, match=r"conv1.weight of shape .6, 1, 3., a convolution, beside cell, of kind LSTM"
    ):
        opened(tmp_path, parts, None)


def test_dense_layers_of_another_width_are_refused_in_one_line(tmp_path):
    odd = nn.ModuleDict({"rnn": nn.GRU(2, 4), "fc": nn.Linear(7, 2)})
    with pytest.raises(CheckpointError, match="7 inputs of fc after 4 outputs a time step"):
        opened(tmp_path, odd, series())


@pytest.mark.parametrize("damage", ["no bias", "no layers between", "no nodes", "other width"])
def test_tensors_that_are_no_whole_layer_are_refused_in_one_line(tmp_path, damage):
    network = Network(nn.LSTM, "last")
    state = network.state_dict()
    if damage == "no bias":
        del state["rnn.bias_ih_l0"]
    elif damage == "no layers between":
        state["rnn.weight_hh_l5"] = torch.zeros(16, 4)
    elif damage == "no nodes":
        state["rnn.weight_ih_l0"] = torch.zeros(0, 2)
    else:
        state["rnn.bias_ih_l0"] = torch.zeros(12)
    torch.save(state, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="expected an RNN, LSTM or GRU"):
        load_model(tmp_path / "net.pt", None)


# --------------------------------------------------------------------------- cells, and what stands around the layers


@pytest.mark.parametrize(("cell", "layer"), [(nn.RNNCell, nn.RNN), (nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU)])
def test_a_cell_is_run_over_the_steps_in_order(tmp_path, cell, layer):
    torch.manual_seed(0)
    network = nn.ModuleDict({"cell": cell(2, 4), "fc": nn.Linear(4, 2)})
    same = layer(2, 4, batch_first=True).eval()
    same.load_state_dict({f"{name}_l0": tensor for name, tensor in network["cell"].state_dict().items()})
    x, _ = series()
    with torch.no_grad():
        wanted = network["fc"](same(torch.from_numpy(x))[0][:, -1])
    y = wanted.argmax(1).numpy()
    model, _ = opened(tmp_path, network, (x, y), scaling="raw")
    if model.inferred["readout"].value == "last step" and model.inferred["recurrence"].value == "tanh":
        with torch.no_grad():
            torch.testing.assert_close(model.module(torch.from_numpy(x)), wanted, atol=1e-5, rtol=0)
    else:
        assert "last step" in model.inferred["readout"].evidence
    assert {layer.name.rpartition(".")[2] for layer in model.layers if layer.is_stepwise} >= {"hidden"}


class Around(nn.Module):
    """A convolution or a norm before an LSTM, and a norm behind its last step."""

    def __init__(self, conv=True, batch=True):
        super().__init__()
        self.conv = nn.Conv1d(2, 6, 3, padding=1) if conv else nn.Identity()
        if conv:
            self.bn = nn.BatchNorm1d(6) if batch else nn.Identity()
        else:
            self.norm = nn.LayerNorm(2)
        self.lstm = nn.LSTM(6 if conv else 2, 4, batch_first=True)
        self.ln = nn.LayerNorm(4)
        self.fc = nn.Linear(4, 2)
        self.has_conv = conv

    def forward(self, x):
        return self.fc(self.ln(self.lstm(self.before(x))[0][:, -1]))

    def before(self, x):
        if not self.has_conv:
            return self.norm(x)
        return torch.relu(self.bn(self.conv(x.transpose(1, 2)))).transpose(1, 2)


@pytest.mark.parametrize(
    ("conv", "batch", "late"), [(True, True, False), (True, False, False), (False, False, False), (False, False, True)]
)
def test_convolutions_and_norms_around_a_layer(tmp_path, conv, batch, late):
    """Where a norm is made after the dense layer that reads it, its width tells where it stands."""
    torch.manual_seed(1)
    x, y = series()
    network = trained(Around(conv, batch), 80, x=x, y=y)
    if late:
        network._modules["ln"] = network._modules.pop("ln")
        assert list(network.state_dict())[-4:] == ["fc.weight", "fc.bias", "ln.weight", "ln.bias"]
    model, _ = opened(tmp_path, network, (x, y), scaling="raw")
    with torch.no_grad():
        wanted = network(torch.from_numpy(x))
        found = model.module(torch.from_numpy(x))
    if conv:
        said, truth = model.inferred["convolutions"], "padded, relu, no pooling"
        assert said.value == truth or truth in said.evidence.rpartition("not told apart")[2]
        assert model.layers[0].name == "conv"
    if model.inferred["readout"].value == "last step" and (not conv or said.value == truth):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    right = (wanted.argmax(1).numpy() == y).mean()
    assert (found.argmax(1).numpy() == y).mean() >= right


def test_what_recurrent_layers_give_is_kept_no_longer_than_it_is_used(tmp_path, monkeypatch):
    """Sixteen ways around a convolution: one at a time, in whatever order choices come."""
    torch.manual_seed(0)
    x, y = series()
    kept, most = [], []

    def remembered(*given):
        read = read_sequences(*given)
        kept.append(weakref.ref(read.outputs))
        most.append(sum(one() is not None for one in kept))
        return read

    monkeypatch.setattr(infer, "read_sequences", remembered)
    opened(tmp_path, Around(batch=False).eval(), (x, y), scaling="raw")
    assert len(most) > 4
    assert max(most) == 1


def test_choices_are_tried_in_their_order(tmp_path, monkeypatch):
    """Of those that do equally well the usual one, which is the first, is taken."""
    given = []
    explained = infer._explained
    monkeypatch.setattr(infer, "_explained", lambda *said: given.append(said) or explained(*said))
    choices = []
    listed = infer._choices
    monkeypatch.setattr(infer, "_choices", lambda *said: choices.extend(listed(*said)) or iter(choices))
    network, data = made("rnn words")
    opened(tmp_path, network, data)
    assert [one.choice for one in given[0][3]] == choices
