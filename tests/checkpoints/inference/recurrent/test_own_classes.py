"""Recurrent networks whose class is known: pickled, or given with --model."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.interventions.changes import Fix
from interp.interventions.edits import Edit
from interp.interventions.engine.sites import find_site
from interp.network import as_tensor, outputs_on
from tests.checkpoints.inference.recurrent.networks import Network, series


def untrained():
    """Build the class that the tests' weights are of."""
    torch.manual_seed(3)
    return Network(nn.LSTM, "last", ways=2).eval()


def saved(folder, pickled):
    """Write a network whole, or its weights alone; give it with how it opens."""
    network = untrained()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)  # not what the class starts from
    torch.save(network if pickled else network.state_dict(), folder / "net.pt")
    said = LoadOptions(allow_pickle=True) if pickled else LoadOptions(model=f"{__name__}:untrained")
    x, y = series()
    model, data = load_model(folder / "net.pt", {"x_train": x, "y_train": y}, said)
    return network, model, data


@pytest.mark.parametrize("pickled", [True, False])
def test_outputs_and_changes_are_those_of_the_class(tmp_path, pickled):
    network, model, data = saved(tmp_path, pickled)
    x = as_tensor(data.train.inputs, model.scaling, model.input_shape)
    with torch.no_grad():
        np.testing.assert_allclose(outputs_on(model, data.train.inputs), network(x), atol=1e-5)
    gates = [layer for layer in model.layers if layer.is_stepwise]
    assert {layer.name.rpartition(".")[2] for layer in gates} == {"input", "forget", "cell", "output", "hidden"}
    last = next(layer for layer in gates if layer.name == "rnn.l0_reverse.hidden")
    changed = find_site(model, {last.name: last}).at(x).outputs({last.name: Edit(before=Fix(0.0))})
    with torch.no_grad():
        forwards, backwards = network.rnn(x)[1][0]
        wanted = network.fc(torch.cat([forwards, 0 * backwards], 1))
    np.testing.assert_allclose(changed.detach(), wanted, atol=1e-5)
    assert not np.allclose(wanted, network(x).detach(), atol=1e-3)
