"""Tensors of a bare state dict -> embedding, positions, attention blocks in running order, and the dense layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from interp.checkpoints.inference.attention.blocks import BlockParts
from interp.checkpoints.inference.attention.found import attentions, block_of, by_number, refused, take_block
from interp.checkpoints.inference.stack.layers import Layer, Norm
from interp.checkpoints.inference.stack.state import layer_stack

TOKENS = re.compile(r"emb|wte|tok|vocab|lookup", re.IGNORECASE)
POSITIONS = re.compile(r"(^|[._])(pos|pe|wpe)|position", re.IGNORECASE)
FIRST = re.compile(r"cls|class_?(token|emb)", re.IGNORECASE)


@dataclass(frozen=True)
class AttentionParts:
    """What a state dict of a network with attention holds.

    Attributes
    ----------
    embedding
        Name and weights (V, E) of the table of tokens; None where inputs are numbers.
    entrance
        Dense layer that reads each step's numbers; None where there is an embedding, or none.
    positions
        Name and values (T, E) of what is added at each position; None where the file holds none.
    first
        Name and values (E,) of a step that is put before all others; None where there is none.
    before, behind
        Norms between the embedding and the blocks, and behind the blocks; None where there is none.
    blocks
        Attention blocks in running order.
    dense
        Dense layers behind them; empty where the last block gives the outputs.
    notes
        Sentences on how the parts were found.
    """

    embedding: tuple[str, Tensor] | None
    entrance: Layer | None
    positions: tuple[str, Tensor] | None
    first: tuple[str, Tensor] | None
    before: Norm | None
    behind: Norm | None
    blocks: Sequence[BlockParts]
    dense: Sequence[Layer]
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of values of a position."""
        return self.blocks[0].width

    @property
    def values_a_step(self) -> int:
        """Number of values of the data that make one step."""
        if self.embedding is not None:
            return 1
        return self.width if self.entrance is None else self.entrance.channels


def is_attention_state(state: Mapping[str, Tensor]) -> bool:
    """Tell whether names of tensors are those of attention.

    Examples
    --------
    >>> import torch
    >>> is_attention_state({"layers.0.self_attn.in_proj_weight": torch.zeros(6, 2)})
    True
    >>> is_attention_state({"fc.weight": torch.zeros(6, 2)})
    False
    """
    return bool(attentions(state))


def attention_parts(state: Mapping[str, Tensor], path: object) -> AttentionParts:
    """Sort the tensors of a network with attention into its parts.

    Parameters
    ----------
    state
        Weights by parameter name.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If a block is neither attention with a dense pair and two norms nor attention alone with one norm at most, or
        other tensors fit nowhere.
    """
    left = {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}
    names = sorted(attentions(left), key=by_number)
    if not names:
        raise refused(path, "attention whose weights are whole numbers")
    blocks = [block_of(left, attention, len(names) == 1, path) for attention in names]
    if len({(block.first is None, len(block.norms)) for block in blocks}) > 1:
        raise refused(path, "attention of several kinds, with a dense pair behind it and without")
    widths = {block.width for block in blocks}
    if len(widths) > 1:
        raise refused(path, f"attention blocks of widths {', '.join(map(str, sorted(widths)))}")
    width, order = blocks[0].width, list(left)
    starts = min(order.index(name) for name in order if name.startswith(f"{names[0]}."))
    for block in blocks:
        take_block(left, block)
    first = _first(left, width)
    positions = _positions(left, width)
    embedding = _table(left, width)
    before, behind = _norms_around(left, width, order, starts, path)
    entrance = None if embedding is not None else _entrance(left, width, order, starts)
    if not left:
        notes: tuple[str, ...] = ("no dense layer behind the attention: the last block gives the outputs",)
        return AttentionParts(embedding, entrance, positions, first, before, behind, blocks, (), notes)
    odd = next((name for name, tensor in left.items() if tensor.dim() > 2), None)
    if odd is not None:
        raise refused(path, f"{odd} of shape {tuple(left[odd].shape)} beside attention")
    stack = layer_stack(left, path)
    return AttentionParts(
        embedding, entrance, positions, first, before, behind, blocks, tuple(stack.layers), stack.notes
    )


# --------------------------------------------------------------------------- around the blocks


def _first(left: dict[str, Tensor], width: int) -> tuple[str, Tensor] | None:
    """Take the step that is put before all others: a parameter of its own, or the one row of a table."""
    for name, one in left.items():
        is_free = not name.endswith((".weight", ".bias")) or _is_table(left, name, width)
        if FIRST.search(name) and one.numel() == width and is_free:
            return name, left.pop(name).flatten()
    return None


def _positions(left: dict[str, Tensor], width: int) -> tuple[str, Tensor] | None:
    """Take what is added at each position: (T, E), or with an axis of one sample."""
    for name, one in left.items():
        fits = one.dim() > 1 and one.shape[-1] == width and one.numel() == max(one.shape[:-1]) * width
        if POSITIONS.search(name) and fits:
            return name, left.pop(name).reshape(-1, width)
    return None


def _table(left: dict[str, Tensor], width: int) -> tuple[str, Tensor] | None:
    """Take the table of tokens."""
    name = next((name for name in left if _is_table(left, name, width)), None)
    return None if name is None else (name, left.pop(name))


def _is_table(left: Mapping[str, Tensor], name: str, width: int) -> bool:
    """Whether a tensor is a table of rows of a width: named so, without a bias."""
    has_bias = f"{name.removesuffix('weight')}bias" in left
    return bool(TOKENS.search(name)) and left[name].shape[1:] == (width,) and not has_bias


def _norms_around(
    left: dict[str, Tensor], width: int, order: Sequence[str], starts: int, path: object
) -> tuple[Norm | None, Norm | None]:
    """Take the norms before and behind the blocks, by their places in the file."""
    found: list[list[Norm]] = [[], []]
    for name in [name for name, one in left.items() if name.endswith(".weight") and one.shape == (width,)]:
        parent = name.removesuffix(".weight")
        if f"{parent}.running_mean" in left:
            continue
        norm = Norm(parent, None, None, left.pop(name), left.pop(f"{parent}.bias", None))
        found[order.index(name) > starts].append(norm)
    if any(len(norms) > 1 for norms in found):
        raise refused(path, f"norms {', '.join(norm.name for norms in found for norm in norms)} outside the blocks")
    return found[0][0] if found[0] else None, found[1][0] if found[1] else None


def _entrance(left: dict[str, Tensor], width: int, order: Sequence[str], starts: int) -> Layer | None:
    """Take the dense layer before the blocks: the first of the file that gives their width."""
    names = [name for name, one in left.items() if name.endswith(".weight") and one.dim() == 2 and len(one) == width]
    early = [name for name in names if order.index(name) < starts or order == sorted(order)]
    if not early:
        return None
    parent = early[0].removesuffix(".weight")
    return Layer(parent, left.pop(early[0]), left.pop(f"{parent}.bias", None))
