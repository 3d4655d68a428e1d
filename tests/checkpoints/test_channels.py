"""Images in one channel or in three, as many as a network takes."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints import LoadOptions, load_model, load_module
from interp.data.images.colours import luminance, repeated
from interp.data.images.sizes import padded_to
from interp.errors import DataError

LABELS = DIGITS.train.labels
GREY = (15 * DIGITS.train.inputs.reshape(-1, 1, 8, 8)).astype(np.uint8)
TINTS = np.random.default_rng(0).uniform(0.5, 1, (len(GREY), 3, 1, 1))
COLOURED = (GREY * TINTS).astype(np.uint8)
"""Digits each in a colour of its own."""

SAID = LoadOptions(activation="relu", scaling="x/255")


@cache
def trained(channels, kind="conv"):
    """Train a small network on digits in one channel, or three times over; of images or of flat rows."""
    torch.manual_seed(0)
    images = GREY if channels == 1 else repeated(GREY)
    x, y = torch.from_numpy(images / np.float32(255)), torch.from_numpy(LABELS)
    first = [nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)]
    rows = [nn.Flatten(), nn.Linear(64 * channels, 24), nn.ReLU(), nn.Linear(24, 10)]
    net = nn.Sequential(*(first if kind == "conv" else rows))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net.eval()


def opened(channels, kind, images, tmp_path, labels=LABELS):
    """Open a network from its weights alone, and in memory."""
    torch.save(trained(channels, kind).state_dict(), tmp_path / "net.pt")
    yield load_model(tmp_path / "net.pt", (images, labels), SAID)
    yield load_module(trained(channels, kind), (images, labels), LoadOptions(scaling="x/255"))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kind", ["conv", "rows"])
def test_of_equal_channels_one_is_taken(kind, last, tmp_path):
    images = repeated(GREY).transpose(0, 2, 3, 1) if last else repeated(GREY)
    for (model, data), (wanted, plain) in zip(
        opened(1, kind, images, tmp_path), opened(1, kind, GREY, tmp_path), strict=True
    ):
        assert model.scores == wanted.scores
        assert data.image_shape == (1, 8, 8)
        np.testing.assert_array_equal(data.train.inputs, plain.train.inputs)
        found = model.inferred["image_channels"]
        assert (found.value, found.confidence) == ("one of 3", "certain")
        assert found.evidence.endswith(f"in each of the {len(GREY):,} they are equal")
        assert data.facts["image_channels"] == found
        assert "image_channels" not in wanted.inferred


@pytest.mark.parametrize("kind", ["conv", "rows"])
def test_of_colours_luminance_is_taken(kind, tmp_path):
    for model, data in opened(1, kind, COLOURED, tmp_path):
        rows = [np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")).reshape(-1) for image in COLOURED]
        np.testing.assert_array_equal(data.train.inputs, rows)
        found = model.inferred["image_channels"]
        assert (found.value, found.confidence) == ("luminance", "uncertain")
        assert "ITU-R BT.601" in found.evidence
        assert "% right on up to 1,000 training rows" in found.evidence
        assert model.scores["train"] > 0.8


@pytest.mark.parametrize("kind", ["conv", "rows"])
def test_grey_is_repeated(kind, tmp_path):
    for (model, data), (wanted, _) in zip(
        opened(3, kind, GREY, tmp_path), opened(3, kind, repeated(GREY), tmp_path), strict=True
    ):
        assert model.scores == wanted.scores
        assert data.image_shape == (3, 8, 8)
        found = model.inferred["image_channels"]
        assert (found.value, found.confidence) == ("grey, 3 times", "likely")
        assert "% right on up to 1,000 training rows" in found.evidence
        assert "image_channels" not in wanted.inferred


def test_grey_images_are_uncertain_where_the_network_does_no_better_than_fairly():
    """Networks for coloured digits do fairly on grey ones."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(len(LABELS)) < 0.5, LABELS, rng.permutation(LABELS))
    model, _ = load_module(trained(3), (GREY, labels))
    found = model.inferred["image_channels"]
    assert model.scores["train"] < 0.7
    assert (found.value, found.confidence) == ("grey, 3 times", "uncertain")


def test_channels_and_size_at_once():
    """A network for images of 8x8 in one channel, on those of 10x10 in three."""
    model, data = load_module(trained(1), (repeated(padded_to(GREY, 10)), LABELS))
    assert data.image_shape == (1, 8, 8)
    assert model.inferred["image_size"].value == "padded or cut to 8x8"
    assert model.inferred["image_channels"].value == "one of 3"
    assert model.scores["train"] > 0.9


@pytest.mark.parametrize(
    ("channels", "images", "said"),
    [
        (1, COLOURED, "images of 3 channels, which the network does not take; with their luminance in one, "),
        (3, GREY, "images of one channel, which the network does not take; with it 3 times over, "),
    ],
)
def test_what_does_badly_so_is_refused(channels, images, said):
    labels = np.random.default_rng(0).permutation(LABELS)
    with pytest.raises(DataError, match=f"found {said}.*% right on .*; expected at least 20% of the way") as error:
        load_module(trained(channels), (images, labels))
    assert "\n" not in str(error.value)


def test_without_labels_colours_stay_refused_and_grey_is_repeated():
    with pytest.raises(DataError, match="refuses arrays in memory as"):
        load_module(trained(1), COLOURED)
    model, _ = load_module(trained(3), GREY)
    found = model.inferred["image_channels"]
    assert (found.value, found.confidence) == ("grey, 3 times", "uncertain")
    model, data = load_module(trained(1), repeated(GREY))
    assert model.inferred["image_channels"].confidence == "certain"
    assert data.image_shape == (1, 8, 8)


def test_other_faults_of_data_are_told_as_before():
    """More classes than outputs are no matter of channels, and nor are images that fit in none."""
    with pytest.raises(DataError, match="label 11"):
        load_module(trained(1), (GREY, LABELS + 2))
    with pytest.raises(DataError, match="to have 1 channels, but got 3"):
        load_module(trained(1), (repeated(GREY), LABELS + 2))
    with pytest.raises(DataError, match="refuses"):
        load_module(trained(1, "rows"), (repeated(padded_to(GREY, 30)), LABELS))


def test_grey_images_with_their_channel_last_stay_images():
    """Rows of one channel are in one order only; they were taken as rows that are no images."""
    model, data = load_module(trained(1, "rows"), (GREY.transpose(0, 2, 3, 1), LABELS))
    assert data.image_shape == (1, 8, 8)
    assert model.inferred["channels"].value == "last"


def test_a_folder_of_grey_pictures_in_colours(tmp_path):
    for label in (0, 1):
        folder = tmp_path / str(label)
        folder.mkdir()
        for place in np.flatnonzero(label == LABELS)[:40]:
            Image.fromarray(GREY[place, 0]).convert("RGB").save(folder / f"{place}.png")
    model, data = load_module(trained(1), tmp_path)
    assert data.image_shape == (1, 8, 8)
    assert model.inferred["image_channels"].value == "one of 3"
    assert model.scores["train"] > 0.9


def test_luminance_of_grey_is_grey():
    np.testing.assert_array_equal(luminance(repeated(GREY)), GREY)
