"""Modules that are spread over devices, as accelerate's device_map does it, are recorded where they lie."""

import copy
import functools

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import load_module
from interp.errors import CheckpointError
from interp.network.tracing.offloaded import with_values
from interp.recording import record_activations
from interp.store import open_recording
from interp.types import Provenance


class Hook:
    """Moves inputs to where a module's parameters are, as accelerate's AlignDevicesHook does."""

    def __init__(self):
        self.calls = 0

    def pre_forward(self, module, *args):
        self.calls += 1
        place = next(module.parameters(), torch.empty(0)).device
        return tuple(value.to(place) for value in args)


def dispatched(module):
    """Replace the forward of each leaf as `accelerate.hooks.add_hook_to_module` does."""
    for part in module.modules():
        if not list(part.children()):
            hook, old = Hook(), part.forward
            part._hf_hook, part._old_forward = hook, old

            def forward(*args, part=part, hook=hook, old=old):
                return old(*hook.pre_forward(part, *args))

            part.forward = functools.update_wrapper(forward, old)
    return module


def recorded(network, path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3
    model, data = load_module(network, {"x_train": x[:40], "y_train": y[:40], "x_test": x[40:], "y_test": y[40:]})
    record_activations(model, data, path, Provenance(model.digest, data.digest, 0, {}, {}))
    with open_recording(path) as found:
        return {name: found.z[name][:] for name in found.z}


def test_a_dispatched_module_is_recorded_through_its_hooks(tmp_path):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    expected = recorded(plain, tmp_path / "plain.h5")
    spread = dispatched(plain)
    before = spread[0]._hf_hook.calls
    found = recorded(spread, tmp_path / "spread.h5")
    assert spread[0]._hf_hook.calls > before
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


class Loading(Hook):
    """Keeps a part's parameters elsewhere, and loads them while it runs, as accelerate's `AlignDevicesHook` does."""

    def __init__(self, part):
        super().__init__()
        self.execution_device = torch.device("cpu")
        self.weights_map = {own: tensor.detach().clone() for own, tensor in part.named_parameters()}

    def pre_forward(self, module, *args):
        self.calls += 1
        for own, tensor in self.weights_map.items():
            part, _, last = own.rpartition(".")
            setattr(module.get_submodule(part), last, nn.Parameter(tensor.clone(), requires_grad=False))
        return args

    def post_forward(self, module):
        for own in self.weights_map:
            part, _, last = own.rpartition(".")
            old = getattr(module.get_submodule(part), last)
            setattr(module.get_submodule(part), last, nn.Parameter(torch.empty_like(old, device="meta"), False))


def offloaded(module, parts):
    """Keep the parameters of some parts elsewhere."""
    for name in parts:
        part = module.get_submodule(name)
        hook, old = Loading(part), part.forward
        part._hf_hook = hook
        hook.place_submodules = bool(list(part.children()))

        def forward(*args, part=part, hook=hook, old=old):
            found = old(*hook.pre_forward(part, *args))
            hook.post_forward(part)
            return found

        part.forward = functools.update_wrapper(forward, old)
        hook.post_forward(part)
    return module


def nested():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 4), nn.ReLU()), nn.Linear(4, 3)).eval()


def test_a_module_whose_weights_are_loaded_as_its_parts_run_is_recorded(tmp_path):
    expected, whole = recorded(nested(), tmp_path / "plain.h5"), nested()
    for number, parts in enumerate([["0", "2.0", "3"], ["2", "3"], ["0"]]):
        spread = offloaded(nested(), parts)
        assert any(tensor.is_meta for tensor in spread.parameters())
        read = {name: with_values(spread, name, one) for name, one in spread.named_parameters()}
        assert all(torch.equal(read[name], one) for name, one in whole.named_parameters())
        found = recorded(spread, tmp_path / f"{number}.h5")
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        assert any(tensor.is_meta for tensor in spread.parameters()), "they are put away again"


class Mixed(nn.Module):
    """Batch norms behind linear maps, and weights that functions are called with."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)
        self.second, self.behind = nn.Linear(5, 5), nn.LayerNorm(5)

    def forward(self, x):
        h = torch.relu(self.norm(self.first(x)))
        return self.last(self.behind(nn.functional.gelu(self.second(h))))


class Own(nn.Module):
    """A linear map and a batch norm without modules."""

    def __init__(self):
        super().__init__()
        self.weight, self.shift = nn.Parameter(torch.randn(5, 4)), nn.Parameter(torch.randn(5))
        self.register_buffer("mean", torch.randn(5))
        self.register_buffer("variance", torch.ones(5))
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        z = nn.functional.linear(x, self.weight)
        z = nn.functional.batch_norm(z, self.mean, self.variance, bias=self.shift)
        return self.out(nn.functional.silu(z))


@pytest.mark.parametrize(("made", "parts"), [(Mixed, ["first", "norm", "second", "behind"]), (Own, [""])])
def test_layers_are_those_of_the_whole_network_whatever_reads_the_loaded_weights(made, parts, tmp_path):
    torch.manual_seed(0)
    whole = made().eval()
    spread = offloaded(copy.deepcopy(whole), parts)
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    found, expected = (load_module(one, (x, np.arange(30) % 3))[0].layers for one in (spread, whole))
    assert [(one.name, one.activation, one.tap) for one in found] == [
        (one.name, one.activation, one.tap) for one in expected
    ]
    values, those = recorded(spread, tmp_path / "spread.h5"), recorded(whole, tmp_path / "whole.h5")
    assert values.keys() == those.keys()
    assert all(np.array_equal(values[name], those[name]) for name in those)


def test_parameters_without_values_anywhere_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="without values"):
        recorded(nested().to("meta"), tmp_path / "a.h5")


def test_accelerates_own_hooks(tmp_path):
    """Where accelerate is installed: parameters on the disk and in memory, loaded as their parts run."""
    accelerate = pytest.importorskip("accelerate")
    expected, cpu = recorded(nested(), tmp_path / "plain.h5"), torch.device("cpu")
    spread = {
        "mapped": accelerate.dispatch_model(nested(), device_map={"": "cpu"}, force_hooks=True),
        "memory": accelerate.cpu_offload(nested(), execution_device=cpu),
        "disk": accelerate.disk_offload(nested(), tmp_path / "disk", execution_device=cpu),
        "whole": accelerate.disk_offload(
            nested(), tmp_path / "whole", execution_device=cpu, preload_module_classes=["Sequential"]
        ),
        "mixed": accelerate.dispatch_model(
            nested(), {"0": "cpu", "1": "cpu", "2": "disk", "3": "cpu"}, main_device="cpu",
            offload_dir=tmp_path / "mixed", force_hooks=True,
        ),
    }  # fmt: skip
    for name, module in spread.items():
        found = recorded(module, tmp_path / f"{name}.h5")
        assert all(np.array_equal(found[layer], expected[layer]) for layer in expected), name
