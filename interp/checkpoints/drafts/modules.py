"""A module that runs -> Draft: how it takes its inputs, which of its outputs are logits, what it was trained for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from interp.checkpoints.drafts.adapted import said_of_padding, take_draws, take_output, take_parts, taken_tokens
from interp.checkpoints.drafts.draft import Draft, example_of, trace
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.shapes import input_shape
from interp.checkpoints.drafts.unrolling import step_by_step
from interp.checkpoints.inference.scaling import choose_scaling
from interp.data import RAW, parse_scaling
from interp.errors import DataError
from interp.network.nodes import Structure
from interp.types import Array, Dataset, Inference, InputPart, Scaling


def module_draft(module: nn.Module, architecture: Inference, asked: Request) -> Draft:
    """Find how a module is to be run.

    Parameters
    ----------
    module
        Module in eval mode.
    architecture
        Name of the architecture with the evidence.
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError, DataError, UsageError
        If it fails on the data, or gives no logits for them.
    """
    whole = module
    module, asked, shape, outputs = _running(module, asked)
    example = example_of(module, asked, RAW, shape)
    module = step_by_step(module, example, outputs)
    module, taken = take_output(module, outputs, len(example), asked)
    module, drawn = take_draws(module, example)
    structure = trace(module, example, asked.path)
    asked, task = settled(asked, structure.outputs.shape[1], structure.output)
    scaling, why = _scaling(module, structure, shape, asked)
    if not structure.is_finite and scaling is not RAW:  # infinite values hide the activation
        structure = trace(module, example_of(module, asked, scaling, shape), asked.path)
    facts = {"architecture": architecture, "task": task, "input_scaling": why, **taken, **drawn}
    facts |= said_of_padding(whole, asked.data)
    return Draft(module, structure, scaling, shape, facts, asked.task, asked.data)


def _running(module: nn.Module, asked: Request) -> tuple[nn.Module, Request, tuple[int, ...], Any]:
    """Run a module on two samples of the data, or in another form where it refuses these.

    Returns the module that takes rows of the data, what is asked of it, the shape of a sample and the outputs.
    """
    data = taken_tokens(module, asked.data)
    taking = take_parts(module, data, asked.path)
    sizes = None if asked.contents.graph is None else asked.contents.graph.sizes
    try:
        return taking, replace(asked, data=data), *input_shape(taking, data, asked.path, sizes)
    except DataError:
        for other in _other_forms(data):
            taking = take_parts(module, other, asked.path)
            with suppress(DataError):
                return taking, replace(asked, data=other), *input_shape(taking, other, asked.path)
        raise


def _other_forms(data: Dataset | None) -> Iterator[Dataset]:
    """Yield data in other types: truth values as numbers, and whole numbers that are the only input as tokens."""
    if data is not None and any(part.logical for part in data.parts):
        numbers = (replace(part, whole=False, logical=False) if part.logical else part for part in data.parts)
        yield replace(data, parts=tuple(numbers))
    if data is not None and not data.parts and _are_whole(data.train.inputs):
        yield replace(data, parts=(InputPart("x", (data.width,), True),))


def _are_whole(values: Array) -> bool:
    """Whether all numbers are whole, of whatever type: tables and arrays of floats may hold tokens."""
    return values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))


def _scaling(
    module: nn.Module, structure: Structure, shape: tuple[int, ...], asked: Request
) -> tuple[Scaling, Inference]:
    """Take the scaling that the user gave, or the one under which the module does best."""
    given = asked.options.scaling
    if given is not None:
        scaling = parse_scaling(given, asked.data)
        return scaling, Inference(scaling.name, "certain", "given with --scaling")
    if asked.data is None:
        return RAW, Inference(RAW.name, "uncertain", "assumed: without data nothing can be tested")
    return choose_scaling(module, asked.data, shape, asked.task, structure.output)
