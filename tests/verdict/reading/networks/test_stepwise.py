"""Recurrent networks in a stack are read as they are one by one."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import load_module
from interp.interventions.engine.outputs import with_outputs
from interp.network.recurrent.sites import Gate
from interp.verdict.reading.measure import measure
from interp.verdict.reading.networks import copies
from interp.verdict.reading.networks.copies import shuffled_copies
from interp.verdict.reading.networks.cut import CHUNK
from interp.verdict.reading.networks.hooked import BLOCK, hooked_cut
from interp.verdict.reading.networks.stepwise import StackedSteps, runs_no_steps
from interp.verdict.reading.networks.subject import logits_of, runs_of_a_pass, subject

STEPS, SAMPLES = 3, 40


class Classifier(nn.Module):
    """A recurrent layer, and a dense one on its last step."""

    def __init__(self, kind, reads_value=False, **said):
        super().__init__()
        self.rnn = kind(2, 3, batch_first=True, **said)
        self.hidden, self.fc = nn.Linear(3 * self.rnn.bidirectional + 3, 4), nn.Linear(4, 2)
        self.reads_value = reads_value

    def forward(self, x):
        if self.reads_value and float(self.fc.weight.sum()) > 1e9:  # no stack has one number for all its networks
            return x
        return self.fc(torch.relu(self.hidden(self.rnn(x)[0][:, -1])))


def loaded(kind, **said):
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(SAMPLES, STEPS, 2)).astype(np.float32)
    y = (x[:, 0, 0] > 0).astype(int)
    return load_module(Classifier(kind, **said), {"x_train": x, "y_train": y, "x_test": x, "y_test": y})


@pytest.mark.parametrize(
    ("kind", "said"), [(nn.RNN, {}), (nn.LSTM, {"bidirectional": True}), (nn.LSTM, {"proj_size": 0}), (nn.GRU, {})]
)
def test_a_stack_measures_what_hooks_measure_one_network_at_a_time(kind, said):
    model, data = loaded(kind, **said)
    layers = model.layers[:-1]
    found = subject(model, layers, data.train.inputs, data.train.inputs[:1])
    assert isinstance(found.cut.take([model.module, model.module]), StackedSteps)
    assert found.cut.most == CHUNK
    others = list(shuffled_copies(model.module, range(3)))
    stacked = measure(others, found.cut, found.inputs, levels=True)
    alone = measure(others, hooked_cut(layers, logits_of(model.output)), found.inputs, levels=True)
    assert set(stacked) == {layer.name for layer in layers}
    for name, wanted in alone.items():
        np.testing.assert_allclose(stacked[name].curve.moved, wanted.curve.moved, rtol=1e-2, atol=1e-5)
        np.testing.assert_allclose(stacked[name].curve.reached, wanted.curve.reached, atol=2 / SAMPLES)
        np.testing.assert_allclose(stacked[name].levels.kept, wanted.levels.kept, atol=4 / SAMPLES)


def test_a_network_that_cannot_be_stacked_is_run_by_hooks_and_counted_so():
    model, data = loaded(nn.RNN, reads_value=True)
    assert subject(model, model.layers[:1], data.train.inputs, data.train.inputs[:1]).cut.most == 1
    many = np.concatenate([data.train.inputs] * 4)
    assert runs_of_a_pass(model, model.layers[:1], many) == -(-4 * SAMPLES // BLOCK)


def test_a_pass_of_a_stack_is_shared_by_its_networks():
    model, data = loaded(nn.RNN)
    assert runs_of_a_pass(model, model.layers[:1], data.train.inputs) == 1 / CHUNK


class OfStates(nn.Module):
    """Two layers of an LSTM, and a dense one on the last h and, where it is asked for, the last c."""

    def __init__(self, reads_c):
        super().__init__()
        self.rnn, self.fc, self.reads_c = nn.LSTM(2, 3, 2, batch_first=True), nn.Linear(3, 2), reads_c

    def forward(self, x):
        _, (h, c) = self.rnn(x)
        return self.fc(h[-1] + c[-1] if self.reads_c else h[-1])


@pytest.mark.parametrize("reads_c", [False, True])
def test_given_outputs_of_the_last_cell_are_read_without_its_steps_where_c_is_not_read(reads_c):
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(SAMPLES, STEPS, 2)).astype(np.float32)
    model, _ = load_module(OfStates(reads_c), {"x_train": x, "y_train": (x[:, 0, 0] > 0).astype(int)})
    layer = model.layer("rnn.l1.hidden")
    assert [each.name for each in model.layers if runs_no_steps(model.module, model.layers, each)] == [layer.name]
    stack = StackedSteps(copies.stack([model.module, *shuffled_copies(model.module, range(2))]), {layer.name: layer})
    inputs, outputs = torch.from_numpy(x), torch.randn(3, SAMPLES, 3, STEPS)
    called = []
    for part in stack.copies.structure.modules():
        if isinstance(part, Gate):
            part.register_forward_hook(lambda *_: called.append(1))
    found = stack.after(layer.name, inputs)(outputs)
    assert bool(called) == reads_c
    with torch.no_grad():
        wanted = with_outputs(model.module, layer, inputs, outputs[0])
    torch.testing.assert_close(found[0], wanted, atol=1e-5, rtol=0)
