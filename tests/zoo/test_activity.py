import torch

from interp.datasets import load_dataset
from zoo import checkpoints
from zoo.architectures import build
from zoo.evaluate import scaled
from zoo.experiments.activity import clamp_at_half, inactive_shares
from zoo.recipes import default_recipe
from zoo.train import TrainOptions, train

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
    assert found == {"dead_pct": 50, "rarely_active_pct": 50}


def test_an_output_layer_is_looked_at_behind_its_activation(tmp_path):
    def silence_output(network):
        network.output.weight.zero_()
        network.output.bias.copy_(torch.linspace(-0.95, 0.85, 10))

    found = inactive_shares(saved(tmp_path, "relu2-neg", silence_output), DIGITS, "output")
    assert found["dead_pct"] == 50


def test_clamps_find_the_level_that_halves_accuracy(tmp_path):
    recipe = default_recipe("relu", DIGITS).but(epochs=5)
    (path,) = train(recipe, [0], DIGITS, TrainOptions(tmp_path))
    network = checkpoints.module_of(checkpoints.load(path))
    x, y = scaled(DIGITS, recipe)["train"]
    with torch.no_grad():
        outputs = network.hidden(x).relu()

        def accuracy(**bounds):
            return float((network.output(outputs.clamp(**bounds)).argmax(1) == y).double().mean())

        half, top = accuracy(min=0) / 2, float(outputs.max())
        least = next(p for p in range(101) if accuracy(min=p / 100 * top) <= half)
        most = next(p for p in range(100, -1, -1) if accuracy(max=p / 100 * top) <= half)
    assert clamp_at_half(path, DIGITS) == {"min": least, "max": most}
