"""Slopes of many blocks at once are those of one block after the other, and few sizes of outputs tell the best."""

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints.inference.candidates.by_layer import spread
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.convolutional.closing import layouts_of
from interp.checkpoints.inference.rebuild import rebuild
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing import passes as passing
from interp.checkpoints.inference.weighing import slopes
from interp.checkpoints.inference.weighing.passes import Beginnings, passes
from interp.checkpoints.inference.weighing.signs import SIZES, least_of_convex, signs_of
from interp.checkpoints.inference.weighing.stretch import stretched
from interp.network.quick.denormals import are_zero
from interp.tasks import CLASSIFICATION
from interp.types import Scaling

UNIT = Scaling("x/16", 16.0)
ROWS, SIZE = 250, 40


def drawn(*modules):
    """Give layers of a network with weights, norms included, that were drawn at random."""
    torch.manual_seed(0)
    network = nn.Sequential(*modules)
    for name, part in [*network.named_parameters(), *network.named_buffers()]:
        if part.is_floating_point() and part.dim() == 1:
            part.data = torch.rand_like(part) + 0.5 * (name.endswith(("weight", "running_var")))
    return layer_stack(network.state_dict(), "net").layers


NETWORKS = {
    "plain": (nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4)),
    "no bias": (nn.Linear(16, 12, bias=False), nn.ReLU(), nn.Linear(12, 4, bias=False)),
    "batch norm": (nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4)),
    "layer norm": (nn.Linear(16, 12), nn.LayerNorm(12), nn.ReLU(), nn.Linear(12, 4)),
    "RMS norm": (nn.Linear(16, 12), nn.RMSNorm(12), nn.ReLU(), nn.Linear(12, 4)),
}


def rows():
    random = np.random.default_rng(1)
    return random.integers(0, 17, (ROWS, 16)).astype(np.uint8), random.integers(0, 4, ROWS)


def one_by_one(layers, candidate, x, y, scorer):
    """Give each block's slopes by a plain pass of torch over the whole network."""
    network = rebuild(layers, candidate).requires_grad_(True)
    for at in range(0, len(y), SIZE):
        z = network(torch.from_numpy(candidate.scaling(x[at : at + SIZE])))
        losses = scorer(z, torch.from_numpy(y[at : at + SIZE]), "linear")[1]
        yield torch.autograd.grad(losses.sum(), list(network.parameters()))


@pytest.mark.parametrize("at_once", [1, 2**20])
@pytest.mark.parametrize("name", NETWORKS)
def test_slopes_of_each_block_are_those_of_a_pass_over_it_alone(name, at_once, monkeypatch):
    monkeypatch.setattr(passing, "AT_ONCE", at_once)
    layers, (x, y) = drawn(*NETWORKS[name]), rows()
    scorer, begun = CLASSIFICATION.scorer(y, UNIT), Beginnings(x)
    for activation in ("relu", "tanh"):  # the second begins with what the first has left
        candidate = Candidate(UNIT, activation, "linear")
        network, names = stretched(layers, candidate), spread(activation, len(layers) - 1)
        found = list(passes(network, names, candidate, begun, torch.from_numpy(y), scorer, SIZE))
        blocks = [block for one in found for block in zip(*one.slopes, strict=True)]
        expected = list(one_by_one(layers, candidate, x, y, scorer))
        assert len(blocks) == len(expected) == 7
        assert len(found) == (7 if at_once == 1 else 2)
        for block, wanted in zip(blocks, expected, strict=True):
            torch.testing.assert_close(block, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("most", [1, 5, 7, 23, 50, 95, 192, 191])
def test_of_large_tensors_only_slopes_that_are_looked_at_are_computed(most, monkeypatch):
    layers, (x, y) = drawn(*NETWORKS["batch norm"]), rows()
    candidate, scorer = Candidate(UNIT, "tanh", "linear"), CLASSIFICATION.scorer(y, UNIT)
    network, truth = stretched(layers, candidate), torch.from_numpy(y)

    def run():
        return list(passes(network, ("tanh",), candidate, Beginnings(x), truth, scorer, SIZE))

    whole = run()
    monkeypatch.setattr(slopes, "MOST", most)
    for every_slope, some in zip(whole, run(), strict=True):
        for one, found in zip(every_slope.slopes, some.slopes, strict=True):
            step = -(-one[0].numel() // most)
            wanted = one.flatten(1)[:, ::step]
            assert found.flatten(1).shape == wanted.shape
            torch.testing.assert_close(found.flatten(1), wanted, rtol=1e-5, atol=1e-5)


def test_what_was_begun_under_another_scaling_is_not_used():
    layers, (x, y) = drawn(*NETWORKS["plain"]), rows()
    scorer, begun = CLASSIFICATION.scorer(y, UNIT), Beginnings(x)
    for scaling in (UNIT, Scaling("raw"), UNIT):
        candidate = Candidate(scaling, "relu", "linear")
        shared, alone = (signs_of(layers, candidate, x, y, scorer, one) for one in (begun, None))
        assert np.array_equal(shared.values, alone.values)


@pytest.mark.parametrize(("most", "runs"), [(28 * ROWS, 1), (28 * ROWS - 1, 2)])
def test_what_is_kept_counts_inputs_and_outputs(monkeypatch, most, runs):
    monkeypatch.setattr(passing, "KEPT", most)
    first, begun, ran = nn.Linear(16, 12), Beginnings(rows()[0]), []
    first.register_forward_hook(lambda *_: ran.append(1))
    for _ in range(2):
        begun.begun(Candidate(UNIT, "relu", "linear"), first, slice(0, ROWS))
    assert len(ran) == runs


@pytest.mark.parametrize("factor", [0.05, 0.3, 1, 4, 30])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_best_size_is_found_without_trying_all(name, factor):
    layers, (x, y) = drawn(*NETWORKS[name]), rows()
    candidate = Candidate(UNIT, "relu", "linear")
    z = factor * rebuild(layers, candidate)(torch.from_numpy(UNIT(x))).double()
    z[torch.arange(ROWS), torch.from_numpy(y)] += factor  # as if it had been trained to some degree
    losses = [float(nn.functional.cross_entropy(size * z, torch.from_numpy(y))) for size in SIZES]
    asked: list[int] = []
    start = SIZES.index(1.0)
    assert least_of_convex(lambda place: asked.append(place) or losses[place], 21, start, losses[start]) == min(losses)
    assert len(asked) == len(set(asked)) < 13


@pytest.mark.parametrize("values", [[2.0, 1.0, np.inf, np.nan], [np.nan, 1.0, np.inf, 2.0], [2.0, np.nan, np.nan, 1.0]])
def test_of_outputs_that_are_no_numbers_all_sizes_are_tried(values):
    assert least_of_convex(values.__getitem__, 4, 2, values[2]) == 1.0
    assert np.isnan(least_of_convex(lambda _: np.nan, 4, 2, np.nan))


@pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this processor has no such setting")
@pytest.mark.parametrize("with_images", [False, True])
def test_slopes_that_are_denormal_are_0_while_they_are_taken_and_not_afterwards(with_images):
    image = (nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4)) if with_images else NETWORKS["plain"]
    layers, (x, y) = drawn(*image), rows()
    layout = layouts_of(layers, (1, 4, 4)).tried[0] if with_images else None
    scorer, given = CLASSIFICATION.scorer(y, UNIT), []

    def faint(outputs, truth, form):
        scores, losses = scorer(outputs, truth, form)
        given.append(are_zero())
        return scores, losses * 2.0**-130

    found = signs_of(layers, Candidate(UNIT, "relu", "linear", layout=layout), x, y, faint)
    assert given[0]
    assert not are_zero()
    assert all(not one.total.any() and not one.squares.any() for one in found.slopes)
    assert any(one.total.any() for one in signs_of(layers, found.trial.candidate, x, y, scorer).slopes)
