"""Networks that were trained on negatives of the images at hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import LoadOptions, load_model

IMAGES = torch.from_numpy(DIGITS.train.inputs).float() / 16


def trained(x):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10))
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(module(x), torch.from_numpy(DIGITS.train.labels)).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


def opened(module, folder):
    torch.save(module.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", DIGITS, LoadOptions(activation="relu", scaling="x/16"))


def test_a_network_of_negatives_is_read_on_them(tmp_path):
    module = trained(1 - IMAGES)
    model, data = opened(module, tmp_path)
    said = model.inferred["image_light"]
    assert (said.value, said.confidence) == ("negatives, light and dark exchanged", "uncertain")
    assert "on negatives (16-x)" in said.evidence
    assert (data.train.inputs[:50].astype(int) + DIGITS.train.inputs[:50] == 16).all()
    assert model.scores["train"] == pytest.approx(
        float((module(1 - IMAGES).argmax(1).numpy() == data.train.labels).mean())
    )
    same_outputs(model.module, module, (1 - IMAGES)[:20])


@pytest.mark.parametrize("images", [IMAGES, torch.zeros_like(IMAGES)])
def test_others_are_read_on_images_as_they_are(images, tmp_path):
    """One that learned them, and one that saw nothing and does as badly on either."""
    model, data = opened(trained(images), tmp_path)
    assert "image_light" not in model.inferred
    assert (data.train.inputs == DIGITS.train.inputs).all()
