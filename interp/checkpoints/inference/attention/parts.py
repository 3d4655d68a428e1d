"""Tensors of a bare state dict -> embedding, positions, attention blocks in running order, and the dense layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from interp.checkpoints.inference.attention.blocks import FUSED, BlockParts, multihead
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.checkpoints.inference.stack.state import layer_stack
from interp.errors import CheckpointError

SIDE_BY_SIDE = re.compile(r"^(?:to_)?(?:c_)?(?:qkv|attn_qkv|query_key_value|qkv_proj|in_proj|Wqkv)$", re.IGNORECASE)
"""Names of one dense layer of queries, keys and values."""

APART = tuple(
    re.compile(rf"^(?:to_|w_?|lin_?|fc_?)?{letter}(?:{word})?s?(?:_?(?:proj|projection|linear|lin|layer))?$", re.I)
    for letter, word in (("q", "uery|ueries"), ("k", "ey|eys"), ("v", "alue|alues"))
)
"""Names of the dense layers of queries, of keys and of values."""

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
    return bool(_attentions(state))


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
        If a block is no attention with a dense pair and two norms, or other tensors fit nowhere.
    """
    left = {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}
    names = sorted(_attentions(left), key=_by_number)
    if not names:
        raise _refused(path, "attention whose weights are whole numbers")
    blocks = [_block(left, attention, path) for attention in names]
    widths = {block.width for block in blocks}
    if len(widths) > 1:
        raise _refused(path, f"attention blocks of widths {', '.join(map(str, sorted(widths)))}")
    width, order = blocks[0].width, list(left)
    starts = min(order.index(name) for name in order if name.startswith(f"{names[0]}."))
    for block in blocks:
        _take_block(left, block)
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
        raise _refused(path, f"{odd} of shape {tuple(left[odd].shape)} beside attention")
    stack = layer_stack(left, path)
    return AttentionParts(
        embedding, entrance, positions, first, before, behind, blocks, tuple(stack.layers), stack.notes
    )


def _refused(path: object, found: str) -> CheckpointError:
    expected = "an embedding or a dense layer, attention blocks of two norms and a dense pair each, and dense layers"
    return CheckpointError(path, found=found, expected=expected, do=USE_MODEL)


# --------------------------------------------------------------------------- blocks


def _attentions(state: Mapping[str, Tensor]) -> list[str]:
    """Name the attentions of a state dict."""
    found = {name.removesuffix(f".{FUSED}") for name in state if name.endswith(f".{FUSED}")}
    children: dict[str, set[str]] = {}
    for name, tensor in state.items():
        if name.endswith(".weight") and tensor.dim() == 2 and name.count(".") > 1:
            parent, _, own = name.removesuffix(".weight").rpartition(".")
            children.setdefault(parent, set()).add(own)
    for parent, names in children.items():
        if any(map(SIDE_BY_SIDE.match, names)) or all(any(map(letter.match, names)) for letter in APART):
            found.add(parent)
    return list(found)


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """Sort by the numbers in a name, so that block 10 follows block 9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def _layer(tensors: Mapping[str, Tensor], name: str) -> Layer:
    return Layer(name, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))


def _block(state: Mapping[str, Tensor], attention: str, path: object) -> BlockParts:
    """Sort the tensors of one block; names are those within it."""
    name, _, own = attention.rpartition(".")
    inside = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
    inside = inside if name else dict(state)
    mine = {key.removeprefix(f"{own}."): value for key, value in inside.items() if key.startswith(f"{own}.")}
    rest = {key: value for key, value in inside.items() if not key.startswith(f"{own}.")}
    vectors = [key.removesuffix(".weight") for key, one in rest.items() if key.endswith(".weight") and one.dim() == 1]
    matrices = [key for key, one in rest.items() if key.endswith(".weight") and one.dim() == 2 and one.numel()]
    maps = [key.removesuffix(".weight") for key in matrices]
    odd = set(rest) - {f"{key}.{end}" for key in (*vectors, *maps) for end in ("weight", "bias")}
    fits = len(vectors) == len(maps) == 2 and not odd
    pair = [_layer(rest, key) for key in maps]
    pair = pair if fits and pair[0].channels == len(pair[1].weight) else pair[::-1]
    chained = fits and len(pair[0].weight) == pair[1].channels and pair[0].channels == len(pair[1].weight)
    norms = [Norm(key, None, None, rest[f"{key}.weight"], rest.get(f"{key}.bias")) for key in vectors] if fits else []
    made = _attention(mine, own, len(pair[1].weight)) if chained else None
    if made is None or any(norm.width != len(pair[1].weight) for norm in norms):
        found = f"{name or own} with {', '.join(sorted(inside))[:200]}"
        raise _refused(path, found)
    return replace(made, name=name, first=pair[0], second=pair[1], norms=(norms[0], norms[1]))


def _attention(mine: Mapping[str, Tensor], own: str, width: int) -> BlockParts | None:
    """Read the tensors of one attention, with the rest of its block left open; None where they are none."""
    nothing = Layer("", next(iter(mine.values())), None)
    open_norm = Norm("", None, None, None, None)
    whole = BlockParts("", ("", {}), (), nothing, nothing, (open_norm, open_norm))
    if FUSED in mine:
        return replace(whole, attention=(own, dict(mine))) if _is_multihead(mine, width) else None
    maps = [key.removesuffix(".weight") for key, one in mine.items() if key.endswith(".weight") and one.dim() == 2]
    if set(mine) - {f"{key}.{end}" for key in maps for end in ("weight", "bias")}:
        return None
    fused = [key for key in maps if SIDE_BY_SIDE.match(key)]
    inward = fused or [next((key for key in maps if letter.match(key)), "") for letter in APART]
    outward = [key for key in maps if key not in inward]
    if len(outward) != 1 or not all(inward):
        return None
    layers = [_layer(mine, key) for key in (*inward, *outward)]
    rows = 3 * width if fused else width
    if any(one.channels != width for one in layers) or any(len(one.weight) != rows for one in layers[:-1]):
        return None
    if len(layers[-1].weight) != width:
        return None
    return replace(whole, projections=tuple(replace(one, name=f"{own}.{one.name}") for one in layers))


def _is_multihead(tensors: Mapping[str, Tensor], width: int) -> bool:
    """Whether these are the tensors of torch's attention of a width."""
    outward = tensors.get("out_proj.weight")
    if tensors[FUSED].shape != (3 * width, width) or outward is None or outward.shape != (width, width):
        return False  # before anything is built: one side alone may claim any width
    try:
        multihead(tensors, 1)
    except RuntimeError:
        return False
    return True


def _take_block(left: dict[str, Tensor], block: BlockParts) -> None:
    for name in [name for name in left if not block.name or name.startswith(f"{block.name}.")]:
        del left[name]


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
        raise _refused(path, f"norms {', '.join(norm.name for norms in found for norm in norms)} outside the blocks")
    return found[0][0] if found[0] else None, found[1][0] if found[1] else None


def _entrance(left: dict[str, Tensor], width: int, order: Sequence[str], starts: int) -> Layer | None:
    """Take the dense layer before the blocks: the first of the file that gives their width."""
    names = [name for name, one in left.items() if name.endswith(".weight") and one.dim() == 2 and len(one) == width]
    early = [name for name in names if order.index(name) < starts or order == sorted(order)]
    if not early:
        return None
    parent = early[0].removesuffix(".weight")
    return Layer(parent, left.pop(early[0]), left.pop(f"{parent}.bias", None))
