"""The tensors of a recurrent network -> Draft: its parts in order, and the readout that the data single out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from interp.checkpoints.drafts.adapted import Adapted
from interp.checkpoints.drafts.draft import Draft, example_of, trace
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.unrolling import step_by_step
from interp.checkpoints.inference.recurrent.defined import defined_facts
from interp.checkpoints.inference.recurrent.infer import infer_choice, network_of
from interp.checkpoints.inference.recurrent.parts import Parts, is_two_way, kind_of, recurrent_parts, width_of
from interp.checkpoints.inference.stack.facts import weakest
from interp.data.lengths import with_counted_lengths
from interp.errors import DataError
from interp.types import Dataset, Inference, InputPart, Scaling

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
    read = _reading(parts)
    steps = steps_of(read, asked)
    *_, last = parts.recurrent.values()
    outputs = len(parts.dense[-1].weight) if parts.dense else width_of(last)
    asked, task = settled(with_tokens(read, asked, steps), outputs)
    given = {"scaling": asked.options.scaling, "activation": asked.options.activation}
    choice, facts = infer_choice(parts, asked.data, steps, given, asked.task, asked.path)
    shape = shape_of(read, asked.data, steps)
    network, example = adapted(network_of(parts, choice), read, asked, choice.scaling, shape)
    module = step_by_step(network, example, network(example))
    said = {
        "architecture": Inference(summary(parts), weakest("likely", parts.confidence), "; ".join(parts.notes)),
        "task": task,
        "output": Inference("linear", "uncertain", "taken to be the last layer's own, which no prediction tells"),
    }
    structure = trace(module, example, asked.path)
    facts |= defined_facts(parts, structure.layers, facts, asked.data)
    return Draft(module, structure, choice.scaling, shape, {**facts, **said}, asked.task, asked.data)


def summary(parts: Parts) -> str:
    """Name the parts in running order, with their widths."""
    first = [] if parts.embedding is None else [f"embedding {len(parts.embedding[1])} to {parts.embedding[1].shape[1]}"]
    first += [f"convolution {one.weight.shape[1]} to {len(one.weight)}" for one in parts.front]
    middle = [
        f"{kind_of(tensors)} {tensors['weight_ih_l0'].shape[1]} to {width_of(tensors)}"
        + (" in both directions" if is_two_way(tensors) else "")
        for tensors in parts.recurrent.values()
    ]
    return ", ".join([*first, *middle, *(f"dense {one.channels} to {len(one.weight)}" for one in parts.dense)])


class Reading(NamedTuple):
    """What a network of sequences reads at a time step.

    Attributes
    ----------
    reader
        Name of the part that reads it.
    values
        Number of values; 1 of tokens.
    tokens
        Number of tokens that it knows; None where it reads numbers.
    """

    reader: str
    values: int
    tokens: int | None


def _reading(parts: Parts) -> Reading:
    reader, first = next(iter(parts.recurrent.items()))
    if parts.embedding is not None:
        return Reading(reader, 1, len(parts.embedding[1]))
    if parts.front:
        return Reading(parts.front[0].name, parts.front[0].weight.shape[1], None)
    return Reading(reader, first["weight_ih_l0"].shape[1], None)


def steps_of(read: Reading, asked: Request) -> int:
    """Count the time steps of a sequence of the data.

    Raises
    ------
    DataError
        If the data hold no whole number of time steps, or other tokens than the network knows.
    """
    data = asked.data
    if data is None:
        return STEPS
    width = data.width - (data.steps is not None)
    if width % read.values:
        raise DataError(
            data.name,
            found=f"{width} values a sequence",
            expected=f"{read.values} a time step, as {read.reader} takes",
            do="give its own data",
        )
    if read.tokens is not None:
        _check_tokens(data, read.tokens)
    return width // read.values


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


def with_tokens(read: Reading, asked: Request, steps: int) -> Request:
    """Describe rows of tokens as such; the lengths beside sequences stay, or are counted where token 0 pads rows."""
    data = asked.data
    if data is None or read.tokens is None:
        return asked
    data = with_counted_lengths(data)
    return replace(asked, data=replace(data, parts=(InputPart("x", (steps,), True), *data.parts[1:]), image_shape=None))


def shape_of(read: Reading, data: Dataset | None, steps: int) -> tuple[int, ...]:
    """Give the shape of one sample."""
    if data is not None and data.parts:
        return (data.width,)
    return (steps,) if read.tokens is not None else (steps, read.values)


def adapted(
    plain: nn.Module, read: Reading, asked: Request, scaling: Scaling, shape: tuple[int, ...]
) -> tuple[nn.Module, Tensor]:
    """Let a network of sequences take rows of the data, and give two of these; two of its own without data."""
    network = Adapted(plain, asked.data.parts).eval() if asked.data is not None and asked.data.parts else plain
    if asked.data is None and read.tokens is not None:
        network = Adapted(plain, (InputPart("x", shape, True),)).eval()
    example = example_of(network, asked, scaling, shape)
    if asked.data is None:
        example[1] = 1  # a token like the first, and another sample
    return network, example
