"""Files of several networks: one is chosen, and all are listed where none is."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model, load_module
from interp.errors import CheckpointError, UsageError


def state(width, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)).state_dict()


@pytest.fixture
def file(tmp_path):
    def write(content):
        torch.save(content, tmp_path / "net.pt")
        return tmp_path / "net.pt"

    return write


def nodes(path, **options):
    return load_model(path, None, LoadOptions(**options))[0].layers[0].nodes


def test_a_list_of_states(file):
    path = file([state(4), state(5), state(6)])
    assert [nodes(path, member=str(place)) for place in range(3)] == [4, 5, 6]
    with pytest.raises(CheckpointError, match=r"a list of 3 state dicts \(0: 4x64, 10x4; 1: 5x64.*--member N"):
        load_model(path)
    with pytest.raises(UsageError, match="--member: found '3'; expected one of 0, 1, 2"):
        nodes(path, member="3")


def test_a_list_of_one_is_that_one(file):
    assert nodes(file([state(4)])) == 4
    assert nodes(file([{"model": state(4), "optimizer": {}}])) == 4


def test_a_member_by_name(file):
    path = file({"model": state(4), "ema": {"shadow": state(5)}})
    assert (nodes(path), nodes(path, member="ema/shadow")) == (4, 5)
    with pytest.raises(UsageError, match="a file of one network"):
        nodes(file(state(4)), member="0")


def test_tensors_without_names(file):
    with pytest.raises(CheckpointError, match="a list of 2 tensors without names"):
        load_model(file([torch.ones(3, 2), torch.ones(3)]))


def test_one_of_several_networks(file):
    both = {f"{name}.{key}": tensor for name, width in (("a", 4), ("b", 5)) for key, tensor in state(width).items()}
    path = file(both)
    assert [nodes(path, prefix=prefix) for prefix in ("a", "b.")] == [4, 5]
    with pytest.raises(UsageError, match="--prefix: found 'c'; expected one of a, b"):
        nodes(path, prefix="c")
    with pytest.raises(UsageError, match="prefix='a'"):
        load_module(nn.Linear(2, 2), None, LoadOptions(prefix="a"))


def test_weights_in_fixed_point(file):
    plain = {name: tensor.mul(128).round() for name, tensor in state(4).items()}
    path = file({name: tensor.to(torch.int16) for name, tensor in plain.items()})
    with pytest.raises(
        CheckpointError, match=r"whole numbers \(torch.int16\), as of fixed-point weights; .*--fixed-point"
    ):
        load_model(path)
    read = load_model(path, None, LoadOptions(fixed_point=7))[0].module.state_dict()
    for name, tensor in plain.items():
        torch.testing.assert_close(read[name], tensor / 128, atol=0, rtol=0)
    with pytest.raises(UsageError, match="no tensors of whole numbers"):
        load_model(file(state(4)), None, LoadOptions(fixed_point=7))


def test_labels_from_1_are_counted_from_0_where_outputs_are_as_many(file):
    x, y = np.random.default_rng(0).random((30, 64)), np.arange(30) % 10 + 1
    model, data = load_model(file(state(4)), (x, y))
    assert model.inferred["labels"].value == "from 1"
    assert data.classes == tuple(map(str, range(1, 11)))
    assert data.train.labels.tolist() == (y - 1).tolist()
    wide = nn.Sequential(nn.Linear(64, 11))
    model, data = load_module(wide, (x, y))
    assert "labels" not in model.inferred
    assert data.train.labels.tolist() == y.tolist()


def test_a_list_within_a_mapping(file):
    """As `torch.save({"models": [...], "epoch": 3}, ...)` writes an ensemble."""
    path = file({"models": [state(4), state(5)], "epoch": 3, "optimizers": [{"exp_avg": torch.ones(4, 64)}]})
    with pytest.raises(CheckpointError, match=r"a list of 2 state dicts \(models/0: 4x64, 10x4; models/1: 5x64"):
        load_model(path)
    assert [nodes(path, member=f"models/{place}") for place in range(2)] == [4, 5]
    assert nodes(file({"models": [state(5)], "epoch": 3})) == 5


def test_the_state_of_an_optimizer_is_no_network(file):
    """Its tensors have the shapes of the network's weights."""
    network = nn.Linear(64, 4)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 64)).sum().backward()
    optimiser.step()
    with pytest.raises(CheckpointError, match="found the state of an optimizer; expected a network's weights"):
        load_model(file(optimiser.state_dict()))
