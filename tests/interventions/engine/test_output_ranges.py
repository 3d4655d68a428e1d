"""Ranges of outputs: those of a plain pass, whether the network is a chain or runs under hooks."""

import numpy as np
import pytest
import torch
from small_networks import Hidden, convolutional, data, loaded, mlp, ranges_of

from interp.interventions import output_ranges

NETWORKS = {"relu": (lambda: mlp("relu"), (64,)), "tanh": (lambda: mlp("tanh"), (64,))}
NETWORKS["conv"] = (lambda: convolutional("abs"), (1, 8, 8))


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("name", NETWORKS)
def test_ranges_are_those_of_a_plain_pass(name, hidden):
    make, shape = NETWORKS[name]
    chain, plain = make()
    inputs = data(1500).inputs
    model = loaded(Hidden(chain) if hidden else chain, shape)
    with torch.no_grad():
        expected, means = ranges_of(plain, torch.from_numpy(inputs))
    for layer, known, mean in zip(model.layers, expected, means, strict=True):
        found = output_ranges(model, layer, inputs)
        np.testing.assert_allclose(found.low, known.low, rtol=1e-5, atol=1e-6)  # blocks of other sizes round otherwise
        np.testing.assert_allclose(found.high, known.high, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-5, atol=1e-6)


def test_no_hook_is_left_behind():
    chain, _ = mlp("relu")
    model = loaded(Hidden(chain))
    output_ranges(model, model.layers[0], data().inputs)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.module.modules())
