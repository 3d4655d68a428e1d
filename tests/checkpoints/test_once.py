"""What is done once is done once: a network is traced once, beside runs that find its shape and whether it draws."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS, Planted, planted
from interp.checkpoints import LoadOptions, load_model, load_module
from interp.checkpoints.drafts import draft as drafts
from interp.network.chain import Chain
from interp.network.nodes import find_layers
from interp.types import Dataset, Split
from zoo.layers import Abs

FIND_SHAPE = {"live": 1, "user": 1, "listed": 1, "bare": 0}
"""How a network is given -> runs on two samples that find the shape of its inputs."""

FIND_DRAWS = {"live": 2, "user": 2, "listed": 2, "bare": 0}
"""How a network is given -> runs on two samples that tell whether it draws random numbers."""

TRACE = 3
"""Runs on two samples of one trace: one that is watched, two that tell where the samples lie."""


@pytest.fixture
def counts(monkeypatch):
    """Count traces, and runs of whole networks on no more than two samples."""
    found = Counter()

    def traced(module, example):
        found["traces"] += 1
        return find_layers(module, example)

    def run(module, inputs):
        if isinstance(module, (Chain, nn.Sequential, Planted)) and len(inputs[0]) <= 2:
            found["runs"] += 1

    monkeypatch.setattr(drafts, "find_layers", traced)
    handle = nn.modules.module.register_module_forward_pre_hook(run)
    yield found
    handle.remove()


def opened(how, tmp_path, monkeypatch):
    module, path = planted(), tmp_path / "net.pt"
    torch.save(module.state_dict(), path)
    if how == "live":
        return load_module(module, DIGITS)
    if how == "listed":
        torch.save(nn.Sequential(module.fc1, nn.ReLU(), module.fc2, nn.ReLU(), module.fc3), path)
    if how == "user":
        monkeypatch.syspath_prepend(str(tmp_path))
        (tmp_path / "the_class.py").write_text("from checkpoints.planted import Planted as Net\n")
    return load_model(path, DIGITS, LoadOptions(model="the_class:Net" if how == "user" else None))


@pytest.mark.parametrize("how", FIND_SHAPE)
def test_a_structure_is_traced_once(how, counts, tmp_path, monkeypatch):
    opened(how, tmp_path, monkeypatch)
    assert counts == {"traces": 1, "runs": FIND_SHAPE[how] + FIND_DRAWS[how] + TRACE}


class Explosive(nn.Module):
    """On raw inputs of millions its second layer gives no numbers; on standardised ones it is as plain as any."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc1, self.fc2, self.abs = nn.Linear(6, 8), nn.Linear(8, 3), Abs()

    def forward(self, x):
        return self.fc2(self.abs(torch.exp(self.fc1(x)) - 1))


def test_what_raw_inputs_hide_is_traced_on_scaled_ones(counts):
    rng = np.random.default_rng(0)
    module, inputs = Explosive(), (1e6 * rng.normal(size=(300, 6))).astype(np.float32)
    with torch.no_grad():
        labels = module(torch.from_numpy(inputs / inputs.std(0))).argmax(1).numpy()
    model, _ = load_module(module, Dataset("drawn", {"train": Split(inputs, labels)}, None, ("a", "b", "c"), (), "0"))
    assert (model.scaling.name, model.skipped, len(model.layers)) == ("(x-mean)/std", {}, 2)
    assert counts["traces"] == 2
