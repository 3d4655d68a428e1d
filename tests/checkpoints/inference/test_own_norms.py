"""Layer norms and RMS norms behind the dense layers of bare state dicts."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, inputs, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.errors import CheckpointError

STATED = LoadOptions(scaling="x/16", activation="relu", output="linear")


def trained(norm):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 24), norm(24), nn.ReLU(), nn.Linear(24, 10))
    x, y = inputs(rows=None, part="train"), torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
def test_norms_of_each_sample(norm, tmp_path):
    network = trained(norm)
    torch.save(network.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, STATED)
    same_outputs(model.module, network)
    assert model.inferred["architecture"].value == "64-24-10"


def test_names_tell_small_factors_from_slopes(tmp_path):
    """What is called a norm is one, whatever its factors; a norm of no layer's width is refused."""
    state = {f"fc{key}": value for key, value in trained(nn.RMSNorm).state_dict().items()}
    named = {key.replace("fc1.", "norm."): value * (0.4 if key == "fc1.weight" else 1) for key, value in state.items()}
    torch.save(named, tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, STATED)
    assert any(isinstance(part, nn.RMSNorm) for part in model.module.modules())
    torch.save({**state, "other.weight": torch.ones(7), "other.bias": torch.ones(7)}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"other.weight of shape \(7,\)"):
        load_model(tmp_path / "net.pt", DIGITS, STATED)
