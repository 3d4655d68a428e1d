"""What a network is, in words."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import load_module
from interp.verdict.answers.description import STEPWISE, what_it_is
from interp.verdict.evidence import Evidence
from tests.checkpoints.inference.recurrent.networks import Network

SPLITS = {"train": slice(30), "test": slice(30, 40)}


def described(network, **arrays):
    data = {f"{name}_{split}": values[rows] for name, values in arrays.items() for split, rows in SPLITS.items()}
    return what_it_is(Evidence(*load_module(network.eval(), data)))


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
