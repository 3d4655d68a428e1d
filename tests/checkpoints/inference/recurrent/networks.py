"""Small recurrent classifiers, trained once, that only one readout explains."""

from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SAMPLES, STEPS, WORDS = 240, 5, 9


def tokens():
    """Sequences of tokens of several lengths, 0 behind their ends; whether small or large words are more."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, STEPS + 1, SAMPLES)
    x = rng.integers(1, WORDS, (SAMPLES, STEPS)) * (np.arange(STEPS) < lengths[:, None])
    total = np.where(x > 0, x - 4.5, 0).sum(1)
    return x, (total > 0).astype(int), lengths


def series():
    """Two values a time step, and whether the first rises over time."""
    x = np.random.default_rng(1).normal(size=(SAMPLES, STEPS, 2)).astype(np.float32)
    return x, ((x[..., 0] * np.linspace(-1, 1, STEPS)).sum(1) > 0).astype(int)


class Network(nn.Module):
    """An embedding where there are tokens, a recurrent layer, a readout, and one or two dense layers."""

    def __init__(self, kind, readout, words=False, ways=1, deep=False, **said):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 3) if words else nn.Identity()
        self.rnn = kind(3 if words else 2, 4, batch_first=True, bidirectional=ways == 2, **said)
        width = 4 * ways * (STEPS if readout == "flat" else 1)
        self.fc = nn.Sequential(nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, 2)) if deep else nn.Linear(width, 2)
        self.readout, self.ways = readout, ways

    def forward(self, x, lengths=None):
        x = self.embedding(x)
        steps = torch.full((len(x),), x.shape[1]) if lengths is None else lengths
        out, states = self.rnn(pack_padded_sequence(x, steps, batch_first=True, enforce_sorted=False))
        out, _ = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])
        last = (states[0] if isinstance(states, tuple) else states)[-self.ways :]
        alive = (torch.arange(x.shape[1]) < steps[:, None])[..., None]
        found = {
            "last": lambda: torch.cat(list(last), 1),
            "mean": lambda: (out * alive).sum(1) / steps[:, None],
            "max": lambda: out.masked_fill(~alive, -1e9).amax(1),
            "flat": lambda: out.flatten(1),
        }[self.readout]()
        return self.fc(found)


def trained(network, steps=120, **inputs):
    """Fit a network by Adam on all rows at once."""
    given = {name: torch.from_numpy(np.asarray(values)) for name, values in inputs.items()}
    y = given.pop("y")
    optimiser = torch.optim.Adam(network.parameters(), 0.03)
    with torch.enable_grad():
        for _ in range(steps):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(**given), y).backward()
            optimiser.step()
    return network.eval()


@cache
def made(name):
    """Give a trained network and its data."""
    kind, readout, words, ways, deep = {
        "rnn": (nn.RNN, "last", False, 1, False),
        "lstm": (nn.LSTM, "mean", True, 1, True),
        "gru": (nn.GRU, "last", True, 2, False),
        "gru max": (nn.GRU, "max", False, 1, False),
        "lstm two ways": (nn.LSTM, "last", False, 2, False),
        "rnn words": (nn.RNN, "max", True, 1, False),
    }[name]
    torch.manual_seed(0)
    network = Network(kind, readout, words, ways, deep)
    if not words:
        x, y = series()
        return trained(network, x=x, y=y), {"x": x, "y": y}
    x, y, lengths = tokens()
    return trained(network, x=x, y=y, lengths=lengths), {"x": x, "y": y, "lengths": lengths}
