"""A module looked at: run once to find its nodes, and over the data for its accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from interp.checkpoints.infer import check_labels
from interp.checkpoints.request import Request
from interp.checkpoints.trained import nearest_mean_accuracy
from interp.errors import CheckpointError, DataError, first_line
from interp.inputs import as_tensor, input_blocks
from interp.nodes import find_layers
from interp.scoring import predict
from interp.types import Dataset, Inference, LoadedModel, Scaling


def examine(
    module: nn.Module,
    asked: Request,
    scaling: Scaling,
    facts: dict[str, Inference],
    shape: tuple[int, ...],
) -> LoadedModel:
    """Run the module once to find its nodes, and over the data for its accuracy.

    Parameters
    ----------
    facts
        What is known of it beside what is seen here; it stands where both say something.
    shape
        Of one sample.

    Raises
    ------
    CheckpointError, DataError
        If it fails on such samples, gives no scores, or holds no nodes.
    """
    path, data = asked.path, asked.data
    example = torch.zeros(2, *shape) if data is None else checked_example(module, data, scaling, shape, path)
    structure = find_layers(module, example)
    if not structure.layers:
        raise CheckpointError(
            path, found="no linear map", expected="a network of Linear or Conv layers", do="see interp.nodes.NODE_KINDS"
        )
    model = LoadedModel(
        module=module,
        layers=structure.layers,
        path=str(path),
        format=asked.contents.format,
        digest="",
        scaling=scaling,
        input_shape=shape,
        output=structure.output,
        inferred={},
        skipped=structure.skipped,
        metadata=asked.contents.metadata,
    )
    accuracy = accuracies(model, data) if data is not None else {}
    seen = {
        "activation": Inference(_hidden_activation(model), "certain", "seen while the module ran"),
        "output": Inference(structure.output, "certain", "seen while the module ran"),
        "trained": _trained_from(accuracy, data),
    }
    return replace(model, accuracy=accuracy, inferred={**seen, **facts})


def checked_example(
    module: nn.Module, data: Dataset, scaling: Scaling, shape: tuple[int, ...], path: object
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
