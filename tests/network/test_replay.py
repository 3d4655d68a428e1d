"""Runs from memory: the same outputs to the last bit, whatever stands between; nothing is given that may differ."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock
from torchvision.models.vision_transformer import VisionTransformer

from interp.interventions.edits import ablate, on_values
from interp.network.hooks import edit
from interp.network.replay import Replay
from interp.types import NodeLayer


class Counted(nn.ReLU):
    """A user's own module that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return F.relu(x)


class Own(nn.Module):
    """A network of one shared linear map, called three times, with an in-place change between."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.own, self.last = nn.Linear(4, 4), nn.Linear(4, 4), Counted(), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.own(self.first(x)))
        x += 1
        return self.last(self.shared(x))


def layer(tap: str, nodes: int = 4, kind: str = "linear") -> NodeLayer:
    return NodeLayer(tap, kind, nodes, 4, "identity", tap)


def runs(net: nn.Module, at: NodeLayer, x: Tensor) -> tuple[Replay, Tensor, Tensor]:
    """Silence node 0 from memory, and in the whole network."""
    replay, change = Replay(net, [at]), on_values(ablate(0, 0), at)
    with torch.no_grad():
        assert torch.equal(replay(lambda: net(x), is_plain=True), net(x))
        with edit(net, at, *change):
            return replay, replay(lambda: net(x)), net(x)


@pytest.fixture(scope="module")
def residual() -> nn.Module:
    torch.manual_seed(0)
    return resnet18(num_classes=7).eval()


@pytest.mark.parametrize("tap", ["bn1", "layer1.0.conv1", "layer2.0.downsample.1", "layer3.1.bn2", "layer4.0.conv2"])
def test_a_residual_network_gives_the_same_outputs_from_memory(residual, tap):
    replay, found, expected = runs(residual, layer(tap, 64, "conv2d"), torch.randn(3, 3, 32, 32))
    assert torch.equal(found, expected)
    assert replay.replayed > 0


def test_what_ends_before_the_layer_is_not_run(residual):
    at, x, seen = layer("layer3.0.conv1", 256, "conv2d"), torch.randn(2, 3, 32, 32), []
    replay = Replay(residual, [at])
    with torch.no_grad():
        replay(lambda: residual(x), is_plain=True)
        hooks = [
            block.conv1.register_forward_hook(lambda part, *_: seen.append(part))
            for block in residual.modules()
            if isinstance(block, BasicBlock)
        ]
        replay(lambda: residual(x))
    for hook in hooks:
        hook.remove()
    later = [residual.layer3[0], residual.layer3[1], residual.layer4[0], residual.layer4[1]]
    assert seen == [block.conv1 for block in later]


def test_a_users_own_module_is_run_each_time():
    net, at = Own().eval(), layer("last", 3)
    _, found, expected = runs(net, at, torch.randn(5, 4))
    assert torch.equal(found, expected)
    assert net.own.calls == 5  # written down, tried, and one for each of three more


def test_each_call_of_a_shared_module_gives_its_own_output():
    for tap, nodes, replayed in (("shared", 4, 2), ("last", 3, 4)):
        replay, found, expected = runs(Own().eval(), layer(tap, nodes), torch.randn(5, 4))
        assert torch.equal(found, expected)
        assert replay.replayed == replayed


def test_with_attention_nothing_is_given():
    net = nn.Sequential(nn.Linear(4, 4), nn.MultiheadAttention(4, 1, batch_first=True)).eval()

    def run() -> Tensor:
        x = net[0](torch.ones(1, 2, 4))
        return net[1](x, x, x)[0]

    at = NodeLayer("1", "linear", 12, 4, "identity", "1.in_proj_weight")
    replay = Replay(net, [at])
    with torch.no_grad():
        replay(run, is_plain=True)
    assert replay.replayed == 0


def test_a_network_that_does_not_give_the_same_twice_is_run_each_time():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    replay = Replay(net, [layer("1", 3)])
    with torch.no_grad():
        replay(lambda: torch.dropout(net(torch.ones(9, 4)), 0.5, train=True), is_plain=True)
    assert replay.replayed == 0


def test_the_network_is_left_as_it_was(residual):
    before = [dict(vars(part)) for part in residual.modules()]
    runs(residual, layer("layer2.0.conv1", 128, "conv2d"), torch.randn(2, 3, 32, 32))
    assert [vars(part).keys() for part in residual.modules()] == [one.keys() for one in before]


def test_no_more_is_kept_than_is_allowed(residual, monkeypatch):
    monkeypatch.setattr("interp.network.replay.MOST_BYTES", 100_000)
    replay, found, expected = runs(residual, layer("layer4.0.conv2", 512, "conv2d"), torch.randn(2, 3, 32, 32))
    assert torch.equal(found, expected)
    kept = sum(one.output.nbytes for one in replay._given.values())
    assert 0 < kept <= 100_000


def test_a_change_that_changes_nothing_gives_what_attention_does_with_the_whole_network_run():
    torch.manual_seed(0)
    net = VisionTransformer(8, 4, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=16, num_classes=3).eval()
    nn.init.normal_(net.heads.head.weight)  # zeros as they are drawn
    for tap in ("encoder_layer_0.mlp.0", "encoder_layer_1.self_attention.out_proj.weight"):
        _, found, expected = runs(net, layer(f"encoder.layers.{tap}", 16), torch.randn(20, 3, 8, 8))
        assert torch.equal(found, expected)
