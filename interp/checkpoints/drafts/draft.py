"""A network that runs, with all that is found of it before it is examined on data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.request import Request
from interp.checkpoints.inference.weighing.doubt import Doubt
from interp.checkpoints.inference.weighing.settled import Settled
from interp.data.sources.tables.categories import fitting_rows
from interp.errors import CheckpointError, DataError, first_line
from interp.network.inputs import as_tensor, device_of
from interp.network.nodes import RUNS_AGAIN, Structure, find_layers
from interp.network.tracing.without_values import EmptyWeightError
from interp.types import Array, Dataset, Inference, Scaling


@dataclass(frozen=True, eq=False)  # what is measured of one is kept by the object
class Draft:
    """A network that runs, and the settings that it is run with.

    Attributes
    ----------
    module
        Module in eval mode that takes scaled inputs.
    structure
        Layers of nodes, as one trace found them.
    scaling
        Scaling of stored inputs.
    input_shape
        Shape of one sample as the module takes it.
    facts
        Name of a fact -> value of it with the evidence; ``architecture`` at least.
    task
        Name of the task, for `interp.tasks.find_task`.
    data
        Data whose targets have the form that the task compares with; None without data.
    settled
        Candidate that stands for a stack of bare weights, with what was inferred of it; None for other networks.
    """

    module: nn.Module
    structure: Structure
    scaling: Scaling
    input_shape: tuple[int, ...]
    facts: Mapping[str, Inference]
    task: str
    data: Dataset | None
    settled: Settled | None = None

    @property
    def doubt(self) -> Doubt | None:
        """Slopes that training would have removed, found while facts were inferred; None where there are none."""
        return None if self.settled is None else self.settled.doubt

    @property
    def kernels(self) -> list[Tensor]:
        """Weights (C_out, C_in, K, K) of the convolutions of images, in running order where they are a bare stack."""
        return [part.weight for part in self.module.modules() if isinstance(part, nn.Conv2d)]


def with_data_fact(found: Draft, name: str, fact: Inference) -> Draft:
    """Say how labels or targets are taken, with the draft and with its data.

    Parameters
    ----------
    found
        Network that runs.
    name
        Name of the fact.
    fact
        Value, confidence and evidence.
    """
    data = None if found.data is None else replace(found.data, facts={**found.data.facts, name: fact})
    return replace(found, facts={**found.facts, name: fact}, data=data)


def example_of(module: nn.Module, asked: Request, scaling: Scaling, shape: tuple[int, ...]) -> Tensor:
    """Take two samples (2, *shape) on the module's device; zeros without data.

    Raises
    ------
    DataError
        If samples have another number of values.
    """
    data, device = asked.data, device_of(module)
    if data is None:
        return torch.zeros(2, *shape, device=device)
    if data.width != math.prod(shape):
        raise DataError(
            data.name,
            found=f"{data.width} values a row",
            expected=f"{math.prod(shape)}, as {asked.path} takes",
            do=fitting_rows(data),
        )
    return as_tensor(_two_rows(data), scaling, shape).to(device)


LOOKED_THROUGH = 1000
"""Number of first training rows among which one that differs from the first is looked for."""


def _two_rows(data: Dataset) -> Array:
    """Give the first training row and the next one that differs: equal ones do not show where samples are."""
    rows = data.train.inputs[:2]
    if len(rows) < 2 or not np.array_equal(rows[0], rows[1]):
        return rows
    rows = data.train.inputs[:LOOKED_THROUGH]
    differing = np.flatnonzero((rows != rows[:1]).any(axis=1))
    return rows[[0, int(differing[0]) if len(differing) else 1]]


def trace(module: nn.Module, example: Tensor, path: object) -> Structure:
    """Run a module on two samples to find its nodes, and see that it gives logits.

    Parameters
    ----------
    module
        Module in eval mode.
    example
        Two samples as the module takes them, (2, ...).
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If it fails on such samples, gives no logits (2, C), or holds no nodes.
    """
    try:
        structure = find_layers(module, example)
    except EmptyWeightError:
        raise
    except Exception as error:  # any module may fail in its own way
        raise CheckpointError(
            path,
            found=f"a network that fails on inputs of shape {tuple(example.shape[1:])} ({first_line(error)})",
            expected="one that takes them",
            do="check the shapes the file states, or pass your own class with --model",
        ) from error
    outputs = structure.outputs
    if not isinstance(outputs, Tensor) or outputs.ndim != 2:
        raise CheckpointError(
            path,
            found=f"outputs of shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__,
            expected="one tensor (batch, outputs)",
            do="wrap the module with --model so that it gives one",
        )
    if not structure.layers:
        raise CheckpointError(
            path,
            found=_nothing(structure),
            expected="a network of Linear or Conv layers",
            do=RUN_ONCE if RUNS_AGAIN in _nothing(structure) else "add its class to interp.network.kinds.NODE_KINDS",
        )
    return structure


RUN_ONCE = "give the part that reads one input, such as net.encoder of a siamese network, with data of its own"


def _nothing(structure: Structure) -> str:
    """Say of a network without layers of nodes why what might be one is none."""
    why = next((f" ({name}: {reason})" for name, reason in structure.skipped.items()), "")
    return f"no layer of nodes{why}" if why else "no linear map"
