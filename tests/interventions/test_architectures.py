"""LeNet, half a ResNet-18 and a vision transformer: counts are those of the whole network under forward hooks."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from small_networks import Hidden, dataset, loaded
from torch import nn

from interp.interventions import (
    InterventionOptions,
    Ranges,
    ablate,
    clamp_curves,
    intervene,
    on_nodes,
    output_ranges,
    sweep_group,
    tally,
)
from interp.interventions.edits import INTERVENTIONS
from interp.types import Split

SAMPLES = 20
LEVELS = {"scale": 0.2, "clip": 0.1, "offset": -0.3, "clamp-min": 0.5, "clamp-max": 0.2, "zero": 0.9, "mean": 0.8}


def lenet():
    chain = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return chain, (1, 28, 28), chain[-1]


def resnet():
    models = pytest.importorskip("torchvision.models")
    module = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=10)
    return module, (3, 16, 16), module.fc


def vit():
    vision = pytest.importorskip("torchvision.models.vision_transformer")
    module = vision.VisionTransformer(
        image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=5, num_classes=10
    )  # five tokens and five nodes: axes that are mixed up would not be noticed by shape
    nn.init.normal_(module.heads.head.weight)
    return module, (3, 16, 16), module.heads.head


# Layer -> module that computes its output and which of the module's calls that is; z where the block adds first.
NETWORKS = {
    "lenet": (lenet, {"0": ("1", 0), "3": ("4", 0), "7": ("8", 0), "9": ("10", 0), "11": ("11", 0)}),
    "lenet, hidden": (
        lambda: (Hidden((made := lenet())[0]), *made[1:]),
        {"parts.0": ("parts.1", 0), "parts.7": ("parts.8", 0), "parts.11": ("parts.11", 0)},
    ),
    "resnet": (
        resnet,
        {
            "conv1": ("relu", 0),
            "layer1.0.conv1": ("layer1.0.relu", 0),
            "layer2.0.downsample.0": ("layer2.0.downsample.1", 0),
            "layer4.0.conv2": ("layer4.0.bn2", 0),
            "fc": ("fc", 0),
        },
    ),
    "vit": (
        vit,
        {
            "conv_proj": ("conv_proj", 0),
            **{
                f"encoder.layers.encoder_layer_{i}.mlp.{j}": (f"encoder.layers.encoder_layer_{i}.mlp.{k}", 0)
                for i in range(2)
                for j, k in ((0, 1), (3, 3))
            },
            "heads.head": ("heads.head", 0),
        },
    ),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """Give a network with random weights, data it is right on four times in five, and ranges measured by hooks."""
    make, places = NETWORKS[request.param]
    torch.manual_seed(0)
    module, shape, last = make()
    module.eval()
    x = torch.randn(SAMPLES, *shape)
    with torch.no_grad():
        logits = module(x)
        last.weight /= logits.std(0)[:, None]  # else a random network says the same of every input
        last.bias /= logits.std(0)
        last.bias -= module(x).mean(0)
        labels = module(x).argmax(1).numpy()
    labels = np.where(np.arange(SAMPLES) % 5 == 0, (labels + 1) % 10, labels)
    model = loaded(module, shape)
    split = Split(x.flatten(1).numpy(), labels.astype(np.int64))
    ranges = {name: measured(model, name, places[name], x) for name in places}
    return model, places, split, x, ranges


def by_node(values, kind):
    """Lay values out as (nodes, all else)."""
    return (values.transpose(0, 1) if kind.startswith("conv") else values.movedim(-1, 0)).flatten(1)


def measured(model, name, place, x):
    seen = []
    run(model, x, place, lambda outputs: seen.append(outputs.clone()) or outputs)
    rows = by_node(seen[0], model.layer(name).kind)
    return Ranges(rows.amin(1).numpy(), rows.amax(1).numpy(), rows.double().mean(1).numpy())


@torch.no_grad()
def run(model, x, place, change):
    """Run the whole network with one call of one module's output changed."""
    name, wanted = place
    calls = iter(range(100))

    def hook(part, inputs, output):
        return change(output) if next(calls) == wanted else None

    with ExitStack() as stack:
        stack.callback(model.module.get_submodule(name).register_forward_hook(hook).remove)
        return model.module(x)


def by_definition(kind, level, ranges, layer, nodes=None):
    """Write the intervention down on values laid out with nodes last, one node after the other."""

    def change(values):
        last = values.movedim(1, -1) if layer.kind.startswith("conv") else values
        last = last.clone()
        for node in range(layer.nodes) if nodes is None else nodes:
            low, high = float(ranges.low[node]), float(ranges.high[node])
            edge, column = low + np.float32(level) * (high - low), last[..., node]
            last[..., node] = {
                "scale": lambda c: c * level,
                "clip": lambda c, e=edge: c.clamp(max=e),
                "offset": lambda c, a=low, b=high: (
                    c * np.float32((b - level * (b - a)) / b) + level * (b - a) if b > 0 else c
                ),
                "clamp-min": lambda c, e=edge: c.clamp(min=e),
                "clamp-max": lambda c, e=edge: c.clamp(max=e),
                "zero": lambda c: c * (1 - level),
                "mean": lambda c, m=float(ranges.mean[node]): c + level * (m - c),
            }[kind](column)
        return last.movedim(-1, 1) if layer.kind.startswith("conv") else last

    return change


def plain_hits(network, name, change, on_z):
    model, places, split, x, _ = network
    place = (model.layer(name).tap, 0) if on_z else places[name]
    return int((run(model, x, place, change).argmax(1).numpy() == split.labels).sum())


def on_z(kind):
    return kind in ("scale", "clip", "offset")


def test_whole_layers(network):
    model, places, split, _, ranges = network
    counts = []
    for name in places:
        layer = model.layer(name)
        edits = [INTERVENTIONS[kind](level, ranges[name]) for kind, level in LEVELS.items()]
        found = tally(model, layer, edits, split)
        expected = [
            plain_hits(network, name, by_definition(kind, level, ranges[name], layer), on_z(kind))
            for kind, level in LEVELS.items()
        ]
        assert found.hits.tolist() == expected, name
        assert found.baseline == SAMPLES * 4 // 5
        counts += expected
    assert len(set(counts)) > 5


def test_single_nodes_and_groups_of_nodes(network):
    model, places, split, _, ranges = network
    counts = []
    for name in places:
        layer, known = model.layer(name), ranges[name]
        nodes = (0, layer.nodes // 2, layer.nodes - 1)
        edits = [on_nodes(INTERVENTIONS[kind], LEVELS[kind], known, nodes) for kind in ("offset", "zero")]
        edits += [ablate(node, float(known.mean[node])) for node in nodes]
        found = tally(model, layer, edits, split)
        expected = [
            plain_hits(network, name, by_definition(kind, LEVELS[kind], known, layer, nodes), on_z(kind))
            for kind in ("offset", "zero")
        ]
        expected += [
            plain_hits(network, name, by_definition("mean", 1, known, layer, (node,)), False) for node in nodes
        ]
        assert found.hits.tolist() == expected, name
        counts += expected
    assert len(set(counts)) > 2


def test_layers_at_once(network):
    model, places, split, x, ranges = network
    found = sweep_group(model, split, ranges, list(places), "scale", 1)
    for level, accuracy in zip(found["level"], found["score"], strict=True):
        with ExitStack() as stack, torch.no_grad():
            for name in places:
                part = model.module.get_submodule(model.layer(name).tap)
                hook = lambda part, inputs, output, s=level: output * s  # noqa: E731
                stack.callback(part.register_forward_hook(hook).remove)
            outputs = model.module(x)
        assert round(accuracy * SAMPLES) == int((outputs.argmax(1).numpy() == split.labels).sum())


def test_ranges_curves_control_and_the_whole_stage(network):
    model, places, split, _, ranges = network
    for name in places:
        own = output_ranges(model, model.layer(name), split.inputs)
        assert np.allclose(own.low, ranges[name].low, rtol=1e-4, atol=1e-5)
        assert np.allclose(own.high, ranges[name].high, rtol=1e-4, atol=1e-5)
    last = list(places)[-1]
    curve = clamp_curves(model, model.layer(last), split, ranges[last], 2)
    assert (curve[curve["level"] == (curve["intervention"] == "clamp-max")]["score"] == 0.8).all()
    some = {last: ranges[last]}
    options = InterventionOptions(levels=1, curve_levels=2, control_samples=8, interventions=("scale",))
    found = intervene(model, dataset(train=split), some, {last: ranges[last].mean}, options)
    idle = found.control[(found.control["intervention"] == "offset") & (found.control["level"] == 0)]
    assert idle["agreement"].tolist() == [1, 1], "the network and its shuffled copy"
    assert found.baseline == {"train": 0.8}
    assert set(found.classes["class"]) == set(split.labels)
