"""Sweeps give the counts of a plain loop written from the published definitions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from small_networks import Hidden, convolutional, dataset, learned, loaded, mlp, ranges_of

from interp.interventions import NO_OPS, PUBLISHED, InterventionOptions, intervene, levels

NETWORKS = {
    "relu": (lambda: mlp("relu", dead=3), (64,)),
    "abs": (lambda: mlp("abs"), (64,)),
    "tanh": (lambda: mlp("tanh"), (64,)),
    "one layer": (lambda: mlp("relu", widths=(64, 5)), (64,)),
    "conv relu": (lambda: convolutional("relu"), (1, 8, 8)),
    "conv abs": (lambda: convolutional("abs"), (1, 8, 8)),
}
PLAIN = InterventionOptions(levels=1, ablation=False, curve_levels=0, control_samples=0)
"""The published levels and the no-op, of whole layers alone."""


def by_definition(kind, level, low, high):
    """y = min(s z + t, clip) with s, t and clip of reference/README.md; a dead node has no s."""
    shape = (-1, 1, 1) if low.ndim == 3 else (-1,)
    low, high = low.reshape(shape), high.reshape(shape)
    span = high - low
    if kind == "scale":
        return lambda z: z * level
    if kind == "clip" and np.isnan(level):
        return lambda z: z  # the no-op; infinity times a range of 0 is no number
    if kind == "clip":
        return lambda z: torch.minimum(z, low + level * span)
    t = level * span
    s = (high - level * span) / high
    return lambda z: torch.where(high > 0, s * z + t, z)


def swept(module, shape, ranges, means, splits, options=PLAIN):
    model = loaded(module, shape)
    named = {layer.name: found for layer, found in zip(model.layers, ranges, strict=True)}
    mean = {layer.name: found for layer, found in zip(model.layers, means, strict=True)}
    return model, intervene(model, dataset(**splits), named, mean, options)


def plain_counts(plain, split, ranges, wanted):
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    convolves = len(plain.shape) > 1
    found = []
    for layer, kind, level in wanted:
        low, high = torch.from_numpy(ranges[layer].low), torch.from_numpy(ranges[layer].high)
        if convolves and layer == 0:
            low, high = low.view(-1, 1, 1), high.view(-1, 1, 1)
        found.append(plain.hits(x, labels, layer=layer, change=by_definition(kind, level, low, high)))
    return np.array(found)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_published_levels_give_the_counts_of_a_plain_loop(name, hidden):
    make, shape = NETWORKS[name]
    chain, plain = make()
    split = learned(plain)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    model, effects = swept(Hidden(chain) if hidden else chain, shape, ranges, means, {"train": split})
    index = {layer.name: i for i, layer in enumerate(model.layers)}
    table = effects.whole_layers
    keys = [(index[a], b, c) for a, b, c in zip(table["layer"], table["intervention"], table["level"], strict=True)]
    assert set(PUBLISHED["offset"]) <= set(table[table["intervention"] == "offset"]["level"])
    assert (np.round(table["score"] * len(split)) == plain_counts(plain, split, ranges, keys)).all()
    assert table["score"].nunique() > 5  # the curves are not flat, so equal counts say something


def test_a_node_that_never_fires_is_left_alone_by_an_offset_and_named():
    chain, plain = mlp("relu", dead=3)
    split = learned(plain)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    assert (ranges[0].high[:3] == 0).all()
    model, effects = swept(chain, (64,), ranges, means, {"train": split})
    assert [name for name in effects.skipped if name.startswith(model.layers[0].name + ":")] == ["0:0", "0:1", "0:2"]
    assert "not above 0" in effects.skipped["0:0"]


def test_an_offset_keeps_the_largest_output_where_it_is():
    _, plain = mlp("relu")
    x = torch.from_numpy(learned(plain).inputs)
    found = ranges_of(plain, x)[0][0]
    change = by_definition("offset", -0.25, torch.from_numpy(found.low), torch.from_numpy(found.high))
    seen = []
    plain.outputs(x, layer=0, change=change, after=lambda a: seen.append(a) or a)
    alive = found.high > 0
    assert np.allclose(seen[0].amax(0).numpy()[alive], found.high[alive], rtol=1e-4)


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize("count", [1, 30, 60, 150])
def test_levels_hold_the_published_ones_and_the_no_op(kind, count):
    found = levels(kind, count)
    assert {*PUBLISHED[kind], NO_OPS[kind]} <= set(found)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_the_no_op_equals_the_baseline(name, hidden, monkeypatch):
    monkeypatch.setattr("interp.network.inputs.BLOCK", 100)
    make, shape = NETWORKS[name]
    chain, plain = make()
    split = learned(plain, 210)  # more than two blocks
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    _, effects = swept(Hidden(chain) if hidden else chain, shape, ranges, means, {"train": split})
    table = effects.whole_layers
    idle = table[table["no_op"]]
    assert (idle["level"].fillna(np.inf) == idle["intervention"].map(NO_OPS)).all(), "no cap is one at infinity"
    assert len(idle) == 3 * table["layer"].nunique()
    assert (idle["score"] == effects.baseline["train"]).all()
    assert (idle["difference"] == 0).all()
    assert (idle["p_value"] == 1).all()


def test_chain_and_hooks_agree_in_every_column():
    chain, plain = convolutional("relu")
    split = learned(plain)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    options = replace(PLAIN, levels=20)
    fast = swept(chain, (1, 8, 8), ranges, means, {"train": split}, options)[1].whole_layers
    slow = swept(Hidden(chain), (1, 8, 8), ranges, means, {"train": split}, options)[1].whole_layers
    assert slow["layer"].iloc[0] == "parts.0"
    for column in ("score", "difference", "p_value"):
        assert np.array_equal(fast[column], slow[column])
    assert np.allclose(fast["loss"], slow["loss"], rtol=1e-5)


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("name", ["relu", "tanh", "conv abs"])
def test_single_nodes_give_the_counts_of_a_plain_loop(name, hidden):
    make, shape = NETWORKS[name]
    chain, plain = make()
    split = learned(plain)
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    ranges, means = ranges_of(plain, x)
    model, effects = swept(
        Hidden(chain) if hidden else chain,
        shape,
        ranges,
        means,
        {"train": split, "test": split},
        replace(PLAIN, ablation=True),
    )
    table = effects.single_nodes
    index = {layer.name: i for i, layer in enumerate(model.layers)}
    for row in table.itertuples():
        layer = index[row.layer]
        value = 0.0 if row.intervention == "zero-ablation" else float(means[layer][row.node])

        def silence(a, node=row.node, value=value):
            a = a.clone()
            a[:, node] = value
            return a

        assert round(row.score * len(split)) == plain.hits(x, labels, layer=layer, after=silence), row
    assert table["score"].nunique() > 3


def test_losses_are_the_mean_cross_entropy():
    chain, plain = mlp("relu")
    split = learned(plain)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    _, effects = swept(chain, (64,), ranges, means, {"train": split})
    row = effects.whole_layers[
        (effects.whole_layers["intervention"] == "scale") & (effects.whole_layers["level"] == 0.5)
    ].iloc[0]
    out = plain.outputs(torch.from_numpy(split.inputs), layer=0, change=lambda z: z * 0.5)
    expected = torch.nn.functional.cross_entropy(out, torch.from_numpy(split.labels))
    assert row["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_q_values_are_corrected_within_layer_intervention_and_split_and_of_nodes_over_all_ways():
    chain, plain = mlp("relu")
    split = learned(plain)
    model = loaded(chain)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    names = [layer.name for layer in model.layers]
    known = dict(zip(names, ranges, strict=True)), dict(zip(names, means, strict=True))
    parts = dataset(train=split, test=split.take(np.arange(150)))
    found = intervene(model, parts, *known, replace(PLAIN, ablation=True))
    assert found.single_nodes["intervention"].nunique() == 2
    for table, within in (
        (found.whole_layers, ["layer", "intervention", "split"]),
        (found.single_nodes, ["layer", "split"]),
    ):
        assert table["layer"].nunique() > 1
        for key, part in table.groupby(within):
            expected = stats.false_discovery_control(part["p_value"])
            np.testing.assert_allclose(part["q_value"], expected, rtol=1e-12, err_msg=str(key))
