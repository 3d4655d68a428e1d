"""Counts of the quick ways are those of a plain loop, on data made to fool them."""

import numpy as np
import pytest
import torch
from small_networks import learned, loaded, mlp, ranges_of
from torch import nn

from interp.interventions import INTERVENTIONS, Ranges, ablate, levels, on_nodes, tally
from interp.interventions.engine.tally import right_samples
from interp.network.activations import Negate
from interp.types import Split

SIZES = (64, 16, 5)


def wanted(ranges, nodes=16):
    """Whole layers under every intervention, and single nodes under some."""
    keys = [(kind, level) for kind in INTERVENTIONS for level in levels(kind, 30)]
    whole = [INTERVENTIONS[kind](float(level), ranges) for kind, level in keys]
    single = [
        on_nodes(INTERVENTIONS[kind], level, ranges, (node,))
        for kind in ("clamp-min", "clamp-max", "scale", "offset")
        for level in (0.0, 0.3, 0.9)
        for node in range(nodes)
    ]
    return [*whole, *single, *(ablate(node, value) for node in range(nodes) for value in (0.0, 0.7))]


def plain_hits(plain, x, labels, edit):
    out = plain.outputs(x, layer=0, change=edit.on_z, after=edit.on_output)
    return int(((out.argmax(1) == labels) & ~out.isnan().any(1)).sum())


def assert_plain(model, plain, split, ranges):
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    edits = wanted(ranges)
    found = tally(model, model.layers[0], edits, split)
    assert found.hits.tolist() == [plain_hits(plain, x, labels, edit) for edit in edits]
    quick = tally(model, model.layers[0], edits, split, losses=False)
    assert quick.hits.tolist() == found.hits.tolist()
    assert quick.gained.tolist() == found.gained.tolist()
    assert np.isnan(quick.loss).all()
    assert right_samples(model, model.layers[0], edits, split).sum(1).tolist() == found.hits.tolist()
    return found


def given(plain, samples=300):
    split = learned(plain, samples)
    found, means = ranges_of(plain, torch.from_numpy(split.inputs))
    return split, Ranges(found[0].low, found[0].high, means[0])


@pytest.mark.parametrize("name", ["relu", "abs", "tanh"])
def test_every_form_of_edit_gives_the_counts_of_a_plain_loop(name):
    chain, plain = mlp(name, widths=SIZES)
    split, ranges = given(plain)
    found = assert_plain(loaded(chain), plain, split, ranges)
    assert len(set(found.hits.tolist())) > 20


@pytest.mark.parametrize("name", ["relu", "abs"])
def test_whole_numbers_that_tie_exactly(name):
    chain, plain = mlp(name, widths=SIZES)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.copy_((parameter * 3).round().clamp(-2, 2))
        chain[2].weight[3], chain[2].bias[3] = chain[2].weight[1], chain[2].bias[1]
    split = learned(plain)
    split = Split(np.round(split.inputs).astype(np.float32), split.labels)
    found, means = ranges_of(plain, torch.from_numpy(split.inputs))
    assert_plain(loaded(chain), plain, split, Ranges(found[0].low, found[0].high, means[0].round()))


def test_scores_that_cancel():
    """Terms of 1e6 leave differences of about 1, which float32 sums in another order would miss."""
    chain, plain = mlp("relu", widths=SIZES)
    with torch.no_grad():
        chain[2].weight[:] = chain[2].weight[:1] * 1e5 + 0.1 * chain[2].weight
    split, ranges = given(plain)
    x = torch.from_numpy(split.inputs)
    edits = wanted(ranges)
    found = tally(loaded(chain), loaded(chain).layers[0], edits, split)
    labels = torch.from_numpy(split.labels)
    assert found.hits.tolist() == [plain_hits(plain, x, labels, edit) for edit in edits]


def test_values_that_are_infinite_or_huge():
    chain, plain = mlp("relu", widths=SIZES)
    split, ranges = given(plain)
    split.inputs[3] *= 1e30
    split.inputs[5] *= 1e19
    assert_plain(loaded(chain), plain, split, ranges)


def test_nodes_that_never_answer_turn_no_row():
    chain, plain = mlp("relu", widths=SIZES)
    split, _ = given(plain)
    model = loaded(chain)
    with torch.no_grad():
        model.module[0].weight.zero_()
        model.module[0].bias.fill_(-1)
    dead = [ablate(node, 0.0) for node in range(SIZES[1])]
    found = tally(model, model.layers[0], dead, split, losses=False)
    assert (found.hits == found.baseline).all()
    assert right_samples(model, model.layers[0], dead, split).shape == (len(dead), len(split))


def test_an_answer_with_its_sign_changed():
    chain, plain = mlp("abs", widths=SIZES)
    split, ranges = given(plain)
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    chain.append(Negate())
    model = loaded(chain)
    edits = wanted(ranges)
    found = tally(model, model.layers[0], edits, split)
    for edit, hits in zip(edits, found.hits, strict=True):
        assert hits == int((plain.outputs(x, 0, edit.on_z, edit.on_output).argmin(1) == labels).sum())


def test_distances_without_a_change_of_sign_are_won_by_the_largest():
    chain, plain = mlp("abs", widths=SIZES)
    split, ranges = given(plain)
    assert_plain(loaded(chain, output="distance"), plain, split, ranges)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_losses_of_the_quick_ways_are_the_mean_cross_entropy(name):
    chain, plain = mlp(name, widths=SIZES)
    split, ranges = given(plain)
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    edits = wanted(ranges)
    found = tally(loaded(chain), loaded(chain).layers[0], edits, split)
    outputs = [plain.outputs(x, layer=0, change=edit.on_z, after=edit.on_output) for edit in edits]
    expected = [float(nn.functional.cross_entropy(each, labels)) for each in outputs]
    np.testing.assert_allclose(found.loss, expected, rtol=1e-5)
