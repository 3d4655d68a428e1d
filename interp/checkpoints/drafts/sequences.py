"""The tensors of a recurrent network -> Draft: its parts in order, and the readout that the data single out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from interp.checkpoints.drafts.adapted import Adapted
from interp.checkpoints.drafts.draft import Draft, example_of, trace
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.unrolling import step_by_step
from interp.checkpoints.inference.recurrent.infer import infer_choice, network_of
from interp.checkpoints.inference.recurrent.parts import Parts, is_two_way, kind_of, recurrent_parts, width_of
from interp.checkpoints.inference.stack.facts import weakest
from interp.errors import DataError
from interp.types import Dataset, Inference, InputPart

STEPS = 8
"""Number of time steps of a sequence that is assumed where there are no data."""


@torch.no_grad()
def sequence_draft(state: Mapping[str, Tensor], asked: Request) -> Draft:
    """Build the recurrent network that the tensors of a file make, as far as shapes and data tell it.

    Parameters
    ----------
    state
        Weights by parameter name.
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the tensors are no embedding, recurrent and dense layers that follow each other.
    DataError
        If the data are not this network's.
    """
    parts = recurrent_parts(state, asked.path)
    steps = _steps(parts, asked)
    *_, last = parts.recurrent.values()
    outputs = len(parts.dense[-1].weight) if parts.dense else width_of(last)
    asked, task = settled(_with_parts(parts, asked, steps), outputs)
    given = {"scaling": asked.options.scaling, "activation": asked.options.activation}
    choice, facts = infer_choice(parts, asked.data, steps, given, asked.task, asked.path)
    plain = network_of(parts, choice)
    shape = _shape(parts, asked.data, steps)
    network = Adapted(plain, asked.data.parts).eval() if asked.data is not None and asked.data.parts else plain
    if asked.data is None and parts.embedding is not None:
        network = Adapted(plain, (InputPart("x", shape, True),)).eval()
    example = example_of(network, asked, choice.scaling, shape)
    if asked.data is None:
        example[1] = 1  # a token like the first, and another sample
    module = step_by_step(network, example, network(example))
    said = {
        "architecture": Inference(summary(parts), weakest("likely", parts.confidence), "; ".join(parts.notes)),
        "task": task,
        "output": Inference("linear", "uncertain", "taken to be the last layer's own, which no prediction tells"),
    }
    return Draft(
        module, trace(module, example, asked.path), choice.scaling, shape, {**facts, **said}, asked.task, asked.data
    )


def summary(parts: Parts) -> str:
    """Name the parts in running order, with their widths."""
    first = [] if parts.embedding is None else [f"embedding {len(parts.embedding[1])} to {parts.embedding[1].shape[1]}"]
    middle = [
        f"{kind_of(tensors)} {tensors['weight_ih_l0'].shape[1]} to {width_of(tensors)}"
        + (" in both directions" if is_two_way(tensors) else "")
        for tensors in parts.recurrent.values()
    ]
    return ", ".join([*first, *middle, *(f"dense {one.channels} to {len(one.weight)}" for one in parts.dense)])


def _steps(parts: Parts, asked: Request) -> int:
    """Count the time steps of a sequence of the data."""
    data, (first, *_) = asked.data, parts.recurrent.values()
    if data is None:
        return STEPS
    width = data.width - (data.steps is not None)
    each = 1 if parts.embedding is not None else first["weight_ih_l0"].shape[1]
    if width % each:
        raise DataError(
            data.name,
            found=f"{width} values a sequence",
            expected=f"{each} a time step, as {next(iter(parts.recurrent))} takes",
            do="give its own data",
        )
    if parts.embedding is not None:
        _check_tokens(data, len(parts.embedding[1]))
    return width // each


def _check_tokens(data: Dataset, known: int) -> None:
    for split in data.splits.values():
        tokens = split.inputs[:, : data.width - (data.steps is not None)]
        if (tokens != tokens.round()).any() or tokens.min() < 0 or tokens.max() >= known:
            raise DataError(
                data.name,
                found=f"inputs from {tokens.min():g} to {tokens.max():g}",
                expected=f"tokens, whole numbers from 0 to {known - 1}",
                do="number the tokens as in training",
            )


def _with_parts(parts: Parts, asked: Request, steps: int) -> Request:
    """Describe rows of tokens as such; the lengths beside sequences stay."""
    data = asked.data
    if data is None or parts.embedding is None:
        return asked
    return replace(asked, data=replace(data, parts=(InputPart("x", (steps,), True), *data.parts[1:]), image_shape=None))


def _shape(parts: Parts, data: Dataset | None, steps: int) -> tuple[int, ...]:
    if data is not None and data.parts:
        return (data.width,)
    first = next(iter(parts.recurrent.values()))
    return (steps,) if parts.embedding is not None else (steps, first["weight_ih_l0"].shape[1])
