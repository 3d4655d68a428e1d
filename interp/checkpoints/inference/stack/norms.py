"""Which layer of a bare state dict each norm follows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer, Norm
from interp.checkpoints.inference.stack.order import natural
from interp.errors import CheckpointError
from interp.types import Confidence

IN_ORDER = "norms are taken to follow the layers of their width in order"
OPEN = "which layer of its width a norm follows is open: taken is that of its number, else the first"


class Normed(NamedTuple):
    """Layers with their norms, the confidence that these are theirs, and what was assumed."""

    layers: list[Layer]
    confidence: Confidence
    notes: tuple[str, ...]


def attach_norms(layers: Sequence[Layer], norms: Sequence[Norm], names: Sequence[str], path: object) -> Normed:
    """Give each norm to the layer that stands just before it, else to one of its width.

    Parameters
    ----------
    layers
        Layers in running order.
    norms
        Norms by name.
    names
        Names of layers and norms in the order of the file.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If no layer is left for a norm, or it acts on the inputs.
    """
    is_sorted = list(names) == sorted(names)  # by the file's writer: positions in the file then say less
    file_order = sorted(names, key=natural) if is_sorted else list(names)
    norms = sorted(norms, key=lambda norm: file_order.index(norm.name))
    if norms and not is_sorted and file_order[0] == norms[0].name and norms[0].width == layers[0].channels:
        raise _homeless(norms[0], "behind a layer, not on the inputs", path)
    confidence: Confidence = "certain"
    notes: tuple[str, ...] = ()
    owners = _just_before(norms, layers, file_order)
    if owners is None:
        owners, confidence = _by_width(norms, layers, path)
        notes = {"certain": (), "likely": (IN_ORDER,), "uncertain": (OPEN,)}[confidence]
    found = list(layers)
    for norm, owner in zip(norms, owners, strict=True):
        found[owner] = replace(found[owner], norm=norm)
    return Normed(found, confidence, notes)


def _just_before(norms: Sequence[Norm], layers: Sequence[Layer], file_order: Sequence[str]) -> list[int] | None:
    """Find the layer just before each norm; None unless all norms stand behind a layer of their width each."""
    at = {layer.name: number for number, layer in enumerate(layers)}
    before = dict(zip(file_order[1:], file_order, strict=False))
    owners = [at.get(before.get(norm.name, ""), -1) for norm in norms]
    fit = all(owner >= 0 and len(layers[owner].weight) == n.width for owner, n in zip(owners, norms, strict=True))
    return owners if fit and len(set(owners)) == len(owners) else None


def _by_width(norms: Sequence[Norm], layers: Sequence[Layer], path: object) -> tuple[list[int], Confidence]:
    """Match norms and layers of each width in order; where there are more layers, by the numbers in their names."""
    owners: dict[str, int] = {}
    confidence: Confidence = "certain"
    for width in {norm.width for norm in norms}:
        own = [norm for norm in norms if norm.width == width]
        fits = [number for number, layer in enumerate(layers) if len(layer.weight) == width]
        if len(fits) < len(own):
            raise _homeless(own[len(fits)], "a layer of that width for each", path)
        if len(fits) > len(own):
            confidence = "uncertain"
            numbers = {_number(layers[number].name): number for number in fits}
            named = [numbers.get(_number(norm.name)) for norm in own]
            fits = [number for number in named if number is not None] if None not in named else fits
        elif len(fits) > 1 and confidence == "certain":
            confidence = "likely"
        owners |= {norm.name: number for norm, number in zip(own, fits, strict=False)}
    return [owners[norm.name] for norm in norms], confidence


def _number(name: str) -> str | None:
    """Give the last number in a name."""
    found = re.findall(r"\d+", name)
    return found[-1] if found else None


def _homeless(norm: Norm, expected: str, path: object) -> CheckpointError:
    return CheckpointError(
        path, found=f"{norm.kind} {norm.name} of width {norm.width}", expected=expected, do=USE_MODEL
    )
