"""path or module -> LoadedModel: a file is read, a network drafted from it and examined on its data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from interp.checkpoints.architectures.named import is_named, named_digest
from interp.checkpoints.architectures.zoo_files import zoo_data
from interp.checkpoints.channels import draft_in_channels
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.examine import examine
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.read import file_digest, read_contents
from interp.checkpoints.live import load_module
from interp.checkpoints.options import LoadOptions, Network, check_options
from interp.data import DataOptions, load_dataset
from interp.errors import UsageError
from interp.types import Dataset, LoadedModel
from interp.types.annotations.edge import checked


@checked
def load_model(
    path: Network,
    data: Any = None,
    options: LoadOptions = LoadOptions(),
    data_options: DataOptions = DataOptions(),
) -> tuple[LoadedModel, Dataset | None]:
    """Open a checkpoint, or take a module in memory, as a network that all stages can run on.

    Parameters
    ----------
    path
        Path of a checkpoint; ``torchvision:NAME`` or ``timm:NAME``, with weights from `LoadOptions.weights` or drawn at
        random; or a module in memory, as `load_module` takes it.
    data
        Data set, or whatever `interp.data.load_dataset` takes as one; None for the one that a zoo checkpoint names.
    options
        Facts and settings that the user states of the model.
    data_options
        Folders and options that data are looked for with.

    Returns
    -------
    model
        Network with its layers, the facts inferred of it and its scores.
    data
        Data set whose targets have the form that the task compares with; None if neither user nor file names one.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    UsageError
        If an option, or the path, is of another kind than it should be.

    Examples
    --------
    >>> model, data = load_model("zoo/pretrained/abs-digits.pt")
    >>> model.scaling.name, [layer.nodes for layer in model.layers], data.name
    ('x/16', [48, 10], 'digits')
    """
    if isinstance(path, nn.Module):
        return load_module(path, data, options, data_options)
    check_options(options)
    contents = _contents(path, options)
    spec = zoo_data(contents, path) if data is None and contents.format == "zoo" else data
    dataset = None if spec is None else load_dataset(spec, data_options)
    asked = Request(path, contents, dataset, options)
    found = draft_in_channels(asked)
    digest = named_digest(str(path), found.module) if is_named(path) else file_digest(path)
    return examine(found, asked, digest), found.data


def _contents(path: str | Path, options: LoadOptions) -> Contents:
    """Read the file, or the file with the weights of an architecture given by name."""
    if not is_named(path):
        if options.weights is not None:
            raise UsageError(
                f"--weights {options.weights}",
                found=f"the checkpoint {path}",
                expected="torchvision:NAME or timm:NAME in its place",
                do="leave --weights out, or name the architecture",
            )
        return _read(path, options)
    library = str(path).partition(":")[0]
    if options.weights is None:
        return Contents({}, library)
    return replace(_read(options.weights, options), format=library)


def _read(path: str | Path, options: LoadOptions) -> Contents:
    return read_contents(
        path, options.allow_pickle, options.format, options.member, options.prefix, options.fixed_point
    )
