"""What was done to a copy's weights, planted."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from interp.comparison.changes import akin, done, layer_changes


def weights(seed, shape=(24, 60)):
    torch.manual_seed(seed)
    layer = nn.Linear(shape[1], shape[0])
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def pruned(weight, bias, share=0.5):
    return np.where(np.abs(weight) < np.quantile(np.abs(weight), share), 0.0, weight), bias


def rounded(weight, bias, per_node=True):
    """Round to int8 with one scale a node or a tensor, in single precision, as torch does."""
    single = weight.astype(np.float32)
    scale = np.abs(single).max(axis=1 if per_node else None, keepdims=True) / np.float32(127)
    return ((single / scale).round() * scale).astype(float), bias


def tuned(weight, bias, seed):
    rng = np.random.default_rng(seed)
    return weight + 0.01 * rng.normal(size=weight.shape) * weight.std(), bias + 0.001


@pytest.mark.parametrize("seed", range(20))
def test_what_was_done_is_what_is_said(seed):
    own = weights(seed)
    assert done(own, copy.deepcopy(own)) == "nothing"
    assert done(own, pruned(*own)) == "pruned"
    assert done(own, rounded(*own)) == "rounded"
    assert done(own, rounded(*own, per_node=False)) == "rounded"
    assert done(own, rounded(*pruned(*own))) == "pruned and rounded"
    assert done(own, tuned(*own, seed)) == "trained on"
    assert done(own, weights(seed + 1000)) == "trained on"
    assert done(own, (own[0], own[1] + 0.1)) == "trained on"


@pytest.mark.parametrize("seed", range(5))
def test_narrow_layers_too(seed):
    own = weights(seed, (10, 32))
    assert done(own, rounded(*own)) == "rounded"
    assert done(own, tuned(*own, seed)) == "trained on"


def test_figures_of_a_pruned_layer():
    own = weights(0)
    found = layer_changes(own, pruned(*own))
    gone = pruned(*own)[0] == 0
    assert found["zero_before"] == 0
    assert found["zero_after"] == found["weights_changed"] == gone.mean() == pytest.approx(0.5, abs=0.01)
    size = np.linalg.norm(own[0][gone]) / np.linalg.norm(own[0])
    assert found["relative_change"] == pytest.approx(size)
    assert found["nodes_changed"] == gone.any(axis=1).sum()


def test_two_trainings_are_not_akin_and_copies_are():
    own = [weights(seed)[0] for seed in range(3)]
    assert abs(akin([(weight, weights(seed + 9)[0]) for seed, weight in enumerate(own)])) < 0.2
    assert akin([(weight, pruned(weight, 0)[0]) for weight in own]) > 0.8
    assert akin([(np.zeros((2, 2)), np.ones((2, 2)))]) == 0
