"""Less usual pooling layouts: those that close are found, and stand where the network was trained with one."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.convolutional.closing import layouts_of
from interp.checkpoints.inference.convolutional.images import image_layouts
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.convolutional.wider import Option, _options, wider_layouts
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.relaid import _least_loss, _placed
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.settled import Settled
from interp.data import RAW, load_dataset
from interp.errors import CheckpointError


def stack(**shapes):
    return layer_stack({f"{name}.weight": torch.ones(shape) for name, shape in shapes.items()}, "net.pt")[0]


OPACUS = {"c1": (16, 1, 8, 8), "c2": (32, 16, 4, 4), "f1": (32, 512), "f2": (10, 32)}


@pytest.mark.parametrize(
    ("shapes", "image", "layout"),
    [
        (OPACUS, (1, 28, 28), "padding 3-0, stride 2-2, max pooling 2-2 at stride 1-1"),
        (
            {"c1": (16, 1, 4, 4), "c2": (32, 16, 4, 4), "f1": (10, 32 * 49)},
            (1, 28, 28),
            "padding 1-1, stride 2-2, no pooling",
        ),
        ({"c1": (10, 1, 5, 5), "f1": (10, 360)}, (1, 28, 28), "padding 0, stride 1, max pooling 4"),
        ({"c1": (4, 1, 7, 7), "f1": (10, 256)}, (1, 28, 28), "padding 0, stride 3, no pooling"),
        (
            {"c1": (24, 3, 5, 5), "c2": (32, 24, 5, 5), "f1": (10, 32 * 49)},
            (3, 32, 32),
            "padding 2-2, stride 1-1, max pooling 3-3 at stride 2-2",
        ),
        (
            {"c1": (4, 1, 3, 3), **{f"c{i}": (4, 4, 3, 3) for i in range(2, 6)}, "f1": (10, 64)},
            (1, 28, 28),
            "padding 1-1-1-1-1, stride 1-2-1-2-2, no pooling",
        ),
    ],
)
def test_layouts_of_published_networks_are_listed(shapes, image, layout):
    layers = stack(**shapes)
    usual = layouts_of(layers, image).tried
    found = [str(one) for one in wider_layouts(layers, image, usual)]
    assert layout in found
    assert not set(found) & {str(one) for one in usual}


def test_a_last_convolution_may_cover_what_is_left():
    """Of eight convolutions without padding, pooling in one of two places leaves the 7x7 that the last one reads."""
    pairs = [(1, 8, 3), (8, 16, 3), (16, 24, 3), (24, 8, 1), (8, 16, 3), (16, 24, 3), (24, 10, 1), (10, 10, 7)]
    layers = stack(**{f"c{i}": (outs, ins, k, k) for i, (ins, outs, k) in enumerate(pairs)})
    found = [str(one) for one in layouts_of(layers, (1, 28, 28)).tried]
    for pooling in ("1-1-2-1-1-1-1-1", "1-1-1-2-1-1-1-1"):
        assert f"padding 0-0-0-0-0-0-0-0, stride 1-1-1-1-1-1-1-1, max pooling {pooling}" in found


def test_they_are_asked_for_where_no_usual_one_fits_alone():
    """Else a network that images of another size fit better would be read on those of its own once more."""
    images = load_dataset((np.zeros((3, 1, 28, 28), np.uint8), [0, 1, 2]))
    odd, usual = stack(c1=(4, 1, 7, 7), f1=(10, 256)), stack(c1=(6, 1, 5, 5), c2=(16, 6, 5, 5), f1=(10, 400))
    assert not layouts_of(odd, (1, 28, 28)).tried
    assert image_layouts(odd, images, "net.pt", less_usual=True)[2].tried == wider_layouts(odd, (1, 28, 28))
    assert image_layouts(usual, images, "net.pt")[2].tried
    with pytest.raises(CheckpointError, match="lead no image of"):
        image_layouts(usual, images, "net.pt", less_usual=True)


def test_every_layout_closes_as_torch_counts():
    layers = stack(**OPACUS)
    for layout in wider_layouts(layers, (1, 28, 28)):
        module = rebuild(layers, Candidate(RAW, "relu", "linear", "before", layout))
        assert module(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_none_of_the_least_odd_is_missed():
    """The list beside every combination, counted one by one: as many, where there are fewer than are kept."""
    layers = stack(c1=(2, 1, 3, 3), c2=(3, 2, 2, 2), f1=(10, 12))
    found = {(one.padding, one.stride, one.pooling, one.pool_stride) for one in wider_layouts(layers, (1, 5, 5))}

    def size(side, kernel, option):
        side = (side + 2 * option.padding - kernel) // option.stride + 1
        return (side - option.window) // option.pool_stride + 1 if side >= option.window else 0

    def written(options):
        padding, stride, pooling, steps = zip(*options, strict=True)
        return padding, stride, pooling, () if steps == pooling else steps

    pairs = product(_options(layers[0]), _options(layers[1]))
    closing = [pair for pair in pairs if (first := size(5, 3, pair[0])) > 0 and 3 * size(first, 2, pair[1]) ** 2 == 12]
    assert len(closing) > 10
    assert found <= {written(pair) for pair in closing}
    assert len(found) == min(48, len(closing))


def test_what_a_file_states_stands():
    layers = stack(**OPACUS)
    stated = [*(type(one)(one.name, one.weight, one.bias, padding=3, stride=2) for one in layers[:1]), *layers[1:]]
    found = wider_layouts(stated, (1, 28, 28))
    assert found
    assert {(one.padding[0], one.stride[0]) for one in found} == {(3, 2)}


def test_means_over_positions_are_left_to_the_usual_layouts():
    assert wider_layouts(stack(c1=(8, 1, 3, 3), f1=(10, 8)), (1, 28, 28)) == []
    assert wider_layouts(stack(c1=(8, 1, 3, 3), c2=(10, 8, 3, 3)), (1, 28, 28)) == []


def test_overlapping_windows_are_said():
    layout = PoolingLayout((1, 8, 8), (0,), (1,), (3,), pool_stride=(2,))
    assert str(layout) == "padding 0, stride 1, max pooling 3 at stride 2"
    assert Option(0, 1, 3, 2) in _options(stack(c1=(2, 1, 3, 3), f1=(10, 2))[0])


def trained(*features):
    torch.manual_seed(0)
    for convolution in (one for one in features if isinstance(one, nn.Conv2d)):
        convolution.reset_parameters()  # it was drawn when the tests were collected, after whatever drew before
    x, y = (
        torch.from_numpy(DIGITS.train.inputs).float().reshape(-1, 1, 8, 8) / 16,
        torch.from_numpy(DIGITS.train.labels),
    )
    width = nn.Sequential(*features, nn.Flatten())(x[:1]).shape[1]
    module = nn.Sequential(*features, nn.Flatten(), nn.Linear(width, 24), nn.ReLU(), nn.Linear(24, 10))
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(80):
        optimiser.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("features", "layout"),
    [
        ((nn.Conv2d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 12, 4, 2, 1), nn.ReLU()), "padding 1-1, stride 2-2"),
        ((nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2, 1)), "padding 0, stride 1, max pooling 2 at stride 1"),
        ((nn.Conv2d(1, 12, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(4)), "padding 2, stride 1, max pooling 4"),
        ((nn.Conv2d(1, 12, 4, 4), nn.ReLU(), nn.Conv2d(12, 12, 2, 1, 1), nn.ReLU()), "padding 0-1, stride 4-1"),
    ],
)
def test_networks_trained_with_one_are_read_so(features, layout, tmp_path):
    """Activations are stated, so that none need be weighed, which takes time."""
    module = trained(*features)
    torch.save(module.state_dict(), tmp_path / "net.pt")
    model, data = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(activation="relu"))
    placed = model.inferred["placement"]
    assert layout in placed.evidence + str(placed.value)
    if str(placed.value).startswith(layout) and model.inferred["input_scaling"].value == "x/16":
        same_outputs(model.module, module, torch.from_numpy(data.train.inputs[:20]).float().reshape(-1, 1, 8, 8) / 16)


LAYOUTS = [PoolingLayout((1, 8, 8), (padding,), (1,), (2,)) for padding in range(3)]


def trials(*right_and_loss):
    """One trial a layout on 1,000 rows, of which the first so many are right."""
    made = [Candidate(RAW, "relu", "linear", "before", layout) for layout in LAYOUTS]
    return [Trial(one, np.arange(1000) < right, loss) for one, (right, loss) in zip(made, right_and_loss, strict=True)]


@pytest.mark.parametrize(
    ("right_and_loss", "place"),
    [
        (((975, 0.102), (973, 0.089), (900, 0.2)), 1),  # scores do not tell the first two: the lower loss stands
        (((975, 0.102), (973, 0.099), (900, 0.2)), 0),  # by less than the margin: what stood before stands
        (((975, 0.102), (940, 0.05), (900, 0.2)), 0),  # significantly fewer are right
        (((900, 0.102), (973, 0.11), (940, 0.09)), 1),  # significantly more are right
    ],
)
def test_the_least_loss_stands_where_scores_do_not_tell(right_and_loss, place):
    assert _least_loss(trials(*right_and_loss), LAYOUTS[0]).candidate.layout == LAYOUTS[place]


def test_layouts_that_are_not_told_apart_are_named():
    settled = Settled(trials((975, 0.1), (973, 0.2), (900, 0.3))[0].candidate, {})
    tied = _placed(settled, trials((975, 0.1), (973, 0.2), (900, 0.3)), "classification")
    assert tied.confidence == "uncertain"
    assert "not told apart by scores: padding 1, stride 1, max pooling 2 (97.30% right, loss 0.2000);" in tied.evidence
    told = _placed(settled, trials((975, 0.1), (940, 0.2), (900, 0.3)), "classification")
    assert told.confidence == "uncertain"
    assert "best with another value: padding 1, stride 1, max pooling 2 (94.00% right, loss 0.2000);" in told.evidence


def test_shapes_that_close_under_no_layout_are_refused(tmp_path):
    torch.save({"c1.weight": torch.ones(8, 1, 3, 3), "fc.weight": torch.ones(10, 999 * 8)}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="no image of"):
        load_model(tmp_path / "net.pt", DIGITS)
