"""The tensors of a text classifier -> Draft: its parts, and the pooling that the data single out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from interp.checkpoints.drafts.draft import Draft, trace
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.sequences import Reading, adapted, shape_of, steps_of, with_tokens
from interp.checkpoints.inference.stack.facts import weakest
from interp.checkpoints.inference.text.infer import infer_choice
from interp.checkpoints.inference.text.network import TextNetwork
from interp.checkpoints.inference.text.parts import TextParts, kernel_of, text_parts
from interp.data import RAW
from interp.errors import UsageError
from interp.types import Inference


@torch.no_grad()
def text_draft(state: Mapping[str, Tensor], asked: Request) -> Draft:
    """Build the text classifier that the tensors of a file make, as far as shapes and data tell it.

    Parameters
    ----------
    state
        Weights by parameter name.
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the tensors are no embedding, convolutions that read it and dense layers.
    DataError
        If the data are not this network's.
    UsageError
        If the user states a scaling of tokens.
    """
    parts = text_parts(state, asked.path)
    name, table = parts.embedding
    read = Reading(name.removesuffix(".weight"), 1, len(table))
    _refuse_scaling(asked)
    steps = steps_of(read, asked)
    outputs = len(parts.dense[-1].weight) if parts.dense else parts.width
    asked, task = settled(with_tokens(read, asked, steps), outputs)
    choice, facts = infer_choice(parts, asked.data, steps, asked.options.activation, asked.task, asked.path)
    shape = shape_of(read, asked.data, steps)
    module, example = adapted(TextNetwork(parts, choice).eval(), read, asked, RAW, shape)
    said = {
        "architecture": Inference(summary(parts), weakest("likely", parts.confidence), "; ".join(_notes(parts))),
        "task": task,
        "input_scaling": Inference(RAW.name, "certain", "tokens stand for themselves"),
        "output": Inference("linear", "uncertain", "taken to be the last layer's own, which no prediction tells"),
    }
    structure = trace(module, example, asked.path)
    return Draft(module, structure, RAW, shape, {**facts, **said}, asked.task, asked.data)


def _refuse_scaling(asked: Request) -> None:
    given = asked.options.scaling
    if given not in (None, RAW.name):
        raise UsageError(
            f"--scaling {given}", found="a network that reads tokens", expected=RAW.name, do="leave it out"
        )


def _notes(parts: TextParts) -> tuple[str, ...]:
    """Say what the parts were told by, and what no weight shows of convolutions over several tokens."""
    widest = max((kernel_of(one) for one in parts.branches), default=1)
    return (*parts.notes, ASSUMED) if widest > 1 else parts.notes


ASSUMED = "stride and dilation of the convolutions are assumed to be 1, which weights do not show: else --model"


def summary(parts: TextParts) -> str:
    """Name the parts in running order, with their widths."""
    _, table = parts.embedding
    first = [f"embedding {len(table)} to {table.shape[1]}"]
    for one in parts.branches:
        first.append(f"convolution {table.shape[1]} to {len(one.weight)} of {kernel_of(one)} tokens")
    return ", ".join([*first, *(f"dense {one.channels} to {len(one.weight)}" for one in parts.dense)])
