"""Classes told apart: accuracy of each under sweeps, and which lie above a node's equilibrium."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from small_networks import Hidden, convolutional, dataset, learned, loaded, mlp, ranges_of
from torch import nn

from interp.interventions import InterventionOptions, Ranges, intervene, tally
from interp.interventions.edits import scale
from interp.interventions.readouts.balance import balanced, class_number, sides
from interp.interventions.readouts.held_out import node_splits
from interp.types import Split

SMALL = InterventionOptions(levels=1, ablation=False, curve_levels=5, control_samples=0)


def swept(chain, plain, split, shape=(64,), options=SMALL):
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    model = loaded(chain, shape)
    names = [layer.name for layer in model.layers]
    return intervene(
        model,
        dataset(train=split),
        dict(zip(names, ranges, strict=True)),
        dict(zip(names, means, strict=True)),
        options,
    )


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("make", [lambda: (*mlp("relu"), (64,)), lambda: (*convolutional(), (1, 8, 8))])
def test_each_class_has_the_counts_of_a_plain_loop(make, hidden):
    chain, plain, shape = make()
    split = learned(plain, 1200)
    x, labels = torch.from_numpy(split.inputs), split.labels
    table = swept(Hidden(chain) if hidden else chain, plain, split, shape).classes
    first = table["layer"].iloc[0]
    rows = table[(table["layer"] == first) & (table["intervention"] == "scale")]
    assert len(rows) == 7 * 5
    for level, part in rows.groupby("level"):
        right = plain.outputs(x, layer=0, change=lambda z, f=level: z * f).argmax(1).numpy() == labels
        expected = [right[labels == label].sum() for label in range(5)]
        assert np.round(part["accuracy"] * part["samples"]).tolist() == expected
        assert part["samples"].tolist() == np.bincount(labels).tolist()
    assert ((table["low"] <= table["accuracy"]) & (table["accuracy"] <= table["high"])).all()


def test_classes_add_up_to_the_whole():
    chain, plain = mlp("tanh")
    split = learned(plain, 1100)
    found = swept(chain, plain, split)
    keys = ["layer", "intervention", "level", "split"]
    classes, table = found.classes, found.whole_layers
    hits = (classes["accuracy"] * classes["samples"]).groupby([classes[key] for key in keys], dropna=False).sum()
    whole = (table["score"] * table["samples"]).groupby([table[key] for key in keys], dropna=False).sum()
    pd.testing.assert_series_equal(hits, whole, check_names=False)


def test_without_labels_classes_are_the_own_predictions():
    chain, plain = mlp("relu")
    split = replace(learned(plain), labels=None)
    found = swept(chain, plain, split).classes
    own = plain.outputs(torch.from_numpy(split.inputs)).argmax(1).numpy()
    idle = found[(found["intervention"] == "scale") & (found["level"] == 1) & (found["layer"] == "0")]
    assert idle["samples"].tolist() == np.bincount(own, minlength=5)[idle["class"]].tolist()
    assert (idle["accuracy"] == 1).all()


def test_classes_without_samples_and_too_many_classes_are_left_out():
    chain, plain = mlp("relu", widths=(64, 8, 5))
    split = learned(plain)
    only = Split(split.inputs, np.full(len(split), 3))
    assert set(swept(chain, plain, only).classes["class"]) == {3}
    model = loaded(chain)
    assert class_number(model, split) == 5
    assert class_number(model, replace(split, labels=split.labels + 100)) == 0
    assert class_number(model, replace(split, labels=split.labels.astype(float))) == 0
    assert class_number(model, replace(split, labels=None)) == 5
    found = tally(model, model.layers[0], [scale(0.5, None)], split)
    assert found.class_hits.shape == (1, 0)


def test_balance_by_hand():
    """Node 0 is the input itself; class 1 lies above 2, class 0 below but for one sample."""
    linear = nn.Linear(1, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        linear.bias.zero_()
    model = loaded(nn.Sequential(linear), (1,))
    split = Split(np.array([[0.0], [1.0], [3.0], [3.5], [4.0]], np.float32), np.array([0, 0, 0, 1, 0]))
    levels = pd.DataFrame({"layer": ["0", "0"], "node": [0, 1], "equilibrium": [0.5, np.nan]})
    ranges = {"0": Ranges(np.array([0.0, -4.0]), np.array([4.0, 0.0]))}
    found, balance = balanced(model, split, ranges, levels)
    assert found["above"].iloc[0] == pytest.approx(3 / 5)
    # class 0 is predicted wherever the input is positive, and at 0, where outputs tie
    assert found["accuracy_above"].iloc[0] == pytest.approx(2 / 3)
    assert found["accuracy_below"].iloc[0] == 1
    assert found.iloc[1][["above", "accuracy_above", "accuracy_below"]].isna().all()
    assert balance["node"].tolist() == [0, 0]
    assert balance["samples"].tolist() == [4, 1]
    assert balance["above"].tolist() == [0.5, 1]


def test_a_convolution_counts_positions():
    chain, plain = convolutional()
    split = learned(plain, 50)
    model = loaded(chain, (1, 8, 8))
    found = sides(model, model.layers[0], split, np.full(6, 0.2))
    outputs = torch.relu(chain[0](torch.from_numpy(split.inputs).view(50, 1, 8, 8)))
    assert np.allclose(found.above, (outputs > 0.2).float().mean((2, 3)).numpy())


def test_nodes_without_equilibrium_have_no_balance_and_no_curves_none_at_all():
    chain, plain = mlp("relu", dead=24)
    split = learned(plain)
    found = swept(chain, plain, split)
    assert "0" not in set(found.balance["layer"])
    assert found.node_levels[found.node_levels["layer"] == "0"]["above"].isna().all()
    none = swept(chain, plain, split, options=replace(SMALL, curve_levels=0))
    assert none.balance.empty
    assert none.node_levels.empty


@pytest.mark.parametrize("tested", ["test", "train, tested half (seed 0)"])
def test_what_silencing_a_node_costs_each_class_is_that_of_a_plain_loop(tested):
    chain, plain = mlp("relu")
    split = learned(plain, 900)
    model, (ranges, means) = loaded(chain, (64,)), ranges_of(plain, torch.from_numpy(split.inputs))
    names = [layer.name for layer in model.layers]
    data = dataset(train=split) if tested != "test" else dataset(train=split, test=split.take(np.arange(400)))
    known = (dict(zip(names, part, strict=True)) for part in (ranges, means))
    found = intervene(model, data, *known, replace(SMALL, ablation=True))
    some = node_splits(data.splits, 0)[tested]
    x, labels = torch.from_numpy(some.inputs), some.labels

    def right(change):
        return plain.outputs(x, layer=0, change=change).argmax(1).numpy() == labels

    def silence(node):
        return lambda z: torch.where(torch.arange(z.shape[1]) == node, torch.full_like(z, -1.0), z)  # ReLU makes it 0

    table = found.node_classes[found.node_classes["layer"] == names[0]]
    usual = right(lambda z: z)
    for node in (0, 5):
        rows = table[table["node"] == node]
        silent = right(silence(node))
        assert np.allclose(rows["accuracy"], [silent[labels == label].mean() for label in rows["class"]])
        change = silent.astype(int) - usual
        assert np.allclose(rows["difference"], [change[labels == label].mean() for label in rows["class"]])
    sums = (table["difference"] * table["samples"]).groupby(table["node"]).sum()
    single = found.tested_nodes[(found.tested_nodes["layer"] == names[0])]
    single = single[single["intervention"] == "zero-ablation"].set_index("node")
    assert np.allclose(sums, single["difference"] * single["samples"])
