"""What a file with attention leaves open, as choices: every combination of the values that shapes allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from interp.checkpoints.inference.attention.lone import places
from interp.checkpoints.inference.attention.network import EMBEDDING, NORMS, POSITIONS, Choice
from interp.checkpoints.inference.attention.parts import AttentionParts
from interp.checkpoints.inference.recurrent.readouts import PADDING
from interp.checkpoints.inference.stack.layers import USE_MODEL
from interp.data import RAW, parse_scaling, scalings
from interp.errors import CheckpointError, UsageError
from interp.types import Dataset

MOST_HEADS = 16

ACTIVATIONS = ("relu", "gelu")
"""Activations that transformers have between their dense pair."""


def all_choices(
    parts: AttentionParts, data: Dataset | None, steps: int, given: Mapping[str, str | None], path: object
) -> Iterator[Choice]:
    """List the choices, the usual one first."""
    has_padding = data is not None and data.steps is not None
    scaling = {RAW.name: RAW} if parts.embedding is not None or data is None else scalings(data)
    if given.get("scaling"):
        scaling = {"": parse_scaling(str(given["scaling"]), data)}
    positions = ("stored",) if parts.positions is not None else POSITIONS
    for readout, padding, heads, norms, added, rows, scaled, activation in product(
        readouts(parts, steps, path),
        PADDING[:2] if has_padding else PADDING[2:],
        _heads(parts.width, given.get("heads")),
        _places(parts),
        positions,
        EMBEDDING if parts.embedding is not None else EMBEDDING[:1],
        scaling.values(),
        (str(given["activation"]),) if given.get("activation") else _activations(parts),
    ):
        yield Choice(heads, norms, activation, readout, added, rows, padding, scaled)


def _places(parts: AttentionParts) -> Sequence[str]:
    """List where norms may be, the usual place first."""
    if parts.blocks[0].first is None:
        return places(parts.blocks[0])
    return NORMS if parts.behind is not None else NORMS[::-1]


def _activations(parts: AttentionParts) -> Sequence[str]:
    """List the activations that may be between dense layers; where none follows another there is none."""
    return ACTIVATIONS if parts.blocks[0].first is not None or len(parts.dense) > 1 else ("identity",)


def readouts(parts: AttentionParts, steps: int, path: object) -> list[str]:
    """List what the dense layers may read, by their width."""
    usual = ["first step", "mean over steps", "maximum over steps", "last step", "sum over steps"]
    usual = usual if parts.first is not None else [*usual[1:3], usual[0], *usual[3:]]
    width = parts.dense[0].channels if parts.dense else parts.width
    all_steps = (steps + (parts.first is not None)) * parts.width
    fits = [*(usual if width == parts.width else []), *(["all steps side by side"] if width == all_steps else [])]
    if width == 2 * parts.width:
        fits += ["mean and maximum over steps", "maximum and mean over steps"]
    if fits:
        return fits
    raise CheckpointError(
        path,
        found=f"{width} inputs of {parts.dense[0].name} behind attention of width {parts.width}",
        expected="a step, a mean or a maximum over steps, or all steps side by side",
        do=USE_MODEL,
    )


def _heads(width: int, given: str | None) -> list[int]:
    """List the numbers of heads that divide the width, the usual first: heads of 8 values and more, many of them."""
    if given is not None:
        if width % int(given):
            divisors = ", ".join(str(one) for one in range(1, width + 1) if width % one == 0)
            raise UsageError(
                f"--heads {given}", found=f"attention of width {width}", expected=f"one of {divisors}", do="change it"
            )
        return [int(given)]
    fits = [one for one in range(1, MOST_HEADS + 1) if width % one == 0]
    return sorted(fits, key=lambda one: (width // one < 8, abs(one - min(8, max(width // 8, 1)))))
