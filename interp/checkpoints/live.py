"""module in memory -> LoadedModel."""

from __future__ import annotations

import copy
import hashlib
import re
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from interp.checkpoints.as_found import as_found
from interp.checkpoints.channels import draft_in_channels
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.examine import examine
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.options import LoadOptions, check_options
from interp.checkpoints.weights.quantised_modules import NOTE, in_floats
from interp.checkpoints.weights.tensors import checked_state, tensor_bytes
from interp.data import DataOptions, load_dataset
from interp.errors import CheckpointError, UsageError
from interp.network.tracing.offloaded import with_values
from interp.network.tracing.sharded import is_sharded
from interp.types import Dataset, LoadedModel

FORMAT = "module"
INNER = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}
"""Class of torch's that runs another module -> attribute that holds that module."""


def load_module(
    module: nn.Module,
    data: Any = None,
    options: LoadOptions = LoadOptions(),
    data_options: DataOptions = DataOptions(),
) -> tuple[LoadedModel, Dataset | None]:
    """Take a module in memory as a network that all stages can run on, and leave it as it was.

    Parameters
    ----------
    module
        Module on any device, in train or eval mode. It is run itself, in eval mode; one of another type than float32 is
        copied, and the copy is run.
    data
        Data set, or whatever `interp.data.load_dataset` takes as one; None for no data.
    options
        Facts and settings that the user states of the model, without those on its file.
    data_options
        Folders and options that data are looked for with.

    Returns
    -------
    model
        Network with its layers, the facts inferred of it and its scores; its format is ``module``. Whoever runs it
        later does so inside `as_found`.
    data
        Data set whose targets have the form that the task compares with; None if none is given.

    Raises
    ------
    CheckpointError
        If the module cannot be run or holds no nodes.
    DataError
        If the data are not this network's.
    UsageError
        If an option does not apply to a module in memory.

    Examples
    --------
    >>> model, data = load_module(nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)), "digits")
    >>> model.path, [layer.activation for layer in model.layers], len(data.train)
    ('<module Sequential>', ['relu', 'identity'], 1437)
    """
    check_options(options)
    where = f"<module {type(module).__name__}>"
    _check_module(module, where, options)
    floats = in_floats(_innermost(module), where)
    module, notes = (module, ()) if floats is None else (floats, (NOTE,))
    _check_parameters(module, where)
    dataset = None if data is None else load_dataset(data, data_options)
    digest, runs = module_digest(module), _in_a_network(_in_float32(_innermost(module)))
    with as_found(runs):
        asked = Request(where, Contents({}, FORMAT, module=runs, notes=notes), dataset, options)
        found = draft_in_channels(asked)
        return examine(found, asked, digest), found.data


def module_digest(module: nn.Module) -> str:
    """SHA-256 over a module's classes and settings, and over names, types, shapes and values of its tensors.

    What is not in it is the code of the classes.

    Examples
    --------
    >>> len(module_digest(nn.Linear(2, 1)))
    64
    """
    kind = type(module)
    words = re.sub(r" at 0x[0-9a-f]+", "", repr(module))  # addresses of functions differ between processes
    digest = hashlib.sha256(f"{kind.__module__}:{kind.__qualname__}\n{words}".encode())
    for name, tensor in module.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor_bytes(with_values(module, name, tensor)))
    return digest.hexdigest()


def _check_parameters(module: nn.Module, where: str) -> None:
    """Refuse parameters without usable numbers; buffers may be infinite, such as an attention's mask."""
    parameters = dict(module.named_parameters())
    elsewhere = [name for name, tensor in parameters.items() if tensor.is_meta]
    checked_state({name: tensor for name, tensor in parameters.items() if not tensor.is_meta}, where)
    for name in elsewhere:  # one at a time: they may not fit in memory
        checked_state({name: with_values(module, name, parameters[name])}, where)


def _check_module(module: nn.Module, where: str, options: LoadOptions) -> None:
    """Refuse what cannot be run here, and options that say where the weights of a file go."""
    said = [
        name
        for name in ("model", "weights", "allow_pickle", "format", "member", "prefix", "fixed_point", "heads")
        if getattr(options, name)
    ]
    if said:
        raise UsageError(
            where, found=f"{said[0]}={getattr(options, said[0])!r}", expected="no such option", do="leave it out"
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise CheckpointError(
            where,
            found="a TorchScript module",
            expected="a module of Python code",
            do="save it with torch.jit.save and give the file",
        )
    if is_sharded(module):
        raise CheckpointError(
            where,
            found="a module wrapped by FSDP, whose processes hold a part of each weight and must all run at once",
            expected="weights that are whole in each process",
            do="give one of fully_shard to interp.analyse in all processes inside `with interp.ranks.job():`, or"
            " load its full state dict into a plain module: get_model_state_dict with full_state_dict=True",
        )
    lazy = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if is_lazy(tensor)]
    if lazy:
        raise CheckpointError(
            where,
            found=f"{lazy[0]} without a shape",
            expected="parameters with values",
            do="run the module on one batch first",
        )


def _innermost(module: nn.Module) -> nn.Module:
    """Give the module that torch's own wrappers run."""
    while (name := INNER.get(type(module).__name__)) and isinstance(inner := getattr(module, name, None), nn.Module):
        module = inner
    return module


def _in_a_network(module: nn.Module) -> nn.Module:
    """Give the module itself; a single layer, which has no name of its own, as the only step of a network."""
    return nn.Sequential(module) if not any(True for _ in module.children()) else module


def _in_float32(module: nn.Module) -> nn.Module:
    """Give the module itself, or a copy in float32 of one of another type."""
    types = {one.dtype for one in (*module.parameters(), *module.buffers()) if one.is_floating_point()}
    return module if types <= {torch.float32} else copy.deepcopy(module).float()
