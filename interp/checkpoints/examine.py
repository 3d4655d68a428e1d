"""A module looked at: run once to find its nodes, and over the data for its score."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from interp.checkpoints.inference.expected import expected
from interp.checkpoints.inference.fit import doubt_of, doubted, judge_fit
from interp.checkpoints.inference.trained import judge_training
from interp.checkpoints.request import Request
from interp.errors import CheckpointError, DataError, first_line
from interp.network.inputs import BLOCK, IMAGE_BLOCK, as_tensor, channels_last, device_of, input_blocks, outputs_on
from interp.network.linear_maps import weight_of
from interp.network.nodes import find_layers
from interp.tasks import find_task
from interp.types import Dataset, Inference, LoadedModel, Scaling

FITTED = 5000
"""Training rows whose outputs are looked at."""


def examine(
    module: nn.Module,
    asked: Request,
    scaling: Scaling,
    facts: dict[str, Inference],
    shape: tuple[int, ...],
) -> LoadedModel:
    """Run the module once to find its nodes, and over the data for its score.

    Parameters
    ----------
    facts
        What is known of it beside what is seen here, the architecture at least; it stands where both say something.
    shape
        Of one sample.

    Raises
    ------
    CheckpointError, DataError
        If it fails on such samples, gives no scores, or holds no nodes.
    """
    outputs_of(module, asked, scaling, shape)
    structure = find_layers(module, _example(module, asked, scaling, shape))
    if not structure.layers:
        raise CheckpointError(
            asked.path,
            found="no linear map",
            expected="a network of Linear or Conv layers",
            do="add its class to interp.network.kinds.NODE_KINDS",
        )
    model = LoadedModel(
        module=module,
        layers=structure.layers,
        path=str(asked.path),
        format=asked.contents.format,
        digest="",
        scaling=scaling,
        input_shape=shape,
        output=structure.output,
        inferred={},
        skipped=structure.skipped,
        metadata=asked.contents.metadata,
        task=asked.task,
    )
    model = replace(model, scores=score_splits(model, asked.data) if asked.data is not None else {})
    fit, skill = _fit(model, asked.data)
    weights = [weight_of(module, layer).detach() for layer in structure.layers]
    firm = facts["architecture"].confidence  # what was seen is no surer than that it is this module that was trained
    found = {
        "activation": Inference(_hidden_activation(model), firm, "seen while the module ran"),
        "output": Inference(structure.output, firm, "seen while the module ran"),
        "trained": judge_training(weights, fit, skill),
        **facts,
    }
    return replace(model, inferred=found if fit is None else {**doubted(found, fit), "fit": fit})


def outputs_of(module: nn.Module, asked: Request, scaling: Scaling, shape: tuple[int, ...]) -> tuple[int, str]:
    """Run two samples, and give the number of outputs and what is done to the last layer's z.

    Raises
    ------
    CheckpointError, DataError
        If it fails on such samples, or gives no scores.
    """
    example = _example(module, asked, scaling, shape)
    try:
        with torch.no_grad():
            outputs = module(example)
    except Exception as error:  # any module may fail in its own way
        raise CheckpointError(
            asked.path,
            found=f"a network that fails on inputs of shape {shape} ({first_line(error)})",
            expected="one that takes them",
            do="check the shapes the file states, or pass your own class with --model",
        ) from error
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2:
        what = (
            f"outputs of shape {tuple(outputs.shape)}" if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        )
        raise CheckpointError(
            asked.path,
            found=what,
            expected="one tensor (batch, outputs)",
            do="wrap the module with --model so that it gives one",
        )
    return outputs.shape[1], find_layers(module, example).output


def _example(module: nn.Module, asked: Request, scaling: Scaling, shape: tuple[int, ...]) -> torch.Tensor:
    """Take two samples, after making sure that these data are the network's."""
    data = asked.data
    if data is None:
        return torch.zeros(2, *shape, device=device_of(module))
    if data.width != math.prod(shape):
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{math.prod(shape)}, as {asked.path} takes",
            do="give its own data",
        )
    return as_tensor(data.train.inputs[:2], scaling, shape).to(device_of(module))


def _hidden_activation(model: LoadedModel) -> str:
    names = sorted({layer.activation for layer in model.layers[:-1]})
    return ", ".join(names) or "identity"


@torch.no_grad()
def score_splits(model: LoadedModel, data: Dataset) -> dict[str, float]:
    """Give the score of each split that has something to compare with."""
    found, task = {}, find_task(model.task)
    module, size = channels_last(model.module), IMAGE_BLOCK if len(model.input_shape) > 1 else BLOCK
    for name, split in data.splits.items():
        values = task.answers(split)
        if values is None:
            continue
        scorer = task.scorer(values, model.scaling)
        total = 0.0
        for rows, x in input_blocks(model, split.inputs, size):
            marks, _ = scorer(module(x), torch.from_numpy(values[rows]).to(x.device), model.output)
            total += float(marks.double().sum())
        found[name] = total / len(split)
    return found


def _features(model: LoadedModel) -> int:
    """Count what the last layer reads: values, or channels where it is a convolution."""
    last = model.layers[-1]
    reach = weight_of(model.module, last).shape[2:] if last.kind.startswith("conv") else ()
    return last.inputs // math.prod(reach)


def _fit(model: LoadedModel, data: Dataset | None) -> tuple[Inference | None, float]:
    """Hold the score on training rows against what a network of this size should reach; with the skill that it is."""
    values = find_task(model.task).answers(data.train) if data is not None else None
    if data is None or values is None:
        return None, 0.0
    width = _features(model) if len(model.layers) > 1 else None
    rows = np.sort(np.random.default_rng(0).permutation(len(values))[:FITTED])
    outputs = outputs_on(model, data.train.inputs[rows])
    doubt = doubt_of(model.task, outputs, torch.from_numpy(values[rows]), model.output)
    expect, score = expected(model.task, data.train.inputs, values, width), model.scores["train"]
    return judge_fit(model.task, score, len(values), expect, doubt), expect.skill(score)
