import sys

import numpy as np
import pytest
import torch

from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.architectures.named import build_named, recognise
from interp.errors import CheckpointError, UsageError
from interp.types import Dataset, Split

NAME = "torchvision:squeezenet1_1"


def pictures(labels=False):
    drawn = np.random.default_rng(0).normal(size=(4, 3 * 32 * 32)).astype(np.float32)
    split = Split(drawn, np.array([0, 1, 2, 1]) if labels else None)
    return Dataset("drawn", {"train": split}, (3, 32, 32), tuple("abc") if labels else (), (), "0" * 64)


def test_without_weights_an_architecture_is_drawn_and_says_so():
    first, _ = load_model(NAME, pictures(True), LoadOptions(scaling="raw", seed=1))
    again, _ = load_model(NAME, pictures(True), LoadOptions(scaling="raw", seed=1))
    other, _ = load_model(NAME, pictures(True), LoadOptions(scaling="raw", seed=2))
    assert first.digest == again.digest != other.digest
    assert first.layers[-1].nodes == 3
    trained = first.inferred["trained"]
    assert (trained.value, trained.confidence) == (False, "certain")
    assert trained.evidence == "weights drawn at random with seed 1: never trained"


def test_weights_come_from_a_file_and_must_fit(tmp_path):
    net = build_named(NAME, None, classes=7, seed=3)
    torch.save(net.state_dict(), tmp_path / "seven.pth")
    said = LoadOptions(scaling="raw", weights=str(tmp_path / "seven.pth"))
    model, _ = load_model(NAME, pictures(), said)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(model.module(x), net(x))
    assert model.inferred["architecture"].value == NAME
    with pytest.raises(CheckpointError, match=r"missing .*; expected the names and shapes of the module"):
        load_model("torchvision:squeezenet1_0", pictures(), said)


def test_architectures_that_compute_with_values_as_they_are_built(tmp_path):
    """RegNets round widths that they hold in tensors; asked for an image size, they take none."""
    name = "torchvision:regnet_y_400mf"
    net = build_named(name, None, classes=3, side=32)
    assert recognise(net.state_dict()) == [name]
    torch.save(net.state_dict(), tmp_path / "regnet.pth")
    said = LoadOptions(scaling="raw", weights=str(tmp_path / "regnet.pth"))
    assert load_model(name, pictures(), said)[0].layers[-1].nodes == 3


def test_a_wrong_name_is_answered_with_close_ones():
    with pytest.raises(UsageError, match="did you mean resnet18 or"):
        load_model("torchvision:resnet81", pictures())


def test_weights_belong_to_a_name(tmp_path):
    with pytest.raises(UsageError, match="leave --weights out"):
        load_model(tmp_path / "net.pt", pictures(), LoadOptions(weights="x.pth"))


def test_without_timm_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match=r"no package timm.*pip install timm"):
        load_model("timm:resnet18", pictures())


def test_timm_by_name():
    pytest.importorskip("timm")
    with pytest.raises(UsageError, match="did you mean"):
        load_model("timm:vit_tiny_patch16_242", pictures())
    model, _ = load_model("timm:test_vit", pictures(), LoadOptions(scaling="raw"))
    assert any(layer.name.endswith("attn.proj") for layer in model.layers)


def test_a_bare_state_dict_is_recognised_by_names_and_shapes(tmp_path):
    net = build_named("torchvision:resnet18", None, classes=5)
    torch.save({"state_dict": {f"module.{k}": v for k, v in net.state_dict().items()}}, tmp_path / "bare.pt")
    model, _ = load_model(tmp_path / "bare.pt", pictures(), LoadOptions(scaling="raw"))
    found = model.inferred["architecture"]
    assert (found.value, found.confidence) == ("torchvision:resnet18", "likely")
    assert "names and shapes are those of torchvision:resnet18" in found.evidence
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(model.module(x), net(x))
    assert recognise(dict(sorted(net.state_dict().items()))) == ["torchvision:resnet18"]  # as other formats hold them
    assert recognise({"0.weight": torch.zeros(3, 4)}) == []
    shorter = {name: tensor for name, tensor in net.state_dict().items() if "layer4.1" not in name}
    assert recognise(shorter) == []


def test_a_few_tensors_are_not_compared_with_what_takes_seconds_to_import(monkeypatch):
    """A plain chain's ``layers.0.weight`` had all of torchvision imported."""
    monkeypatch.setitem(sys.modules, "torchvision", None)  # to import it is an error
    few = {"layers.0.weight": torch.zeros(3, 4)}
    assert recognise(few) == []
    with pytest.raises(ImportError):
        recognise(few | {str(number): torch.zeros(1) for number in range(60)})


@pytest.mark.parametrize("name", ["torchvision:resnet18", "torchvision:vit_b_16", "torchvision:swin_t"])
def test_weights_of_a_file_are_used_where_they_lie(name):
    """No second copy of them is made, and outputs are those of a network that the values were copied into."""
    made = build_named(name, None, classes=7, seed=3)
    state = made.state_dict()
    net = build_named(name, state)
    weights = dict(net.named_parameters())
    assert all(weights[key].data_ptr() == state[key].data_ptr() for key in weights)
    assert not any(tensor.is_meta for tensor in (*net.parameters(), *net.buffers()))
    x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(net(x), made(x), rtol=0, atol=0)


def test_buffers_that_no_file_holds_are_made():
    """An architecture with drawn or computed buffers that are not saved still has their values."""

    class Scaled(torch.nn.Module):
        def __init__(self, num_classes):
            super().__init__()
            self.last = torch.nn.Linear(4, num_classes)
            self.register_buffer("factor", torch.empty(4).fill_(2.0), persistent=False)

        def forward(self, x):
            return self.last(x * self.factor)

    made = Scaled(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.checkpoints.architectures.named._maker", lambda spec: Scaled)
        net = build_named("torchvision:scaled", made.state_dict())
    torch.testing.assert_close(net(torch.ones(1, 4)), made(torch.ones(1, 4)))
