import numpy as np
import pytest
import torch

from interp.data import load_dataset
from zoo import checkpoints
from zoo.architectures import build
from zoo.papers.learn_dm.activity import at_half, clamp_curves, inactive_shares
from zoo.recipes import default_recipe
from zoo.training import TrainOptions, scaled, train

DIGITS = load_dataset("digits")


def saved(tmp_path, name, change):
    recipe = default_recipe(name, DIGITS).but(arguments={"inputs": 64, "hidden": 4, "classes": 10})
    network = build(name, **recipe.arguments)
    with torch.no_grad():
        change(network)
    path = tmp_path / "net.pt"
    checkpoints.save(path, recipe, network.state_dict(), seed=0, epoch=0, metrics={})
    return path


def silence_two(network):
    network.hidden.weight.zero_()
    network.hidden.bias.copy_(torch.tensor([-1.0, -1.0, 1.0, 1.0]))


def test_dead_nodes_are_counted(tmp_path):
    found = inactive_shares(saved(tmp_path, "relu", silence_two), DIGITS, "hidden")
    assert found == {"dead_pct": 50, "rarely_active_pct": 50, "rarest_pct": 50}


def test_rarely_active_nodes_are_told_by_their_share_of_images(tmp_path):
    direction = torch.randn(64, generator=torch.Generator().manual_seed(0))
    z = np.sort((torch.from_numpy(DIGITS.train.inputs).float() / 16 @ direction).numpy())[::-1]
    limits = [z[0] + 1, (z[0] + z[1]) / 2, (z[4] + z[5]) / 2, z[-1] - 1]  # none, one, five and all of 1,437 images

    def fire_rarely(network):
        network.hidden.weight.copy_(direction.expand(4, 64))
        network.hidden.bias.copy_(-torch.tensor(limits))

    found = inactive_shares(saved(tmp_path, "relu", fire_rarely), DIGITS, "hidden")
    assert found == {"dead_pct": 25, "rarely_active_pct": 75, "rarest_pct": 50}


def test_an_output_layer_is_looked_at_behind_its_activation(tmp_path):
    def silence_output(network):
        network.output.weight.zero_()
        network.output.bias.copy_(torch.linspace(-0.95, 0.85, 10))

    found = inactive_shares(saved(tmp_path, "relu2-neg", silence_output), DIGITS, "output")
    assert found["dead_pct"] == 50


@pytest.mark.parametrize("name", ["relu", "relu2", "abs", "abs2-neg"])
def test_clamps_find_the_level_that_halves_accuracy(tmp_path, name):
    recipe = default_recipe(name, DIGITS).but(epochs=5)
    (path,) = train(recipe, [0], DIGITS, TrainOptions(tmp_path))
    network = checkpoints.module_of(checkpoints.load(path))
    x, y = scaled(DIGITS, recipe)["train"]
    with torch.no_grad():
        hidden = network.activation(network.hidden(x))
        logits = network(x)

        def accuracy(**bounds):
            return float((network[2:](hidden.clamp(**bounds)).argmax(1) == y).double().mean())

        half = float((logits.argmax(1) == y).double().mean()) / 2
        ends = {"hidden": (float(hidden.min()), float(hidden.max()))}
        low, high = ends["hidden"]
        if name == "relu2":  # the output activation's range counts, which is the network's own
            ends["all"] = (0.0, max(high, float(logits.max())))
        elif name == "relu":  # nothing but the hidden activation is looked at
            ends["all"] = ends["hidden"]
        elif name == "abs":  # the network's output too
            ends["all"] = (min(low, float(logits.min())), max(high, float(logits.max())))
        else:  # the output activation, and its negative
            ends["all"] = (float(logits.min()), max(high, float(-logits.min())))
        wanted = {}
        for reading, (low, high) in ends.items():
            bounds = [low + p / 100 * (high - low) for p in range(101)]
            wanted[f"min, {reading}"] = next(p for p in range(101) if accuracy(min=bounds[p]) <= half)
            wanted[f"max, {reading}"] = next(p for p in range(101) if accuracy(max=bounds[p]) > half)
    assert at_half(clamp_curves(path, DIGITS)) == wanted
