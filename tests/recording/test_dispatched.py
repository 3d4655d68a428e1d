"""Modules that are spread over devices, as accelerate's device_map does it, are recorded where they lie."""

import copy
import functools

import h5py
import numpy as np
import pytest
import torch
from divided_networks import Own, TiedInPlace, TiedWithoutBias
from divided_networks import made as fixed
from torch import nn

import interp
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


def values(path):
    """Give every number and text of a file's results."""
    with h5py.File(path) as file:
        found, keep = {}, h5py.Dataset
        file.visititems(lambda name, at: found.update({name: at[()]} if isinstance(at, keep) else {}))
        return {name: value for name, value in found.items() if "provenance" not in name}


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
        self.execution_device, self.offload = torch.device("cpu"), True
        self.weights_map = {own: one.detach().clone() for own, one in part.named_parameters() if not one.is_meta}

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


def run_loaded(part, *args):
    found = part._old_forward(*part._hf_hook.pre_forward(part, *args))
    part._hf_hook.post_forward(part)
    return found


def offloaded(module, parts):
    """Keep the parameters of some parts elsewhere."""
    for name in parts:
        part = module.get_submodule(name)
        part._hf_hook, part._old_forward = Loading(part), part.forward
        part._hf_hook.place_submodules = any("." in own for own in part._hf_hook.weights_map)
        part.forward = functools.update_wrapper(functools.partial(run_loaded, part), part._old_forward)
        part._hf_hook.post_forward(part)
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


@pytest.mark.parametrize(
    ("made", "parts"), [(Mixed, ["first", "norm", "second", "behind"]), (functools.partial(Own, 4), [""])]
)
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


class Filled(nn.Module):
    """A linear map and a recurrent layer, and the weight of a linear map that a function reads."""

    def __init__(self):
        super().__init__()
        self.cells, self.weight = nn.LSTM(2, 5, batch_first=True), nn.Parameter(torch.randn(4, 5))
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        h = self.cells(x.unflatten(1, (2, 2)))[0][:, -1]
        z = nn.functional.linear(h, self.weight)
        return self.out(z.relu_())


def chained():
    return nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False))


@pytest.mark.parametrize(
    ("made", "parts", "only"),
    [(Filled, ["cells", "out", ""], "weight"), (Filled, [""], "cells.l0.hidden,weight"), (chained, [""], "0,2")],
)
@pytest.mark.usefixtures("few_draws")
def test_all_stages_find_what_they_find_of_the_whole_network(made, parts, only, tmp_path):
    torch.manual_seed(0)
    whole = made().eval()
    spread = offloaded(copy.deepcopy(whole), parts)
    data = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3
    asked = {"only": only, "quick": True, "read_copies": 2, "levels": 2, "nodes_per_layer": 2, "inputs": 12}
    for name, module in (("whole", whole), ("spread", spread)):
        interp.analyse(module, data, out=tmp_path / name, **asked)
    assert all(tensor.is_meta for name, tensor in spread.named_parameters()), "they are put away again"
    files = sorted(path.name for path in (tmp_path / "whole").glob("*.h5"))
    assert {"activations.h5", "attribution.h5", "boundaries.h5", "effects.h5", "reading.h5"} <= {*files}
    for name in files:
        expected, found = values(tmp_path / "whole" / name), values(tmp_path / "spread" / name)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            if np.asarray(value).dtype.kind == "f":
                np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=f"{name}: {key}")
            else:
                np.testing.assert_array_equal(found[key], value, err_msg=f"{name}: {key}")


@pytest.mark.parametrize("kind", [TiedWithoutBias, TiedInPlace])
def test_a_weight_that_is_read_while_it_is_not_loaded_is_refused(kind):
    """torch gives such a function a result, of whatever lies in memory."""
    whole, x = fixed(kind), np.random.default_rng(0).normal(size=(12, 12)).astype(np.float32)
    spread = offloaded(copy.deepcopy(whole), ["first", "shared"])
    with pytest.raises(CheckpointError, match=r"reads shared\.weight, which is kept elsewhere"):
        load_module(spread, (x, np.arange(12) % 3))
    together = offloaded(copy.deepcopy(whole), [""])
    models = [load_module(one, (x, np.arange(12) % 3))[0] for one in (whole, together)]
    assert models[0].scores == models[1].scores


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
