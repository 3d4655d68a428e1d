"""Recurrent networks beside each other: a copy's gates are the same, another seed's are not."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import interp

pytestmark = pytest.mark.usefixtures("few_draws")

STEPS = 4


class Classifier(nn.Module):
    """The last step of an LSTM, and a dense layer."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.rnn, self.fc = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


def test_gates_of_a_copy_are_found_again_and_those_of_another_seed_are_not():
    x = np.random.default_rng(0).normal(size=(240, STEPS, 2)).astype(np.float32)
    y = (x[:, -1, 0] > 0).astype(int)
    data = {"x_train": x[:160], "y_train": y[:160], "x_test": x[160:], "y_test": y[160:]}
    first = Classifier(0).eval()
    found = interp.compare(first, copy.deepcopy(first), Classifier(1).eval(), data=data, brief=True, scaling="raw")
    names = found.networks["network"].tolist()
    pairs = found.pairs.set_index(["first", "second"])["agreement"]
    assert pairs[names[0], names[1]] == 1
    gates = {f"rnn.l0.{gate}" for gate in ("input", "forget", "cell", "output", "hidden")}
    layers = found.layers[found.layers["layer"].isin(gates)]
    same = layers[(layers["first"] == names[0]) & (layers["second"] == names[1])]
    others = layers[(layers["first"] == names[0]) & (layers["second"] == names[2])]
    assert set(same["layer"]) == gates
    assert same["correlation"].min() == pytest.approx(1)
    assert others["correlation"].max() < 0.999
