"""The calls that reading a recurrent network takes are few enough for its report to be quick."""

from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from interp.network.recurrent.sites import Gate
from interp.run import start
from interp.run.settings.options import Options
from interp.run.stages.read import chosen_layers
from interp.verdict.reading.measure import measure
from interp.verdict.reading.networks.copies import shuffled_copies
from interp.verdict.reading.networks.subject import subject
from interp.verdict.reading.profile import LEAST_P_VALUE
from interp.verdict.reading.significance import copies_needed

MOST_CALLS = 200_000
"""Largest number of calls of a gate, of some 50 microseconds each."""


class Words(nn.Module):
    """The network of which a quick report took eight minutes."""

    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.fc = nn.Embedding(30, 12), nn.LSTM(12, 16, batch_first=True), nn.Linear(16, 3)

    def forward(self, x):
        return self.fc(self.lstm(self.embedding(x))[0][:, -1])


def test_a_small_lstm_takes_few_calls():
    torch.manual_seed(0)
    x = np.random.default_rng(0).integers(1, 30, (400, 12))
    data = {"x_train": x, "y_train": x[:, 0] % 3, "x_test": x, "y_test": x[:, 0] % 3}
    with TemporaryDirectory() as folder:
        run = start(Words().eval(), folder, data, options=Options())
        layers, samples = chosen_layers(run, run.model.layers[:-1])
        assert layers, "some layer is read"
        made = subject(run.model, layers, run.data.train.inputs[:samples], run.data.train.inputs[:1])
        calls = _calls_of(made, layers[0].name)
    copies = 2 * copies_needed(len(layers), LEAST_P_VALUE)
    assert calls * len(layers) * copies / made.cut.most <= MOST_CALLS


def _calls_of(made, layer):
    """Count the calls of gates that measuring one layer of one stack takes."""
    calls = []
    networks = list(shuffled_copies(made.network, range(2)))
    for network in networks:
        for part in network.modules():
            if isinstance(part, Gate):
                part.register_forward_hook(lambda *_: calls.append(1))
    one = type(made.cut)((layer,), made.cut.take, made.cut.most, made.cut.logits)
    measure(networks, one, made.inputs[:20])
    assert made.cut.most > len(networks), "both ran in one stack"
    return len(calls)
