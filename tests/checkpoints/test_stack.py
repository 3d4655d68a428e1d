"""Layers of a bare state dict are put in the one order that their shapes allow."""

import pytest
import torch

from interp.checkpoints.inference.stack import layer_stack
from interp.errors import CheckpointError


def weights(*shapes) -> dict:
    """Give matrices (N, D) under names whose order says nothing."""
    names = ["m", "c", "x", "a", "k", "b", "z", "d", "y", "e", "w", "f"]
    return {f"{name}.weight": torch.ones(shape) for name, shape in zip(names, shapes, strict=False)}


def test_the_only_order():
    layers, evidence = layer_stack(weights((3, 4), (5, 6), (2, 3), (4, 5)), "file")
    assert [tuple(layer.weight.shape) for layer in layers] == [(5, 6), (4, 5), (3, 4), (2, 3)]
    assert evidence == "the only order in which shapes chain"


def test_several_orders_are_none():
    with pytest.raises(CheckpointError, match=r"3 outputs of .* expected layers whose shapes chain"):
        layer_stack(weights((3, 4), (4, 4), (4, 4), (4, 5)), "file")


def test_orders_are_not_tried_one_by_one():
    """Eleven layers of one width and one that fits none have 11! orders."""
    with pytest.raises(CheckpointError, match="expected layers whose shapes chain"):
        layer_stack(weights(*[(4, 4)] * 11, (5, 7)), "file")
