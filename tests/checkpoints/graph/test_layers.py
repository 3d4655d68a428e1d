"""PyTorch's own layers, built of what a file states."""

import warnings

import pytest
import torch
from torch import nn

from interp.checkpoints.graph.layers import build_layer
from interp.checkpoints.graph.steps import Part

SAID = {"in_channels": 1, "out_channels": 2, "kernel_size": (3, 3)}


def test_a_layer_has_the_weights_of_the_file():
    tensors = {"weight": torch.randn(2, 1, 3, 3), "bias": torch.randn(2)}
    built = build_layer(Part("Conv2d", SAID, tensors))
    plain = nn.Conv2d(1, 2, 3)
    plain.load_state_dict(tensors)
    x = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(built(x), plain(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    "settings", [{"in_channels": 0}, {"kernel_size": (0, 0)}, {"out_channels": 3}, {"kernel_size": "three"}]
)
def test_sizes_that_do_not_fit_build_nothing_and_print_nothing(settings):
    tensors = {"weight": torch.randn(2, 1, 3, 3), "bias": torch.randn(2)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build_layer(Part("Conv2d", SAID | settings, tensors)) is None
