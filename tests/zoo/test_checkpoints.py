"""Every architecture's checkpoint opens in `interp` with nothing but its path, and is read as what it is."""

import pytest
import torch

from interp.checkpoints import load_model
from interp.data import load_dataset
from zoo import checkpoints
from zoo.architectures import ARCHITECTURES
from zoo.recipes import default_recipe
from zoo.training import metrics, reopened
from zoo.training.stacks import untrained

DIGITS = load_dataset("digits")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_checkpoint_opens_with_its_path_alone(name, tmp_path):
    recipe, path = default_recipe(name, DIGITS), tmp_path / "net.pt"
    network = untrained(recipe, 1, torch.zeros(1, *recipe.input_shape))
    checkpoints.save(path, recipe, network.state_dict(), seed=1, epoch=0, metrics={})
    reached = metrics(*reopened(path, DIGITS))
    model, data = load_model(path)
    content = torch.load(path, weights_only=True)
    assert data.name == "digits"
    assert model.scores == {split: pytest.approx(reached[f"{split}_accuracy"]) for split in ("train", "test")}
    assert model.inferred["architecture"].value == name
    assert model.scaling.name == recipe.scaling == content["scaling"]
    assert model.output == content["output"]
    assert model.layers[0].activation == content["activation"]
    certain = ("activation", "output", "architecture", "input_scaling")
    assert {model.inferred[fact].confidence for fact in certain} == {"certain"}
