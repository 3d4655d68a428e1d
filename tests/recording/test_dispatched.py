"""Modules that are spread over devices, as accelerate's device_map does it, are recorded where they lie."""

import functools

import numpy as np
import torch
from torch import nn

from interp.checkpoints import load_module
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
