"""Several layers, or named nodes of several layers, changed at once: the counts of a plain loop with hooks."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_networks import Hidden, convolutional, data, dataset, learned, loaded, mlp, ranges_of
from torch import nn

from interp.errors import DataError, UsageError
from interp.interventions import InterventionOptions, Ranges, intervene, sweep_group, tally, tally_together
from interp.interventions.edits import Edit, ablate, clamp_max, offset, scale
from interp.interventions.groups import find_group
from interp.types import Split

NETWORKS = {
    "relu": (lambda: mlp("relu"), (64,)),
    "relu in place": (lambda: mlp("relu", module=lambda: nn.ReLU(inplace=True)), (64,)),
    "conv": (lambda: convolutional("relu"), (1, 8, 8)),
}


def setup(name="relu", hidden=False, samples=1100):
    make, shape = NETWORKS[name]
    chain, plain = make()
    split = learned(plain, samples)
    ranges, means = ranges_of(plain, torch.from_numpy(split.inputs))
    model = loaded(Hidden(chain) if hidden else chain, shape)
    known = [Ranges(r.low, r.high, m) for r, m in zip(ranges, means, strict=True)]
    return model, split, {layer.name: found for layer, found in zip(model.layers, known, strict=True)}


def hooked_hits(model, split, at_z):
    """Count by hand: the whole network under forward hooks on its linear maps."""
    with ExitStack() as stack, torch.no_grad():
        for name, change in at_z.items():
            hook = lambda part, inputs, output, change=change: change(output)  # noqa: E731
            stack.callback(model.module.get_submodule(name).register_forward_hook(hook).remove)
        outputs = model.module(torch.from_numpy(split.inputs).view(-1, *model.input_shape))
    return int((outputs.argmax(1).numpy() == split.labels).sum())


@pytest.mark.parametrize("hidden", [False, True], ids=["chain", "hooks"])
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_at_once_give_the_counts_of_a_plain_loop(name, hidden):
    model, split, ranges = setup(name, hidden)
    names = [layer.name for layer in model.layers]
    for kind, make in (("scale", scale), ("offset", offset)):
        found = sweep_group(model, split, ranges, names, kind, 1)
        expected = [
            hooked_hits(model, split, {n: make(level, ranges[n]).before or (lambda z: z) for n in names})
            if "conv" not in name or kind == "scale"
            else None
            for level in found["level"]
        ]
        if None not in expected:
            assert np.round(found["score"] * len(split)).tolist() == expected
            assert len(set(expected)) > 3
        assert (found["group"] == ", ".join(names)).all()
        assert found[found["level"] == (1 if kind == "scale" else 0)]["difference"].tolist() == [0]


def test_edits_differ_by_layer_and_may_follow_the_activation():
    model, split, ranges = setup()
    first, second, _ = (layer.name for layer in model.layers)
    edits = [
        {},
        {first: ablate(3, 0.5), second: scale(0.3, ranges[second])},
        {second: clamp_max(0.2, ranges[second]), first: offset(-0.1, ranges[first])},
    ]
    found = tally_together(model, edits, split)
    linear = [model.module[i] for i in (0, 2, 4)]
    x = torch.from_numpy(split.inputs)
    with torch.no_grad():
        a = torch.relu(linear[0](x))
        a[:, 3] = 0.5
        one = linear[2](torch.relu(linear[1](a) * 0.3))
        z = offset(-0.1, ranges[first]).before(linear[0](x))
        b = torch.relu(linear[1](torch.relu(z)))
        top = torch.from_numpy(ranges[second].low + 0.2 * (ranges[second].high - ranges[second].low))
        two = linear[2](torch.minimum(b, top))
    labels = torch.from_numpy(split.labels)
    assert found.hits[0] == found.baseline
    assert found.hits[1:].tolist() == [int((out.argmax(1) == labels).sum()) for out in (one, two)]
    assert found.loss[2] == pytest.approx(float(nn.functional.cross_entropy(two, labels)), rel=1e-5)
    assert (found.gained - found.lost == found.hits - found.baseline).all()


def test_one_layer_at_once_is_the_usual_sweep():
    model, split, ranges = setup()
    name = model.layers[1].name
    edits = [scale(level, ranges[name]) for level in (0.1, 0.5, 2)]
    usual = tally(model, model.layer(name), edits, split)
    joint = tally_together(model, [{name: edit} for edit in edits], split)
    for field in ("hits", "gained", "lost", "baseline"):
        assert np.array_equal(getattr(usual, field), getattr(joint, field))
    assert np.allclose(usual.loss, joint.loss, rtol=1e-6)


def test_named_nodes_of_two_layers_are_changed_together():
    model, split, ranges = setup()
    first, second, _ = (layer.name for layer in model.layers)
    sites = [f"{first}:3", f"{second}:1", f"{first}:5"]
    assert find_group(model, sites) == {first: (3, 5), second: (1,)}
    assert find_group(model, [f"{first}:3", first, f"{first}:4"]) == {first: None}
    found = sweep_group(model, split, ranges, sites, "zero", 2)
    a = [model.module[i] for i in (0, 2, 4)]
    with torch.no_grad():
        hidden = torch.relu(a[0](torch.from_numpy(split.inputs)))
        hidden[:, [3, 5]] = 0
        hidden = torch.relu(a[1](hidden))
        hidden[:, 1] = 0
        hits = int((a[2](hidden).argmax(1).numpy() == split.labels).sum())
    assert round(found["score"].iloc[-1] * len(split)) == hits


def test_hooks_are_gone_after_an_error():
    model, split, _ = setup()

    def fail(z):
        raise RuntimeError("cannot go on")

    with pytest.raises(RuntimeError, match="cannot go on"):
        tally_together(model, [{"0": Edit(before=fail), "2": Edit(before=lambda z: z)}], split)
    assert not any(part._forward_hooks for part in model.module.modules())


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        (["1"], r"sites: found '1'; expected one of 0, 2, 4"),
        (["0:24"], r"sites: found '0:24'; expected 0:0 to 0:23"),
        (["0:x"], r"found '0:x'; expected 0:0 to 0:23"),
        (["00:1"], r"found '00'; .*did you mean 0\?"),
        ([], "found no layer or node"),
    ],
)
def test_wrong_sites_are_named(sites, message):
    with pytest.raises(UsageError, match=message):
        find_group(setup()[0], sites)


def test_no_samples_and_broken_outputs_are_errors():
    model, split, _ = setup()
    with pytest.raises(DataError, match="no samples"):
        tally_together(model, [{"0": Edit()}], Split(split.inputs[:0], None))
    spoiled = Split(split.inputs.copy(), split.labels)
    spoiled.inputs[3] = np.nan
    with pytest.raises(DataError, match=r"1 of 1,100 samples.*not a number"):
        tally_together(model, [{"0": Edit()}], spoiled)


def test_options_choose_layers_and_groups():
    model, split, ranges = setup(samples=200)
    little = InterventionOptions(levels=1, curve_levels=0, control_samples=0, interventions=("scale",))
    options = replace(little, layers=("2",), groups=(("0", "2"), ("0:1",)))
    means = {name: found.mean for name, found in ranges.items()}
    found = intervene(model, dataset(train=split, test=data(100)), ranges, means, options)
    assert set(found.table["layer"]) == {"2"}
    assert found.groups.groupby(["group", "split"]).size().to_dict() == {
        ("0, 2", "train"): 7,
        ("0, 2", "test"): 7,
        ("0:1", "train"): 7,
        ("0:1", "test"): 7,
    }
    assert {"layer", "node"}.isdisjoint(found.groups.columns)
