"""Tensors of a bare state dict -> attention blocks, with a dense pair and two norms each or without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from interp.checkpoints.inference.attention.blocks import FUSED, BlockParts, multihead
from interp.checkpoints.inference.attention.lone import with_norm
from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.errors import CheckpointError

SIDE_BY_SIDE = re.compile(r"^(?:to_)?(?:c_)?(?:qkv|attn_qkv|query_key_value|qkv_proj|in_proj|Wqkv)$", re.IGNORECASE)
"""Names of one dense layer of queries, keys and values."""

APART = tuple(
    re.compile(rf"^(?:to_|w_?|lin_?|fc_?)?{letter}(?:{word})?s?(?:_?(?:proj|projection|linear|lin|layer))?$", re.I)
    for letter, word in (("q", "uery|ueries"), ("k", "ey|eys"), ("v", "alue|alues"))
)
"""Names of the dense layers of queries, of keys and of values."""


def refused(path: object, found: str) -> CheckpointError:
    """Say what of a file is not read, and what is.

    Parameters
    ----------
    path
        Name of the file.
    found
        Words for the part that is not read.
    """
    expected = (
        "an embedding or a dense layer, attention blocks of two norms and a dense pair each or of one norm and no pair,"
        " and dense layers"
    )
    return CheckpointError(path, found=found, expected=expected, do=USE_MODEL)


def attentions(state: Mapping[str, Tensor]) -> list[str]:
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


def by_number(name: str) -> list[tuple[bool, int, str]]:
    """Sort by the numbers in a name, so that block 10 follows block 9."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def _layer(tensors: Mapping[str, Tensor], name: str) -> Layer:
    return Layer(name, tensors[f"{name}.weight"], tensors.get(f"{name}.bias"))


def block_of(state: Mapping[str, Tensor], attention: str, is_only: bool, path: object) -> BlockParts:
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
        lone = _lone(mine, own, rest, is_only)
        if lone is not None:
            return replace(lone, name=name)
        found = f"{name or own} with {', '.join(sorted(inside))[:200]}"
        raise refused(path, found)
    return replace(made, name=name, first=pair[0], second=pair[1], norms=(norms[0], norms[1]))


def _lone(mine: Mapping[str, Tensor], own: str, rest: Mapping[str, Tensor], is_only: bool) -> BlockParts | None:
    """Read an attention without a dense pair behind it, with the norm beside it; None where it is none."""
    widths = {one.shape[-1] for one in mine.values() if one.dim() == 2}
    made = _attention(mine, own, widths.pop()) if len(widths) == 1 and 0 not in widths else None
    return None if made is None else with_norm(made, rest, is_only)


def _attention(mine: Mapping[str, Tensor], own: str, width: int) -> BlockParts | None:
    """Read the tensors of one attention, with the rest of its block left open; None where they are none."""
    whole = BlockParts("", ("", {}), (), None, None, ())
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


def take_block(left: dict[str, Tensor], block: BlockParts) -> None:
    """Take a block's tensors out of those that are left.

    Parameters
    ----------
    left
        Tensors by name; changed.
    block
        Block that was found among them.
    """
    starts = [f"{block.name}."] if block.name else [""]
    if block.first is None:
        own, tensors = block.attention
        held = [own] if tensors else [one.name for one in block.projections]
        starts = [f"{block.full(one)}." for one in (*held, *(norm.name for norm in block.norms))]
    for name in [name for name in left if name.startswith(tuple(starts))]:
        del left[name]
