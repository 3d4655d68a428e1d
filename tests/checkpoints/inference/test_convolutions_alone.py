"""Bare state dicts that end in convolutions, or have grouped ones: read back equal, or said to be uncertain."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.stack.order import in_groups
from interp.checkpoints.inference.stack.state import layer_stack
from interp.errors import CheckpointError

PART = replace(DIGITS, splits={"train": DIGITS.train.take(np.arange(400))})
IMAGES = torch.from_numpy(PART.train.inputs).float().reshape(-1, 1, 8, 8) / 16
ENDS = {"mean": nn.AdaptiveAvgPool2d(1), "max": nn.AdaptiveMaxPool2d(1)}
GUESSES = ("architecture", "activation", "placement")
SCALED = LoadOptions(scaling="x/16")


def conv(inputs, outputs, size=3, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups)


NETWORKS = {
    "strided": lambda: [conv(1, 8), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 12, stride=2), nn.ReLU(), conv(12, 10),
                        ENDS["mean"]],
    "pooled": lambda: [conv(1, 8), nn.Tanh(), nn.AvgPool2d(2), conv(8, 12), nn.Tanh(), conv(12, 10, 1), ENDS["mean"]],
    "to one position": lambda: [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 10, 4)],
    "largest": lambda: [conv(1, 16), nn.ReLU(), nn.MaxPool2d(2), conv(16, 32), nn.ReLU(), conv(32, 10, 1), ENDS["max"]],
    "separable": lambda: [conv(1, 8), nn.ReLU(), conv(8, 8, groups=8), nn.ReLU(), conv(8, 12, 1), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(192, 10)],
    "separable to its end": lambda: [conv(1, 12), nn.ReLU(), conv(12, 12, stride=2, groups=12), nn.ReLU(),
                                     conv(12, 10, 1), ENDS["mean"]],
    "four groups": lambda: [conv(1, 8), nn.ReLU(), nn.MaxPool2d(2), conv(8, 16, groups=4), nn.ReLU(), nn.Flatten(),
                            nn.Linear(256, 10)],
}  # fmt: skip
GROUPS = {"separable": "1-8-1", "separable to its end": "1-12-1", "four groups": "1-4"}


def bottleneck():
    ends = nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 10, 2)
    return nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 8, 1), *ends


def trained(module, steps=60):
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(module(IMAGES), torch.from_numpy(PART.train.labels)).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


def read_back(module, folder):
    torch.save(module.state_dict(), folder / "net.pt")
    model, _ = load_model(folder / "net.pt", PART, SCALED)
    stored = torch.from_numpy(model.scaling(PART.train.inputs)).reshape(-1, *model.input_shape)
    return model, float((model.module(stored).argmax(1) == module(IMAGES).argmax(1)).float().mean())


def firm(model):
    return {fact: model.inferred[fact].value for fact in GUESSES if model.inferred[fact].confidence != "uncertain"}


@pytest.mark.parametrize("name", NETWORKS)
def test_planted_networks_are_read_back(name, tmp_path):
    torch.manual_seed(0)
    model, agreement = read_back(trained(nn.Sequential(*NETWORKS[name](), nn.Flatten())), tmp_path)
    assert agreement == 1 or not firm(model)
    assert agreement > 0.99
    if name in GROUPS:
        assert model.inferred["groups"].value == GROUPS[name]
        assert "in groups" in model.inferred["groups"].evidence
    assert all(said.confidence != "certain" for fact, said in model.inferred.items() if fact in GUESSES)


def test_convolutions_of_1x1_may_have_no_activation(tmp_path):
    """One that brings many channels to few, between others, and a last one that covers all that is left."""
    torch.manual_seed(0)
    model, agreement = read_back(trained(nn.Sequential(*bottleneck(), nn.Flatten()), 80), tmp_path)
    said = model.inferred["activation"]
    assert [name == "identity" for name in str(said.value).split(", ")] == [False, False, True, False]
    assert "relu, relu, identity, relu" in f"{said.value} {said.evidence}"
    assert said.confidence == "uncertain"
    assert model.inferred["placement"].value == "padding 0-0-0-0-0, stride 1-1-1-1-1, no pooling"
    assert agreement > 0.99


class Shortcut(nn.Module):
    """What a state dict does not show: a sum beside the chain, by a shortcut of its own where widths differ."""

    def __init__(self, widths, groups=1):
        super().__init__()
        first, second = widths
        self.stem, self.a, self.b = conv(1, first), conv(first, second, groups=groups), conv(second, second)
        if first != second:
            self.shortcut = nn.Conv2d(first, second, 1)
        self.head = nn.Linear(second, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        beside = self.shortcut(x) if hasattr(self, "shortcut") else x
        return self.head((beside + self.b(F.relu(self.a(x)))).relu().mean((2, 3)))


@pytest.mark.parametrize("groups", [1, 12])
def test_shortcuts_that_shapes_hide_are_no_more_than_uncertain(groups, tmp_path):
    torch.manual_seed(0)
    model, agreement = read_back(trained(Shortcut((12, 12), groups)), tmp_path)
    assert agreement < 1
    assert not firm(model)


def test_a_shortcut_is_not_taken_for_groups(tmp_path):
    torch.save(Shortcut((8, 16)).state_dict(), tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"16 outputs of b before 8 inputs of shortcut; .* --model"):
        load_model(tmp_path / "net.pt", PART)


def weights(**shapes):
    return {f"{name}.weight": torch.ones(shape) for name, shape in shapes.items()}


def test_convolutions_to_as_many_channels_may_give_images(tmp_path):
    torch.save(weights(c1=(8, 1, 3, 3), c2=(1, 8, 3, 3)), tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="from 1 channels to as many, which may give images"):
        load_model(tmp_path / "net.pt")


def test_without_data_an_end_in_convolutions_is_uncertain(tmp_path):
    torch.save(weights(c1=(8, 1, 3, 3), c2=(8, 1, 3, 3), c3=(10, 8, 1, 1)), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt")
    assert {said.confidence for fact, said in model.inferred.items() if fact in (*GUESSES, "groups")} == {"uncertain"}
    assert model.inferred["groups"].value == "1-8-1"


@pytest.mark.parametrize(
    ("shape", "channels", "groups"), [((8, 1, 3, 3), 4, 4), ((6, 2, 3, 3), 4, 2), ((8, 4, 3, 3), 4, 1)]
)
def test_groups_that_close(shape, channels, groups):
    layers, *_ = layer_stack(weights(only=shape), "net.pt")
    found = in_groups(layers[0], channels)
    assert found is not None
    assert found.groups == groups


@pytest.mark.parametrize(("shape", "channels"), [((8, 3, 3, 3), 4), ((6, 1, 3, 3), 4), ((8, 2, 1, 1), 4)])
def test_groups_that_do_not(shape, channels):
    layers, *_ = layer_stack(weights(only=shape), "net.pt")
    assert in_groups(layers[0], channels) is None


def test_colours_are_read_in_groups_only_beside_other_groups(tmp_path):
    few = PART.train.take(np.arange(20))  # shapes alone tell groups
    coloured = replace(PART, image_shape=(3, 8, 8), splits={"train": replace(few, inputs=np.tile(few.inputs, 3))})
    torch.save(weights(c1=(6, 1, 3, 3), c2=(6, 1, 3, 3), c3=(10, 6, 1, 1)), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", coloured, LoadOptions(activation="relu", scaling="x/16"))
    assert model.inferred["groups"].value == "3-6-1"
    torch.save(weights(c1=(6, 1, 3, 3), c3=(10, 6, 1, 1)), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", coloured, LoadOptions(activation="relu", scaling="x/16"))
    assert "groups" not in model.inferred
    assert model.inferred["image_channels"].value == "one of 3"  # equal here


def test_a_norm_belongs_to_the_layer_before_it_by_whole_names():
    """Layer 1 is not the owner of what 10 and 11 are called."""
    state = weights(**{"1": (4, 1, 3, 3), "5": (4, 4, 3, 3), "10": (4, 4, 3, 3)})
    norm = {"2.running_mean": torch.zeros(4), "2.running_var": torch.ones(4)}
    names = ["1.weight", *norm, "5.weight", "10.weight"]
    layers, *_ = layer_stack({name: (state | norm)[name] for name in names}, "net.pt")
    assert [layer.name for layer in layers if layer.norm] == ["1"]
