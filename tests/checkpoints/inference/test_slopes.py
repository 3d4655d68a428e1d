"""PReLUs of bare state dicts."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model
from interp.errors import CheckpointError
from tests.checkpoints.inference.recurrent.networks import series, trained

RAW = LoadOptions(scaling="raw")


def data():
    x, y = series()
    return x.reshape(len(x), -1), y


def opened(folder, network, given):
    torch.save(network.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", given, RAW)[0]


def dense(first, second):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 6), first, nn.Linear(6, 5), second, nn.Linear(5, 2))


@pytest.mark.parametrize("shared", [False, True])
def test_learned_slopes_are_those_of_prelus(tmp_path, shared):
    one = nn.PReLU(1)
    network = dense(*([one, one] if shared else [nn.PReLU(6), nn.PReLU(5)]))
    state = {name: tensor for name, tensor in network.state_dict().items() if not (shared and name == "3.weight")}
    x, y = data()

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network

        def forward(self, x):
            return self.net(x)

    trained(Rows(), steps=15, x=x, y=y)
    torch.save(state, tmp_path / "net.pt")  # tensors are shared with the trained network
    model = load_model(tmp_path / "net.pt", (x, y), RAW)[0]
    found = model.inferred["activation"]
    assert found.value == "prelu"
    assert found.confidence != "certain"  # as doubtful as the score that it gives
    assert "without a bias" in found.evidence
    rows = torch.from_numpy(x)
    with torch.no_grad():
        torch.testing.assert_close(model.module(rows), network(rows), atol=1e-6, rtol=0)
    assert [layer.activation for layer in model.layers] == ["prelu", "prelu", "identity"]


def test_slopes_behind_convolutions(tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.PReLU(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    x = np.random.default_rng(0).random((30, 1, 8, 8)).astype(np.float32)
    model = opened(tmp_path, network, (x, np.arange(30) % 2))
    with torch.no_grad():
        torch.testing.assert_close(model.module(torch.from_numpy(x)), network(torch.from_numpy(x)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"1.weight": torch.ones(7)}, "1.weight of shape"),  # a norm of no layer's width
        ({"1.weight": torch.full((7,), 0.25)}, "as of a PReLU"),  # of no layer's width
        ({"1.weight": torch.full((6,), 0.25)}, "one behind every hidden layer"),
        ({"norm.weight": torch.full((7,), 0.25)}, "norm.weight of shape"),
    ],
)
def test_other_vectors_are_refused_as_before(tmp_path, odd, said):
    state = dict(dense(nn.ReLU(), nn.ReLU()).state_dict()) | odd
    torch.save(state, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=said):
        load_model(tmp_path / "net.pt", data(), RAW)
