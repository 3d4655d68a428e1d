"""path -> LoadedModel: the reader is chosen by content, then the network is built and looked at."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from interp.activations import ACTIVATIONS
from interp.checkpoints.contents import Contents
from interp.checkpoints.infer import check_labels, infer_reading
from interp.checkpoints.layers import only_child, sequential_steps
from interp.checkpoints.onnx_files import read_onnx
from interp.checkpoints.placement import Placement, image_placements
from interp.checkpoints.readings import OUTPUTS
from interp.checkpoints.rebuild import chain_of, rebuild
from interp.checkpoints.safetensors_files import read_safetensors
from interp.checkpoints.scaling import choose_scaling
from interp.checkpoints.sniff import sniff
from interp.checkpoints.stack import layer_stack
from interp.checkpoints.tensors import checked_state
from interp.checkpoints.torch_files import read_torch
from interp.checkpoints.torchscript_files import read_torchscript
from interp.checkpoints.trained import nearest_mean_accuracy
from interp.checkpoints.user_model import build_user_model
from interp.checkpoints.zoo_files import build_zoo_model, zoo_data, zoo_facts
from interp.datasets import RAW, DataOptions, load_dataset, parse_scaling
from interp.errors import CheckpointError, DataError, UsageError, first_line, unknown_name
from interp.inputs import as_tensor, fitting_shape, input_blocks
from interp.nodes import find_layers
from interp.scoring import predict
from interp.types import Dataset, Inference, LoadedModel, Scaling

READERS: dict[str, Callable[[Path, str, bool], Contents]] = {
    "torch-zip": read_torch,
    "torch-legacy": read_torch,
    "torchscript": read_torchscript,
    "safetensors": read_safetensors,
    "onnx": read_onnx,
}


@dataclass(frozen=True)
class LoadOptions:
    """What the user says of a model; None where it is to be inferred.

    Attributes
    ----------
    model
        ``package.module:callable`` that returns the module the weights belong to.
    scaling
        As `interp.datasets.parse_scaling` reads it.
    activation
        A name of `interp.activations.ACTIVATIONS`.
    output
        ``linear``, ``activation`` or ``negated-activation``.
    allow_pickle
        Let the file run code.
    """

    model: str | None = None
    scaling: str | None = None
    activation: str | None = None
    output: str | None = None
    allow_pickle: bool = False


def read_contents(path: str | Path, allow_pickle: bool = False) -> Contents:
    """Read a file's weights with the reader that its content asks for.

    Raises
    ------
    CheckpointError
        If it holds none, or would have to run code.
    """
    format = sniff(Path(path))
    return READERS[format](Path(path), format, allow_pickle)


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
        The file.
    data
        A data set or its name; a zoo checkpoint names its own.
    options, data_options
        What the user gave.

    Returns
    -------
    model
        Ready to be looked at.
    data
        The data set, or None if neither user nor file names one.

    Raises
    ------
    CheckpointError
        If the file cannot be read as a network.
    DataError
        If the data are not this network's.
    """
    check_options(options)
    contents = read_contents(path, options.allow_pickle)
    contents = replace(contents, state=checked_state(contents.state, path))
    spec = zoo_data(contents, path) if data is None and contents.format == "zoo" else data
    dataset = load_dataset(spec, data_options) if isinstance(spec, str) else spec
    draft = _draft(contents, path, dataset, options)
    return replace(draft, digest=file_digest(path)), dataset


def check_options(options: LoadOptions) -> None:
    """Raise `UsageError` for a name the user gave that is none, with the close ones."""
    known = {"--activation": (options.activation, ACTIVATIONS), "--output": (options.output, OUTPUTS)}
    for option, (name, names) in known.items():
        if name is not None and name not in names:
            raise unknown_name(option, name, names)


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _draft(contents: Contents, path: str | Path, data: Dataset | None, options: LoadOptions) -> LoadedModel:
    """Choose how the module comes about; the digest is filled in by the caller."""
    if options.model is not None:
        module = build_user_model(options.model, contents.state, path)
        architecture = Inference(options.model, "certain", "given with --model")
        return _from_module(module, architecture, contents, path, data, options)
    if contents.format == "zoo":
        return _from_zoo(contents, path, data, options)
    if contents.module is not None:
        name = f"{type(contents.module).__module__}:{type(contents.module).__qualname__}"
        architecture = Inference(name, "certain", "unpickled, as --allow-pickle asks")
        return _from_module(contents.module.float().eval(), architecture, contents, path, data, options)
    steps = sequential_steps(contents.parts, only_child(contents.parts)) if contents.parts else None
    if steps is not None and data is not None:
        why = "; ".join(("layers listed in order in the file", *contents.notes))
        architecture = Inference("-".join(type(step).__name__ for _, step in steps), "certain", why)
        return _from_module(chain_of(steps), architecture, contents, path, data, options)
    return _from_stack(contents, path, data, options)


# --------------------------------------------------------------------------- three ways to a module


def _from_zoo(contents: Contents, path: str | Path, data: Dataset | None, options: LoadOptions) -> LoadedModel:
    module = build_zoo_model(contents, path)
    facts, shape = zoo_facts(contents)
    scaling = parse_scaling(options.scaling or contents.metadata["scaling"], data)
    if options.scaling is not None:
        facts["input_scaling"] = Inference(scaling.name, "certain", "given with --scaling")
    return _examine(module, contents, path, data, scaling, facts, shape)


def _from_module(
    module: nn.Module,
    architecture: Inference,
    contents: Contents,
    path: str | Path,
    data: Dataset | None,
    options: LoadOptions,
) -> LoadedModel:
    if data is None:
        raise UsageError(
            str(path),
            found="a module without data",
            expected="data to run it on",
            do="pass --data digits, mnist or a file",
        )
    shape = fitting_shape(module, data, RAW, str(path))
    _checked_example(module, data, RAW, shape, path)
    scaling, why = choose_scaling(module, data, shape, options.scaling)
    return _examine(module, contents, path, data, scaling, {"architecture": architecture, "input_scaling": why}, shape)


def _from_stack(contents: Contents, path: str | Path, data: Dataset | None, options: LoadOptions) -> LoadedModel:
    layers, order = layer_stack(contents.state, path, contents.parts)
    shape: tuple[int, ...] = (layers[0].weight.shape[1],)
    places: list[Placement] = []
    if layers[0].is_convolution:
        shape, places = image_placements(layers, data, path)
    widths = (layers[0].weight.shape[1], *(len(layer.weight) for layer in layers))
    notes = "; ".join(("parameter shapes", *contents.notes, order))
    given = {"scaling": options.scaling, "activation": options.activation, "output": options.output}
    reading, inferred = infer_reading(layers, data, given, places)
    facts = {"architecture": Inference("-".join(map(str, widths)), "certain", notes), **inferred}
    ends = sorted({part.kind for part in contents.parts.values()} & {"Sigmoid", "Softmax", "LogSoftmax"})
    if ends and options.output is None:  # order-preserving, so no prediction tells whether it acts on the output
        said = facts["output"]
        why = f"{said.evidence}; the file also names a {' and a '.join(ends)}, whose place only its code tells"
        facts["output"] = Inference(said.value, "uncertain", why)
    return _examine(rebuild(layers, reading), contents, path, data, reading.scaling, facts, shape)


# --------------------------------------------------------------------------- looking at the module


def _examine(
    module: nn.Module,
    contents: Contents,
    path: str | Path,
    data: Dataset | None,
    scaling: Scaling,
    facts: dict[str, Inference],
    shape: tuple[int, ...],
) -> LoadedModel:
    """Run the module once to find its nodes, and over the data for its accuracy."""
    example = torch.zeros(2, *shape) if data is None else _checked_example(module, data, scaling, shape, path)
    structure = find_layers(module, example)
    if not structure.layers:
        raise CheckpointError(
            path, found="no linear map", expected="a network of Linear or Conv layers", do="see interp.nodes.NODE_KINDS"
        )
    model = LoadedModel(
        module=module,
        layers=structure.layers,
        path=str(path),
        format=contents.format,
        digest="",
        scaling=scaling,
        input_shape=shape,
        output=structure.output,
        inferred={},
        skipped=structure.skipped,
        metadata=contents.metadata,
    )
    accuracy = accuracies(model, data) if data is not None else {}
    seen = {
        "activation": Inference(_hidden_activation(model), "certain", "seen while the module ran"),
        "output": Inference(structure.output, "certain", "seen while the module ran"),
        "trained": _trained_from(accuracy, data),
    }
    return replace(model, accuracy=accuracy, inferred={**seen, **facts})


def _checked_example(
    module: nn.Module, data: Dataset, scaling: Scaling, shape: tuple[int, ...], path: str | Path
) -> torch.Tensor:
    """Take two samples, after making sure that these data are the network's."""
    if data.width != math.prod(shape):
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{math.prod(shape)}, as {path} takes",
            do="give its own data",
        )
    example = as_tensor(data.train.inputs[:2], scaling, shape)
    try:
        with torch.no_grad():
            outputs = module(example)
    except Exception as error:  # any module may fail in its own way
        raise CheckpointError(
            path,
            found=f"a network that fails on inputs of shape {shape} ({first_line(error)})",
            expected="one that takes them",
            do="check the shapes the file states, or pass your own class with --model",
        ) from error
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2:
        what = (
            f"outputs of shape {tuple(outputs.shape)}" if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        )
        raise CheckpointError(
            path,
            found=what,
            expected="one tensor (batch, classes)",
            do="wrap the module with --model so that it gives one",
        )
    check_labels(data, outputs.shape[1])
    return example


def _hidden_activation(model: LoadedModel) -> str:
    names = sorted({layer.activation for layer in model.layers[:-1]})
    return ", ".join(names) or "identity"


@torch.no_grad()
def accuracies(model: LoadedModel, data: Dataset) -> dict[str, float]:
    """Give the share of right predictions for each split that has labels."""
    found = {}
    for name, split in data.splits.items():
        if split.labels is None:
            continue
        right = 0
        for rows, x in input_blocks(model, split.inputs):
            guess = predict(model.module(x), model.output).cpu().numpy()
            right += int((guess == split.labels[rows]).sum())
        found[name] = right / len(split)
    return found


def _trained_from(accuracy: Mapping[str, float], data: Dataset | None) -> Inference:
    if not accuracy or data is None or data.train.labels is None:
        return Inference(None, "uncertain", "no labels to measure it by")
    floor = nearest_mean_accuracy(data.train.inputs, data.train.labels)
    evidence = f"{accuracy['train']:.2%} right on training rows; nearest class means reach {floor:.2%}"
    return Inference(True, "likely", evidence) if accuracy["train"] > floor else Inference(None, "uncertain", evidence)
