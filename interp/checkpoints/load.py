"""path -> LoadedModel: the file is read, then the network is built and looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from interp.checkpoints.architectures.named import is_named, named_digest
from interp.checkpoints.architectures.zoo_files import zoo_data
from interp.checkpoints.formats.contents import Contents
from interp.checkpoints.formats.readers import file_digest, read_contents
from interp.checkpoints.options import LoadOptions, check_options
from interp.checkpoints.request import Request
from interp.checkpoints.routes import draft
from interp.data import DataOptions, load_dataset
from interp.errors import UsageError
from interp.types import Dataset, LoadedModel


def load_model(
    path: str | Path,
    data: str | Dataset | None = None,
    options: LoadOptions = LoadOptions(),
    data_options: DataOptions = DataOptions(),
) -> tuple[LoadedModel, Dataset | None]:
    """Open a checkpoint, with the data that say how to read it.

    Parameters
    ----------
    path
        The file; or ``torchvision:NAME`` or ``timm:NAME``, with weights from `LoadOptions.weights` or drawn at random.
    data
        A data set or its name; a zoo checkpoint names its own.
    options, data_options
        What the user gave.

    Returns
    -------
    model
        Ready to be looked at.
    data
        The data set, its targets in the form that the task compares with; None if neither user nor file names one.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    check_options(options)
    contents = _contents(path, options)
    spec = zoo_data(contents, path) if data is None and contents.format == "zoo" else data
    dataset = load_dataset(spec, data_options) if isinstance(spec, str) else spec
    model, dataset = draft(Request(path, contents, dataset, options))
    digest = named_digest(str(path), model.module) if is_named(path) else file_digest(path)
    return replace(model, digest=digest), dataset


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
        return read_contents(path, options.allow_pickle)
    library = str(path).partition(":")[0]
    if options.weights is None:
        return Contents(library, {})
    return replace(read_contents(options.weights, options.allow_pickle), format=library)
