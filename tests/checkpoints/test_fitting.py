"""Images in the size, and with the order of channels, that a network was trained on."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints import LoadOptions, fitting, load_model, load_module, sizing
from interp.checkpoints.inference.weighing.settled import Weighing
from interp.data import load_dataset, stream
from interp.data.images.sizes import padded_to, refitted, resized_to
from interp.errors import DataError
from interp.network import outputs_on
from interp.streams import RowsOnDisk, rows

LABELS = DIGITS.train.labels
IMAGES = (15 * DIGITS.train.inputs.reshape(-1, 1, 8, 8)).astype(np.uint8)


def coloured():
    """Digits in colours that differ from place to place, so that the order of the channels matters (S, H, W, 3)."""
    tint = np.random.default_rng(0).random((8, 8, 3))
    return (IMAGES.transpose(0, 2, 3, 1) * tint).astype(np.uint8)


@cache
def trained(kind):
    """Train a small network on 7x7 or 10x10 images, or on flat rows."""
    torch.manual_seed(0)
    inputs = {
        "pixels": lambda: coloured().reshape(-1, 192),
        "channels": lambda: coloured().transpose(0, 3, 1, 2).reshape(-1, 192),
        "padded": lambda: padded_to(IMAGES, 28),
    }[kind]()
    x, y = torch.from_numpy(inputs.reshape(len(inputs), -1) / np.float32(255)), torch.from_numpy(LABELS)
    net = nn.Sequential(nn.Linear(x.shape[1], 24), nn.Tanh(), nn.Linear(24, 10))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net.eval()


@pytest.mark.parametrize(
    ("kind", "value"), [("pixels", "last, in each row too"), ("channels", "last, but first in each row")]
)
def test_rows_of_channels_last_are_read_in_the_order_that_does_better(kind, value, tmp_path):
    torch.save(trained(kind).state_dict(), tmp_path / "net.pt")
    for model, _ in (
        load_module(trained(kind), (coloured(), LABELS)),
        load_model(tmp_path / "net.pt", (coloured(), LABELS)),
    ):
        assert model.inferred["channels"].value == value
        assert model.scores["train"] > 0.9


@pytest.mark.parametrize(
    "sizes", [("N", 8, 8, 3), (1, 8, 8, 3), ("N", None, None, 3), ("N", 3, 8, 8), ("N", 192), None]
)
@pytest.mark.parametrize("first", [True, False])
def test_rows_are_read_in_the_order_that_a_graph_states(sizes, first, tmp_path):
    """As dense Keras models are converted: images in, made flat, and matrices; however the data hold their channels."""
    pytest.importorskip("onnx")
    from checkpoints.deployed.graphs import node, saved, value

    is_last = sizes is not None and sizes[-1] == 3
    net = trained("pixels" if is_last else "channels")
    stored = {name: one.detach().numpy().T for name, one in zip("wbv", net.parameters(), strict=False)}
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f w", "m"), node("Add", "m b", "a"), node("Tanh", "a", "t")]
    nodes += [node("MatMul", "t v", "y")]
    path = saved(tmp_path / "net.onnx", nodes, [value("x", sizes)], ["y"], 17, stored)
    images = coloured().transpose(0, 3, 1, 2) if first else coloured()
    model, data = load_model(path, (images, LABELS))
    assert model.scores["train"] > 0.9
    if is_last:
        fact = model.inferred["channels"]
        assert fact.value == ("first, but last in each row" if first else "last, in each row too")
        assert fact.confidence == "certain"
        assert fact.evidence.endswith(("8, 8, 3] is stated in the file", "N, N, 3] is stated in the file"))
    else:
        assert ("channels" in model.inferred) is not first
    wanted = (coloured() if is_last else coloured().transpose(0, 3, 1, 2)).reshape(-1, 192)
    assert {row.astype(np.uint8).tobytes() for row in data.train.inputs} <= {row.tobytes() for row in wanted}


class ChannelsLast(nn.Module):
    """A convolution of images whose channels come last."""

    def __init__(self):
        super().__init__()
        self.convolution, self.dense = nn.Conv2d(3, 4, 3), nn.Linear(144, 10)

    def forward(self, x):
        return self.dense(torch.relu(self.convolution(x.permute(0, 3, 1, 2))).flatten(1))


@pytest.mark.parametrize("first", [True, False])
def test_a_program_that_takes_channels_last_alone_gets_them_so(first, tmp_path):
    net, images = ChannelsLast().eval(), coloured()
    program = torch.export.export(net, (torch.zeros(2, 8, 8, 3),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, tmp_path / "net.pt2")
    stored = images.transpose(0, 3, 1, 2) if first else images
    model, data = load_model(tmp_path / "net.pt2", (stored, LABELS), LoadOptions(scaling="raw"))
    fact = model.inferred["channels"]
    assert (fact.value, fact.confidence) == (f"{'first' if first else 'last'}, turned for the file", "certain")
    with torch.no_grad():
        wanted = net(torch.from_numpy(images).float())
    torch.testing.assert_close(outputs_on(model, data.train.inputs), wanted)


@pytest.mark.parametrize("first", [True, False])
def test_images_that_a_graph_turns_before_it_makes_them_flat(first, tmp_path):
    """It runs on images in either order; with those that it does not state it is at chance."""
    pytest.importorskip("onnx")
    from checkpoints.deployed.graphs import node, saved, value

    net = trained("channels")
    stored = {name: one.detach().numpy().T for name, one in zip("wbv", net.parameters(), strict=False)}
    nodes = [node("Transpose", "x", "c", perm=[0, 3, 1, 2]), node("Flatten", "c", "f"), node("MatMul", "f w", "m")]
    nodes += [node("Add", "m b", "a"), node("Tanh", "a", "t"), node("MatMul", "t v", "y")]
    path = saved(tmp_path / "net.onnx", nodes, [value("x", ("N", 8, 8, 3))], ["y"], 17, stored)
    model, data = load_model(path, (coloured().transpose(0, 3, 1, 2) if first else coloured(), LABELS))
    assert model.scores["train"] > 0.9
    assert model.input_shape == data.image_shape == (3, 8, 8)
    assert model.inferred["channels"].value == f"{'first' if first else 'last'}, turned for the file"


def convolutional(images):
    """Train a small network on images, as many do: what it needs of their size is that 4 divides it."""
    torch.manual_seed(0)
    x, y = torch.from_numpy(images / np.float32(255)), torch.from_numpy(LABELS[: len(images)])
    convolutions = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU()
    net = nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(images.shape[2] ** 2 // 2, 10))
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(20):
        optimiser.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimiser.step()
    return net.state_dict(), float((net(x).argmax(1) == y).float().mean())


@pytest.mark.parametrize("side", [32, 28])
def test_a_size_that_another_layout_takes_too_is_found(side, tmp_path):
    """Weights for images of 32x32 run on those of 28x28 without padding, and with poolings of 1 and 3: badly."""
    images = padded_to(IMAGES[:600].repeat(3, 2).repeat(3, 3), 28)
    state, accuracy = convolutional(padded_to(images, side))
    torch.save(state, tmp_path / "net.pt")
    model, data = load_model(
        tmp_path / "net.pt", (images, LABELS[:600]), LoadOptions(activation="relu", scaling="x/255")
    )
    assert model.scores["train"] == pytest.approx(accuracy, abs=0.004)
    assert data.image_shape == (1, side, side)
    assert ("image_size" in model.inferred) == (side == 32)
    if side == 32:
        found = model.inferred["image_size"]
        assert (found.value, found.confidence) == ("padded or cut to 32x32", "uncertain")
        assert found.evidence.startswith("on 600 training rows: padded or cut to 32x32 ")
        assert ", as they are " in found.evidence


DRAWN = padded_to(IMAGES.repeat(3, 2).repeat(3, 3), 28)


def lenet(images, padding):
    """Train LeNet's convolutions: images of 28x28 run on weights for 32x32 too, with padding of 2 in the first."""
    torch.manual_seed(0)
    x, y = torch.from_numpy(images / np.float32(255)), torch.from_numpy(LABELS)
    convolutions = [nn.Conv2d(1, 4, 5, padding=padding), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 5), nn.ReLU()]
    net = nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 10))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(4):
        for rows_ in torch.randperm(len(y)).split(100):
            optimiser.zero_grad()
            F.cross_entropy(net(x[rows_]), y[rows_]).backward()
            optimiser.step()
    return net.state_dict(), float((net(x).argmax(1) == y).float().mean())


@pytest.mark.parametrize("way", ["resized", "as they are"])
def test_images_that_padding_stands_for_are_resized_where_that_does_better(way, tmp_path):
    """A network that was trained on resized images does well on those of 28x28 with padding, so that no doubt shows."""
    state, accuracy = lenet(resized_to(DRAWN, 32) if way == "resized" else DRAWN, 0 if way == "resized" else 2)
    torch.save(state, tmp_path / "net.pt")
    options = LoadOptions(activation="relu", scaling="x/255")
    model, data = load_model(tmp_path / "net.pt", (DRAWN, LABELS), options)
    assert model.scores["train"] == pytest.approx(accuracy, abs=0.004)
    assert model.inferred["placement"].value.startswith(f"padding {'0-0' if way == 'resized' else '2-0'}, ")
    assert data.image_shape == ((1, 32, 32) if way == "resized" else (1, 28, 28))
    assert ("image_size" in model.inferred) == (way == "resized")
    if way == "resized":
        found = model.inferred["image_size"]
        assert (found.value, found.confidence) == ("resized to 32x32", "uncertain")
        assert "resized to 32x32 " in found.evidence
        assert "(loss 0." in found.evidence


@pytest.mark.parametrize(("worse", "confidence"), [(1, "uncertain"), (50, "likely")])
def test_a_size_is_likely_where_more_than_chance_tells_it_from_the_others(worse, confidence, monkeypatch):
    """Ways of bringing images to it of which one does better by a row are not told apart."""
    scores = iter([np.arange(1000) >= 20, np.arange(1000) >= 20 + worse])
    monkeypatch.setattr(sizing, "scores_of_rows", lambda found: next(scores))
    model, _ = load_module(trained("padded"), (padded_to(IMAGES, 16), LABELS))
    found = model.inferred["image_size"]
    assert (found.value, found.confidence) == ("padded or cut to 28x28", confidence)


@pytest.mark.parametrize(("worse", "confidence"), [(1, "uncertain"), (50, "likely")])
def test_an_order_is_likely_where_more_than_chance_tells_it_from_the_other(worse, confidence, monkeypatch):
    scores = iter([np.arange(1000) >= 20 + worse, np.arange(1000) >= 20])
    monkeypatch.setattr(fitting, "scores_of_rows", lambda found: next(scores))
    model, _ = load_module(trained("pixels"), (coloured(), LABELS))
    found = model.inferred["channels"]
    assert (found.value, found.confidence) == ("last, in each row too", confidence)


def test_sizes_are_compared_without_weighing_activations(tmp_path, monkeypatch):
    """Which takes longest: it is done of the images as they are, and of those in the size that does better."""
    images = padded_to(IMAGES[:600].repeat(3, 2).repeat(3, 3), 28)
    torch.save(convolutional(padded_to(images, 32))[0], tmp_path / "net.pt")
    weigh, weighed = Weighing.__call__, []
    monkeypatch.setattr(Weighing, "__call__", lambda *of: weighed.append(of[0].image) or weigh(*of))
    model, _ = load_model(tmp_path / "net.pt", (images, LABELS[:600]), LoadOptions(scaling="x/255"))
    assert weighed[-1] == (1, 32, 32)
    assert weighed.count((1, 32, 32)) == 1
    assert "shares of the evidence" in model.inferred["activation"].evidence


def test_images_of_another_size_are_brought_to_the_networks():
    images = padded_to(IMAGES, 16)
    model, data = load_module(trained("padded"), (images, LABELS))
    assert model.inferred["image_size"].value == "padded or cut to 28x28"
    assert data.image_shape == (1, 28, 28)
    assert model.scores["train"] > 0.9


@pytest.mark.parametrize("kind", ["pixels", "padded"])
def test_images_on_disk_are_brought_to_it_on_disk(kind, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 20_000)
    images = coloured() if kind == "pixels" else padded_to(IMAGES, 16)
    wanted, held = load_module(trained(kind), (images, LABELS))
    model, data = load_module(trained(kind), stream((images, LABELS)))
    assert isinstance(data.train.inputs, RowsOnDisk)
    np.testing.assert_array_equal(data.train.inputs, held.train.inputs)
    assert (data.image_shape, data.digest) == (held.image_shape, held.digest)
    assert (
        model.inferred["channels" if kind == "pixels" else "image_size"]
        == (wanted.inferred["channels" if kind == "pixels" else "image_size"])
    )


@pytest.mark.parametrize("refit", [padded_to, resized_to])
@pytest.mark.parametrize("side", [7, 12])
def test_images_on_disk_become_what_those_in_memory_do(refit, side, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 20_000)
    found = refitted(load_dataset(stream((IMAGES, LABELS))), side, refit)
    assert isinstance(found.train.inputs, RowsOnDisk)
    wanted = refitted(load_dataset((IMAGES, LABELS)), side, refit)
    np.testing.assert_array_equal(found.train.inputs, wanted.train.inputs)


def test_other_data_stay_refused():
    with pytest.raises(DataError, match=r"64 values a row|refuses"):
        load_module(trained("padded"), "digits")
    noise = np.random.default_rng(0).integers(0, 256, (200, 1, 16, 16)).astype(np.uint8)
    with pytest.raises(DataError, match=r"256 values a row|refuses"):
        load_module(trained("padded"), (noise, LABELS[:200]))


def test_padding_and_cutting_undo_each_other():
    np.testing.assert_array_equal(padded_to(padded_to(IMAGES, 13), 8), IMAGES)
    assert resized_to(IMAGES, 12).dtype == np.uint8
    np.testing.assert_array_equal(resized_to(IMAGES, 8), IMAGES)
