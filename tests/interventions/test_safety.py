"""Sweeps leave the user's network as it was, and answer odd data with a defined result or a clear error."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small_networks import Hidden, convolutional, data, dataset, learned, loaded, mlp, ranges_of
from torch import nn

from interp.errors import DataError
from interp.interventions import InterventionOptions, Ranges, intervene
from interp.types import Split

SMALL = InterventionOptions(levels=1, curve_levels=0, control_samples=0)
EVERY = InterventionOptions(levels=1, curve_levels=3, control_samples=60, control_shuffles=1)
"""Sweeps, curves and shuffled copies, as few as there can be."""


def run(module, plain, split, shape=(64,), options=SMALL, ranges=None, means=None):
    model = loaded(module, shape)
    if ranges is None or means is None:
        found, average = ranges_of(plain, torch.from_numpy(split.inputs))
        ranges, means = ranges or found, means or average
    names = [layer.name for layer in model.layers]
    pairs = dict(zip(names, ranges, strict=True)), dict(zip(names, means, strict=True))
    return intervene(model, dataset(train=split), *pairs, options)


def state(module):
    return [
        (part.training, getattr(part, "inplace", None), len(part._forward_hooks), len(part._forward_pre_hooks))
        for part in module.modules()
    ]


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_in_place_activations_change_nothing(hidden):
    usual, plain = mlp("relu")
    inplace, _ = mlp("relu", module=lambda: nn.ReLU(inplace=True))
    split = data()
    wrap = Hidden if hidden else (lambda chain: chain)
    a, b = run(wrap(usual), plain, split).whole_layers, run(wrap(inplace), plain, split).whole_layers
    assert np.array_equal(a["score"], b["score"])
    assert np.array_equal(a["loss"], b["loss"])


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_modules_are_left_as_they_were(hidden):
    chain, plain = mlp("relu", module=lambda: nn.ReLU(inplace=True))
    module = Hidden(chain) if hidden else chain
    module.eval()
    before, weights = state(module), [p.clone() for p in module.parameters()]
    run(module, plain, data(), options=EVERY)
    assert state(module) == before
    assert all(torch.equal(a, b) for a, b in zip(weights, module.parameters(), strict=True))


class Failing(nn.Module):
    def forward(self, x):
        if not torch.isfinite(x).all() or x.shape[0] > 2:
            raise RuntimeError("cannot go on")
        return x


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_modules_are_left_as_they_were_after_an_error(hidden):
    chain, plain = mlp("relu")
    chain.append(Failing())
    module = Hidden(chain) if hidden else chain
    module.eval()
    before = state(module)
    with pytest.raises(RuntimeError, match="cannot go on"):
        run(module, plain, data())
    assert state(module) == before


@pytest.fixture(scope="module")
def usual_counts():
    chain, plain = mlp("tanh")
    split = data(1500)
    return chain, plain, split, run(chain, plain, split).whole_layers


@pytest.mark.parametrize(("threads", "block"), [(1, 64), (2, 64), (2, 1024), (2, 5000)])
def test_counts_do_not_depend_on_threads_or_blocks(usual_counts, monkeypatch, request, threads, block):
    chain, plain, split, expected = usual_counts
    monkeypatch.setattr("interp.network.inputs.BLOCK", block)
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(threads)
    found = run(chain, plain, split).whole_layers
    assert np.array_equal(found["score"], expected["score"])
    assert np.allclose(found["loss"], expected["loss"], rtol=1e-6)


def test_without_labels_agreement_with_the_own_prediction_is_counted():
    chain, plain = mlp("relu")
    split = data(labels=False)
    effects = run(chain, plain, split)
    own = plain.outputs(torch.from_numpy(split.inputs)).argmax(1)
    row = effects.whole_layers[
        (effects.whole_layers["intervention"] == "scale") & (effects.whole_layers["level"] == 0.01)
    ].iloc[0]
    hits = plain.hits(torch.from_numpy(split.inputs), own, layer=0, change=lambda z: z * 0.01)
    assert effects.baseline["train"] == 1
    assert round(row["score"] * len(split)) == hits < len(split)
    assert effects.whole_layers["loss"].isna().all()
    assert (effects.whole_layers["difference"] <= 0).all()


@pytest.mark.parametrize("samples", [1, 2])
def test_very_few_samples(samples):
    """Counts are those of a plain loop; one or two samples are evidence of nothing, and intervals say so."""
    chain, plain = mlp("relu")
    split = learned(plain, 40)
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    turned = (plain.outputs(x).argmax(1) == labels) & (plain.outputs(x, 0, lambda z: z * 0.01).argmax(1) != labels)
    some = turned.nonzero()[:samples, 0].numpy()
    table = run(chain, plain, split.take(some), options=EVERY).whole_layers
    rows = table[(table["intervention"] == "scale") & (table["layer"] == "0")]
    assert rows["score"].tolist() == [
        plain.hits(x[some], labels[some], layer=0, change=lambda z, s=level: z * s) / samples for level in rows["level"]
    ]
    assert rows["score"].iloc[0] == 0
    assert rows[rows["level"] == 1]["score"].tolist() == [1]
    least = 2 * 0.5**samples  # McNemar's exact test of pairs that all change to one side
    assert table["p_value"].min() == min(least, 1)
    assert table[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)


def test_one_class_only():
    chain, plain = mlp("relu")
    split = data()
    own = plain.outputs(torch.from_numpy(split.inputs)).argmax(1)
    effects = run(chain, plain, Split(split.inputs, np.full(len(split), int(own[0]))), options=EVERY)
    assert effects.baseline["train"] == pytest.approx(float((own == own[0]).double().mean()))
    assert np.isfinite(effects.whole_layers[["score", "p_value", "q_value", "loss"]]).all().all()


def test_one_output_is_read_as_two_classes():
    chain, plain = mlp("relu", widths=(64, 8, 1))
    split = data(classes=2)
    effects = run(chain, plain, split)
    right = (plain.outputs(torch.from_numpy(split.inputs))[:, 0] > 0).numpy() == split.labels
    assert effects.baseline["train"] == right.mean()


def test_convolutions_are_sampled_alike_for_every_layer():
    chain, plain = convolutional("relu")
    split = data(300)
    options = replace(SMALL, convolution_samples=100, ablation=False)
    effects = run(chain, plain, split, (1, 8, 8), options)
    assert (effects.whole_layers["samples"] == 100).all()


def test_a_node_without_finite_range_is_left_alone_and_named():
    chain, plain = mlp("relu")
    split = data()
    ranges, _ = ranges_of(plain, torch.from_numpy(split.inputs))
    broken = [Ranges(r.low.copy(), r.high.copy()) for r in ranges]
    broken[0].high[4] = np.nan
    broken[0].high[5] = np.inf
    effects = run(chain, plain, split, options=EVERY, ranges=broken)
    assert np.isfinite(effects.whole_layers["score"]).all()
    assert "not finite" in effects.skipped["0:4"]
    assert "not finite" in effects.skipped["0:5"]


def test_outputs_that_are_not_numbers_are_an_error_with_its_place():
    chain, plain = mlp("relu")
    split = data()
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    spoiled = Split(split.inputs.copy(), split.labels)
    spoiled.inputs[7, 3] = np.nan
    with pytest.raises(DataError, match=r"1 of 300 samples.*not a number"):
        run(chain, plain, spoiled, ranges=ranges, means=means)


class Root(nn.Module):
    def forward(self, z):
        return torch.sqrt(z + 100)


def test_a_change_that_makes_outputs_not_a_number_counts_as_wrong():
    chain, plain = mlp("relu", widths=(64, 12, 5))
    chain = nn.Sequential(chain[0], Root(), chain[2])  # the root of a negative number is none
    split = data()
    x = torch.from_numpy(split.inputs)
    ranges, means = ranges_of(plain, x)
    means = [np.full_like(means[0], -1000.0), means[1]]
    effects = run(chain, plain, split, options=EVERY, ranges=ranges, means=means)
    rows = effects.single_nodes[
        (effects.single_nodes["intervention"] == "mean-ablation") & (effects.single_nodes["layer"] == "0")
    ]
    assert (rows["score"] == 0).all()


def test_an_empty_split_is_an_error():
    chain, plain = mlp("relu")
    ranges, means = ranges_of(plain, torch.from_numpy(data().inputs))
    with pytest.raises(DataError, match="found 0 samples"):
        run(chain, plain, Split(np.zeros((0, 64), np.float32), None), ranges=ranges, means=means)


class Square(nn.Module):
    def forward(self, z):
        return z * z / 4


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_where_no_activation_is_recognised_z_stands_for_the_output(hidden):
    chain, plain = mlp("relu", module=Square, widths=(64, 12, 5))
    split = data()
    x = torch.from_numpy(split.inputs)
    z = chain[0](x).detach()
    ranges = [Ranges(z.amin(0).numpy(), z.amax(0).numpy()), ranges_of(plain, x)[0][1]]
    means = [z.mean(0).numpy(), ranges_of(plain, x)[1][1]]
    module = Hidden(chain) if hidden else chain
    effects = run(module, plain, split, options=EVERY, ranges=ranges, means=means)
    single = effects.single_nodes
    first = single["layer"].iloc[0]
    rows = single[(single["layer"] == first) & (single["intervention"] == "zero-ablation")]
    for node in (0, 5):
        silenced = z.clone()
        silenced[:, node] = 0
        hits = int((chain[2](Square()(silenced)).argmax(1).numpy() == split.labels).sum())
        halves = rows[rows["node"] == node]
        assert round((halves["score"] * halves["samples"]).sum()) == hits
    assert effects.control["network"].nunique() == 2
