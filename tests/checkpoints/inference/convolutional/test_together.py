"""Networks that begin alike run together: what each gives is what it gives alone, and what they share runs once."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints.inference.candidates.candidate import all_candidates
from interp.checkpoints.inference.convolutional import trials
from interp.checkpoints.inference.convolutional.closing import layouts_of
from interp.checkpoints.inference.convolutional.together import Together, channels_side_by_side
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.passes_together import PassesTogether
from interp.checkpoints.inference.weighing.signs import signs_of, signs_of_all
from interp.data import scalings
from interp.network.inputs import FEWEST_IMAGES, as_tensor
from interp.tasks import CLASSIFICATION

SCALINGS = scalings(DIGITS)
ROWS = 90


@pytest.fixture
def layers():
    torch.manual_seed(0)
    parts = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.Linear(24, 10))
    network = nn.Sequential(*parts)
    for norm in (network[1], network[3]):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean, std=0.1)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return layer_stack(network.state_dict(), "net").layers


@pytest.fixture
def candidates(layers):
    """Candidates of every scaling, order and layout, under a few activations and one kind a layer."""
    layouts = layouts_of(layers, (1, 8, 8)).tried[:3]
    found = all_candidates(layers, SCALINGS, {"output": "linear"}, layouts)
    some = [one for one in found if one.activation in ("identity", "relu", "tanh")]
    return [*some, *(replace(one, activation="relu, gelu") for one in some if one.activation == "relu")]


def alone(layers, candidate, inputs):
    network = rebuild(layers, candidate).to(memory_format=torch.channels_last)
    return network(as_tensor(inputs, candidate.scaling, candidate.layout.image))


def test_outputs_are_those_of_each_network_alone(layers, candidates):
    x = DIGITS.train.inputs[:ROWS]
    found = trials._outputs(layers, candidates, x)
    assert set(found) == set(candidates)
    assert len(candidates) > 100
    for candidate in candidates[::7]:
        torch.testing.assert_close(found[candidate], alone(layers, candidate, x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 31, 64, 128, 400, 1000, 5000])
@pytest.mark.parametrize(("most", "runs"), [(32, 1), (128, 3), (256, 4)])
def test_blocks_are_shared_evenly_and_neither_too_small_nor_too_large(rows, most, runs):
    size = trials.shared_evenly(rows, most, runs)
    blocks = -(-rows // size)
    assert min(rows, FEWEST_IMAGES) // 2 <= size <= most
    assert blocks * size - rows < blocks  # the last lacks less than a row for each of them
    assert blocks * runs % 4 == 0 or size <= FEWEST_IMAGES


def test_what_is_alike_runs_once_for_each_scaling(layers, candidates):
    same = [one for one in candidates if (one.layout, one.order) == (candidates[0].layout, "before")]
    together, ran = Together(layers, same, channels_side_by_side), Counter()
    convolutions = {part for path in together.modules.values() for part in path if isinstance(part, nn.Conv2d)}
    for part in convolutions:
        part.register_forward_hook(lambda part, *_: ran.update([part.in_channels]))
    with torch.no_grad():
        for root in together.roots:
            assert {one.scaling.name for one, _ in together.outputs(root, DIGITS.train.inputs[:2])} == {
                root.scaling.name
            }
    assert len(together.roots) == len(SCALINGS)
    # four combinations of activations, of which two begin with relu
    assert ran == {1: len(SCALINGS), 4: 3 * len(SCALINGS)}


@pytest.mark.parametrize("threads", [1, 2])
def test_slopes_of_each_block_are_those_of_a_pass_of_one_network_over_it(layers, candidates, threads):
    before, x, y = torch.get_num_threads(), DIGITS.train.inputs[:ROWS], DIGITS.train.labels[:ROWS]
    some, truth = candidates[:: len(candidates) // 12], torch.from_numpy(DIGITS.train.labels[:ROWS])
    scorers = {name: CLASSIFICATION.scorer(y, one) for name, one in SCALINGS.items()}
    torch.set_num_threads(threads)
    try:
        passing = PassesTogether(layers, some, x, truth, scorers)
        blocks = list(passing.blocks(40))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert [len(block[some[0]].z) for block in blocks] == [40, 40, 10]
    for number, block in enumerate(blocks):
        rows = slice(40 * number, 40 * number + 40)
        for candidate in some:
            network = rebuild(layers, candidate).requires_grad_(True)
            z = network(as_tensor(x[rows], candidate.scaling, candidate.layout.image))
            loss = scorers[candidate.scaling.name](z, truth[rows], "linear")[1].sum()
            parts = [part for module in network.steps() for part in module.parameters()]
            expected = torch.autograd.grad(loss, parts)
            for found, wanted in zip(block[candidate].slopes, expected, strict=True):
                size = float(wanted.abs().max())
                torch.testing.assert_close(found[0], wanted.flatten().double(), rtol=1e-3, atol=1e-4 * size + 1e-6)


def test_signs_of_several_are_those_of_each_alone(layers, candidates):
    x, y, some = DIGITS.train.inputs[:ROWS], DIGITS.train.labels[:ROWS], candidates[:: len(candidates) // 12]
    scorers = {name: CLASSIFICATION.scorer(y, one) for name, one in SCALINGS.items()}
    for found in signs_of_all(layers, some, x, y, scorers):
        candidate = found.trial.candidate
        own = signs_of(layers, candidate, x, y, scorers[candidate.scaling.name])
        assert found.values == pytest.approx(own.values, rel=1e-3, abs=1e-3)
        assert np.array_equal(found.trial.per_sample, own.trial.per_sample)
