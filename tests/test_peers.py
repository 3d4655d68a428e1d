"""The same numbers as Captum's, on networks of several kinds."""

import numpy as np
import pytest
import torch
from captum.attr import LayerActivation, LayerFeatureAblation
from small_networks import loaded
from torch import nn

from interp.interventions import ablate
from interp.interventions.edits import on_values
from interp.network.hooks import edit, tap
from interp.network.replay import Replay
from interp.network.tracing.calls import place_of
from interp.verdict.attribution.ablation import node_mask
from interp.verdict.attribution.target import Target


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def resnet():
    from torchvision.models import resnet18

    net = resnet18(num_classes=5)
    for part in net.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False  # Captum's hooks need z to stay what it was
    return net


def vit():
    from torchvision.models import VisionTransformer

    return VisionTransformer(image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=12)


NETWORKS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 5)), (20,)),
    "lenet": (lenet, (1, 28, 28)),
    "resnet18": (resnet, (3, 16, 16)),
    "vit": (vit, (3, 16, 16)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_activations_and_ablations_are_captums(name):
    torch.manual_seed(0)
    kind, shape = NETWORKS[name]
    model = loaded(kind().requires_grad_(False), shape)
    if name == "vit":
        nn.init.normal_(model.module.heads.head.weight)  # drawn as zeros, under which nothing matters
    net, x = model.module, torch.randn(2, *shape)
    with tap(net, model.layers) as values:
        base = net(x)
    reached = [la for la in model.layers if isinstance(place_of(net, la.tap), nn.Module) and la.layout == "samples"]
    assert len(reached) >= min(2, len(model.layers))
    for layer in reached:
        theirs = LayerActivation(net, place_of(net, layer.tap)).attribute(x)
        np.testing.assert_allclose(values[layer.name], theirs, atol=1e-5)
    for layer in [reached[0], reached[len(reached) // 2], reached[-1]]:
        if layer.activation == "custom":
            continue
        each = node_mask(
            Target(model, layer, x, torch.ones(len(x), dtype=torch.int64), Replay(net, [layer])), np.arange(layer.nodes)
        )
        mask = each % 3  # three groups of nodes, which Captum silences together
        theirs = LayerFeatureAblation(net, place_of(net, layer.tap)).attribute(
            x, layer_baselines=0, target=1, layer_mask=mask
        )
        nodes = tuple(range(0, layer.nodes, 3))
        silence = ablate(0, 0.0)
        with edit(net, layer, *on_values(type(silence)(after=silence.after, nodes=nodes), layer)):
            ours = (base - net(x))[:, 1]
        first = (
            theirs.movedim(1 if layer.kind.startswith("conv") else -1, 1).flatten(2)[:, 0, 0]
            if theirs.dim() > 2
            else theirs[:, 0]
        )
        np.testing.assert_allclose(ours, first, atol=1e-5)
