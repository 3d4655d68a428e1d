"""Clamps, ablations, groups and users' own interventions: counts of a plain loop; curves with known crossings."""

import numpy as np
import pandas as pd
import pytest
import torch
from small_networks import Hidden, convolutional, learned, loaded, mlp, ranges_of
from torch import nn

from interp.errors import UsageError
from interp.interventions import (
    INTERVENTIONS,
    NO_OPS,
    Edit,
    Ranges,
    ablate,
    clamp_curves,
    compare_with_control,
    levels,
    node_levels,
    on_nodes,
    shuffle_weights,
    sweep_group,
    tally,
)
from interp.interventions.edits import find_intervention
from interp.interventions.readouts.curves import crossing


def after_by_definition(kind, level, low, high, mean):
    edge = low + level * (high - low)
    return {
        "clamp-min": lambda a: torch.maximum(a, edge),
        "clamp-max": lambda a: torch.minimum(a, edge),
        "zero": lambda a: a * (1 - level),
        "mean": lambda a: a + level * (mean - a),
    }[kind]


def halve(level, ranges):
    return Edit(after=lambda outputs: outputs * 0.5**level)


halve.levels = (0.0, 1.0, 3.0)
halve.no_op = 0.0


def setup(make=lambda: mlp("relu", dead=2), shape=(64,), hidden=False, samples=300):
    chain, plain = make()
    split = learned(plain, samples)
    x, labels = torch.from_numpy(split.inputs), torch.from_numpy(split.labels)
    ranges, means = ranges_of(plain, x)
    model = loaded(Hidden(chain) if hidden else chain, shape)
    return model, plain, split, x, labels, Ranges(ranges[0].low, ranges[0].high, means[0])


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("nodes", [(0,), (5,), (3, 9, 4), tuple(range(24))], ids=str)
@pytest.mark.parametrize("kind", ["clamp-min", "clamp-max", "zero", "mean"])
def test_nodes_and_groups_give_the_counts_of_a_plain_loop(kind, nodes, hidden):
    model, plain, split, x, labels, ranges = setup(hidden=hidden)
    chosen = list(nodes)
    part = [torch.from_numpy(np.float32(values[chosen])) for values in (ranges.low, ranges.high, ranges.mean)]
    name = model.layers[0].name
    found = sweep_group(model, split, {name: ranges}, [f"{name}:{node}" for node in nodes], kind, 5)
    for row in found.itertuples():
        change = after_by_definition(kind, row.level, *part)

        def edited(a, change=change):
            a = a.clone()
            a[:, chosen] = change(a[:, chosen])
            return a

        assert round(row.score * len(split)) == plain.hits(x, labels, layer=0, after=edited), row
    assert found["group"].iloc[0].startswith(f"{name}:{nodes[0]}")
    assert (found["difference"][found["level"] == NO_OPS[kind]] == 0).all()


@pytest.mark.parametrize("kind", ["scale", "offset", "clip"])
def test_one_node_changed_at_z_is_one_column_changed(kind):
    model, plain, split, x, labels, ranges = setup()
    for node in (0, 7):
        for level in (-0.5, 0.3, 2.0):
            fast = tally(model, model.layers[0], [on_nodes(INTERVENTIONS[kind], level, ranges, (node,))], split)
            edit = INTERVENTIONS[kind](level, ranges.take([node]))

            def change(z, node=node, edit=edit):
                z = z.clone()
                z[:, [node]] = edit.before(z[:, [node]])
                return z

            assert fast.hits[0] == plain.hits(x, labels, layer=0, change=change)


@pytest.mark.parametrize("name", ["relu", "abs", "tanh"])
def test_rank_one_updates_equal_the_plain_loop_where_scores_tie(name):
    """Scores of two classes are the same but for one node: every row ties until that node is changed."""
    make = lambda: mlp(name, widths=(64, 16, 5))  # noqa: E731
    model, plain, split, x, labels, _ = setup(make)
    last = model.module[2]
    with torch.no_grad():
        last.weight[1], last.bias[1] = last.weight[0], last.bias[0]
        last.weight[3], last.bias[3] = last.weight[2], last.bias[2]
        last.weight[3, 4] += 0.5
    edits = [ablate(node, value) for node in range(16) for value in (0.0, 0.7)]
    found = tally(model, model.layers[0], edits, split)
    for edit, hits in zip(edits, found.hits, strict=True):
        assert hits == plain.hits(x, labels, layer=0, after=edit.on_output)
    assert found.baseline == plain.hits(x, labels)


def test_losses_of_single_nodes_are_the_mean_cross_entropy():
    model, plain, split, x, labels, _ = setup()
    found = tally(model, model.layers[0], [ablate(7, 0.5)], split)
    out = plain.outputs(x, layer=0, after=ablate(7, 0.5).on_output)
    assert found.loss[0] == pytest.approx(float(nn.functional.cross_entropy(out, labels)), rel=1e-5)


def test_users_own_function_is_swept_by_its_name():
    name = "interventions.test_nodes:halve"
    assert find_intervention(name) is not None
    assert levels(name).tolist() == [0, 1, 3]
    model, plain, split, x, labels, ranges = setup()
    found = sweep_group(model, split, {"0": ranges}, ["0"], name)
    hits = [plain.hits(x, labels, layer=0, after=lambda a, k=k: a * 0.5**k) for k in (0, 1, 3)]
    assert np.round(found["score"] * 300).tolist() == hits


def test_wrong_names_are_answered_with_the_close_ones():
    with pytest.raises(UsageError, match="did you mean clamp-min or clamp-max"):
        find_intervention("clamp-mi")
    with pytest.raises(UsageError, match=r"no_module_of_this_name:f.*package\.module:name"):
        find_intervention("no_module_of_this_name:f")


def test_clamp_curves_are_the_counts_of_a_plain_loop():
    model, plain, split, x, labels, ranges = setup()
    table = clamp_curves(model, model.layers[0], split, ranges, 11)
    assert len(table) == 24 * 2 * 11
    for row in table.sample(40, random_state=0).itertuples():
        edge = float(ranges.low[row.node] + row.level * (ranges.high[row.node] - ranges.low[row.node]))

        def edited(a, row=row, edge=edge):
            a = a.clone()
            column = a[:, row.node]
            a[:, row.node] = column.clamp(min=edge) if row.intervention == "clamp-min" else column.clamp(max=edge)
            return a

        assert round(row.score * 300) == plain.hits(x, labels, layer=0, after=edited)
    ends = table[table["level"] == table["intervention"].map(NO_OPS)]
    assert (ends["score"] == plain.hits(x, labels) / 300).all()


def test_equilibrium_and_half_levels_of_planted_curves():
    level = np.linspace(0, 1, 11)
    falling, rising = 0.9 - 0.8 * level, 0.1 + 0.8 * level
    parts = [
        pd.DataFrame({"layer": "a", "node": 0, "intervention": kind, "level": level, "score": accuracy})
        for kind, accuracy in (("clamp-min", falling), ("clamp-max", rising))
    ]
    row = node_levels(pd.concat(parts)).iloc[0]
    assert row["equilibrium"] == pytest.approx(0.5)
    assert row["half_min"] == pytest.approx(0.6)  # 0.9 - 0.8 x <= 0.45 from x = 0.5625
    assert row["half_max"] == pytest.approx(0.4)
    assert row["lowest"] == pytest.approx(0.1)


def test_curves_that_never_cross_have_no_equilibrium():
    assert np.isnan(crossing(np.linspace(0, 1, 5), np.zeros(5)))
    assert np.isnan(crossing(np.linspace(0, 1, 5), np.ones(5)))
    assert crossing(np.linspace(0, 1, 5), np.array([1, 0, 0, 0, -1.0])) == 0.5


def test_shuffled_weights_keep_their_values_and_the_given_network_stays():
    chain, _ = mlp("relu")
    before = [p.clone() for p in chain.parameters()]
    first, second = shuffle_weights(chain, 3), shuffle_weights(chain, 3)
    for old, kept, new, again in zip(before, *(m.parameters() for m in (chain, first, second)), strict=True):
        assert torch.equal(old, kept)
        assert torch.equal(new, again)
        assert torch.equal(old.flatten().sort()[0], new.flatten().sort()[0])
    assert not torch.equal(before[0], next(first.parameters()))


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
def test_both_networks_agree_with_themselves_at_the_no_op(hidden):
    model, _, split, _, _, ranges = setup(convolutional, (1, 8, 8), hidden)
    found, _ = compare_with_control(model, split, {model.layers[0].name: ranges}, 10, 0)
    assert set(found["network"]) == {"given", "shuffled"}
    idle = found[found["level"] == found["intervention"].map(NO_OPS)]
    assert (idle["agreement"] == 1).all()
    assert (found["agreement"] < 1).any()
