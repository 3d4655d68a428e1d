"""What a network is, in words."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import load_module
from interp.report.html.render import _tiles
from interp.report.sections.model import _data
from interp.run.settings.looked_at import looking_at
from interp.verdict.answers.description import STEPWISE, what_it_is
from interp.verdict.evidence import Evidence
from tests.checkpoints.inference.recurrent.networks import Network

SPLITS = {"train": slice(30), "test": slice(30, 40)}


def described(network, **arrays):
    return what_it_is(Evidence(*opened(network, **arrays)))


def opened(network, **arrays):
    data = {f"{name}_{split}": values[rows] for name, values in arrays.items() for split, rows in SPLITS.items()}
    return load_module(network.eval(), data)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (False, "sequences of memory, 5 time steps of 2 values each."),
        (True, "sequences of memory, up to 5 tokens each."),
    ],
)
def test_sequences_gates_and_steps_are_said(words, said):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (40, 5)) if words else rng.normal(size=(40, 5, 2)).astype(np.float32)
    more = {"lengths": rng.integers(2, 6, 40)} if words else {}
    found = described(Network(nn.LSTM, "last", words), x=x, y=rng.integers(0, 2, 40), **more)
    assert found.startswith("A network of 6 layers for ")
    assert ". 4 gates, 1 cell output and 1 linear, with " in found
    assert found.endswith(STEPWISE)
    assert said in re.sub(r"sequences of [^,]+,", "sequences of memory,", found)


class Pooling(nn.Module):
    """The mean of tokens' vectors, of those that a mask has."""

    def __init__(self):
        super().__init__()
        self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, input_ids, attention_mask):
        return self.out((self.words(input_ids) * attention_mask[..., None]).sum(1))


def test_what_a_tokenizer_wrote_is_sequences_of_tokens():
    rng = np.random.default_rng(0)
    tokens, mask = rng.integers(1, 9, (40, 5)), (np.arange(5) < rng.integers(1, 6, (40, 1))).astype(int)
    said = described(Pooling(), input_ids=tokens, attention_mask=mask, y=rng.integers(0, 2, 40))
    assert re.search(r"sequences of [^,]+, up to 5 tokens each", said)


@pytest.mark.parametrize("some", [(), ("rnn.l0.input", "fc")])
def test_all_places_say_the_same_of_layers_that_are_looked_at_and_of_values(some):
    rng = np.random.default_rng(0)
    words, lengths = rng.integers(1, 9, (40, 5)), rng.integers(2, 6, 40)
    network = Network(nn.LSTM, "last", True)
    whole, data = opened(network, x=words, y=rng.integers(0, 2, 40), lengths=lengths)
    model = looking_at(whole, some)
    results = SimpleNamespace(model=model, data=data)
    said = what_it_is(Evidence(model, data))
    tiles = {label: (value, note) for label, value, note in _tiles(results)}
    if some:
        assert said.startswith("A network of 6 layers, 2 of them looked at, for ")
        assert "with 22 nodes (6 in the layers looked at), looked" in said
        assert tiles["nodes"] == ("6", "2 of 6 layers looked at")
    else:
        assert said.startswith("A network of 6 layers for ")
        assert "with 22 nodes, looked" in said
        assert tiles["nodes"] == ("22", "6 layers")
    assert tiles["data"][1] == "5 values and a length, classification"
    assert "; 5 values and a length; " in _data(results)
