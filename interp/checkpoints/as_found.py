"""A module in memory, run in eval mode and left as it was found."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.adapted import Adapted
from interp.network.tracing.without_values import refused
from interp.types.annotations.edge import checked


@checked
@contextmanager
def as_found(module: nn.Module) -> Iterator[None]:
    """Run a module in eval mode, then leave it as it was found.

    Restored, also after an exception: of every submodule the mode, the hooks, the buffers with their values, the
    parameters with `requires_grad` and the tensor in `grad`, and all other attributes; and the states of the random
    number generators of torch, numpy and Python. Not restored is what lies outside the module or within an attribute's
    own value, such as a list to which a hook of the user's appends.

    Parameters
    ----------
    module
        Module in any mode, on any device. Where it holds weights that are kept elsewhere, and are loaded as its parts
        run, a function that reads one which is not there raises `CheckpointError` in the block.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    >>> with as_found(net):
    ...     print(net.training, net[1].training)
    False False
    >>> net.training, net[1].training
    (True, True)
    """
    whole = [module, module.__dict__["network"]] if isinstance(module, Adapted) else [module]
    with ExitStack() as stack:
        stack.enter_context(_random_states(module))
        for part in dict.fromkeys(part for one in whole for part in one.modules()):
            stack.callback(_restorer(part))
        for one in whole:
            one.eval()
        stack.enter_context(refused(module))
        yield


@contextmanager
def _random_states(module: nn.Module) -> Iterator[None]:
    """Put the states of all random number generators back at the end."""
    devices = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
    ours, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng([device for device in devices if device.type == "cuda"]):
        try:
            yield
        finally:
            random.setstate(ours)
            np.random.set_state(theirs)  # noqa: NPY002


def _restorer(part: nn.Module) -> Callable[[], None]:
    """Give what sets a module's own attributes and the values of its buffers back to what they are now."""
    attributes = dict(vars(part))
    inner = {name: copy.copy(value) for name, value in attributes.items() if isinstance(value, dict)}
    buffers = [(buffer, buffer.detach().clone()) for buffer in part.buffers(recurse=False)]
    parameters = [(one, one.requires_grad, one.grad) for one in part.parameters(recurse=False)]

    def restore() -> None:
        _refill(vars(part), attributes)
        for name, value in inner.items():
            _refill(attributes[name], value)
        for buffer, values in buffers:
            _put_back(buffer, values)
        for parameter, requires_grad, grad in parameters:
            parameter.requires_grad_(requires_grad)
            parameter.grad = grad

    return restore


def _refill(entries: dict[str, Any], before: dict[str, Any]) -> None:
    entries.clear()
    entries.update(before)


@torch.no_grad()
def _put_back(buffer: Tensor, values: Tensor) -> None:
    """Write values into a buffer that changed; one that did not is not written to, so that its version stays."""
    if buffer.shape != values.shape:
        buffer.data = values
    elif not bool(((buffer == values) | ((buffer != buffer) & (values != values))).all()):  # NaN equals NaN here
        buffer.copy_(values)
