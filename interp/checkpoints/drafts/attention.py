"""The tensors of a network with attention -> Draft: its parts in order, and what the data single out of the rest."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from interp.checkpoints.drafts.draft import Draft, trace
from interp.checkpoints.drafts.request import Request, settled
from interp.checkpoints.drafts.sequences import STEPS, Reading, adapted, shape_of, steps_of, with_tokens
from interp.checkpoints.inference.attention.infer import infer_choice
from interp.checkpoints.inference.attention.network import AttentionNetwork
from interp.checkpoints.inference.attention.parts import AttentionParts, attention_parts
from interp.errors import DataError
from interp.types import Inference


@torch.no_grad()
def attention_draft(state: Mapping[str, Tensor], asked: Request) -> Draft:
    """Build the transformer's encoder that the tensors of a file make, as far as shapes and data tell it.

    Parameters
    ----------
    state
        Weights by parameter name.
    asked
        Contents of the file, data and options.

    Raises
    ------
    CheckpointError
        If the tensors are no embedding, attention blocks and dense layers.
    DataError
        If the data are not this network's.
    """
    parts = attention_parts(state, asked.path)
    read = _reading(parts)
    steps = steps_of(read, asked) if asked.data is not None else _own_steps(parts)
    _check_steps(parts, steps, asked)
    outputs = len(parts.dense[-1].weight) if parts.dense else parts.width
    asked, task = settled(with_tokens(read, asked, steps), outputs)
    options = asked.options
    given = {
        "heads": None if options.heads is None else str(options.heads),
        "scaling": options.scaling,
        "activation": options.activation,
    }
    choice, facts = infer_choice(parts, asked.data, steps, given, asked.task, asked.path)
    shape = shape_of(read, asked.data, steps)
    module, example = adapted(AttentionNetwork(parts, choice).eval(), read, asked, choice.scaling, shape)
    said = {
        "architecture": Inference(summary(parts), "likely", "; ".join(parts.notes)),
        "task": task,
        "output": Inference("linear", "uncertain", "taken to be the last layer's own, which no prediction tells"),
    }
    structure = trace(module, example, asked.path)
    return Draft(module, structure, choice.scaling, shape, {**facts, **said}, asked.task, asked.data)


def _reading(parts: AttentionParts) -> Reading:
    first = parts.blocks[0]
    own = first.attention[0] or first.projections[0].name
    reader = first.name or own if parts.entrance is None else parts.entrance.name
    return Reading(reader, parts.values_a_step, None if parts.embedding is None else len(parts.embedding[1]))


def _own_steps(parts: AttentionParts) -> int:
    """Give the number of steps of a sequence that is assumed without data: at most what the positions are for."""
    if parts.positions is None:
        return STEPS
    return min(STEPS, max(len(parts.positions[1]) - (parts.first is not None), 1))


def _check_steps(parts: AttentionParts, steps: int, asked: Request) -> None:
    """Refuse sequences that are longer than the positions of the file."""
    if parts.positions is not None and asked.data is not None and steps > len(parts.positions[1]):
        name, values = parts.positions
        raise DataError(
            asked.data.name,
            found=f"{steps} time steps",
            expected=f"at most {len(values)}, as {name} has",
            do="give its own data",
        )


def summary(parts: AttentionParts) -> str:
    """Name the parts in running order, with their widths."""
    first = [] if parts.embedding is None else [f"embedding {len(parts.embedding[1])} to {parts.width}"]
    first += [] if parts.entrance is None else [f"dense {parts.entrance.channels} to {parts.width}"]
    pair = parts.blocks[0].first
    inner = "" if pair is None else f" and {len(pair.weight)}"
    blocks = f"{len(parts.blocks)} attention block{'s' * (len(parts.blocks) > 1)} of {parts.width}{inner}"
    return ", ".join([*first, blocks, *(f"dense {one.channels} to {len(one.weight)}" for one in parts.dense)])
