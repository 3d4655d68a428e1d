"""The order in which layers run, and how many groups convolutions have, found by which chain of shapes closes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise

from interp.checkpoints.inference.stack.layers import USE_MODEL, Layer
from interp.checkpoints.inference.stack.twins import twins
from interp.errors import CheckpointError

MOST_SHOWN = 5  # networks by name in a message


def order_layers(layers: Sequence[Layer], path: object) -> tuple[list[Layer], str]:
    """Take the order of the file or of names: that of names, numbers by value, where the file sorted its keys.

    Where no order chains without groups, convolutions may have as many as it takes.

    Raises
    ------
    CheckpointError
        If shapes chain in no order, or are those of several networks that are alike.
    """
    if alike := twins(layers):
        raise CheckpointError(
            path,
            found=f"{len(alike)} networks of the same shapes ({_some(alike)})",
            expected="one network",
            do=f"choose one with --prefix NAME, or, where one reads what another gives, {USE_MODEL}",
        )
    in_file = sorted(layers, key=lambda layer: not layer.is_convolution)
    by_name = sorted(layers, key=lambda layer: (not layer.is_convolution, natural(layer.name)))
    names = [layer.name for layer in layers]
    candidates = [(in_file, "shapes chain in file order"), (by_name, "shapes chain in name order")]
    usual = candidates[::-1] if names == sorted(names) else candidates
    for candidate, evidence in usual:
        if _chains(candidate):
            return candidate, evidence
    if (found := _only_path(layers)) is not None:
        return found, "the only order in which shapes chain"
    for candidate, evidence in usual:
        if (grouped := with_groups(candidate)) is not None:
            return grouped, f"{evidence}, with groups"
    raise _no_chain(by_name, path)


def _chains(layers: Sequence[Layer]) -> bool:
    return all(_follows(first, second) for first, second in pairwise(layers))


def _follows(first: Layer, second: Layer) -> bool:
    """Whether `second` can read what `first` puts out, which between them may be flattened positions of channels."""
    if first.is_convolution and not second.is_convolution:
        return second.weight.shape[1] % len(first.weight) == 0
    return first.is_convolution == second.is_convolution and len(first.weight) == second.channels


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which numbers in names count as numbers: ``2`` comes before ``10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _only_path(layers: Sequence[Layer]) -> list[Layer] | None:
    """Find the one order that uses every layer; None if there are none or several.

    What can follow a layer is found once for every set of layers left: 12 of one width have 12! orders but 12 * 2^11
    such cases.
    """
    if len(layers) > 12:  # among more layers, shapes chain by chance
        return None

    @cache
    def orders(last: int | None, left: frozenset[int]) -> tuple[tuple[int, ...], ...]:
        """Give the first two orders in which the layers left can follow one."""
        fits = (i for i in sorted(left) if last is None or _follows(layers[last], layers[i]))
        found = ((i, *rest) for i in fits for rest in orders(i, left - {i}))
        return tuple(islice(found, 2)) if left else ((),)

    found = orders(None, frozenset(range(len(layers))))
    return [layers[i] for i in found[0]] if len(found) == 1 else None


def _no_chain(layers: Sequence[Layer], path: object) -> CheckpointError:
    first, second = next((a, b) for a, b in pairwise(layers) if not _follows(a, b))
    return CheckpointError(
        path,
        found=f"{len(first.weight)} outputs of {first.name} before {second.channels} inputs of {second.name}",
        expected="layers whose shapes chain",
        do=_one_of(layers) + USE_MODEL,
    )


def _one_of(layers: Sequence[Layer]) -> str:
    """Name networks of which each chains alone, such as an actor and a critic; empty where there are none."""
    parts: dict[str, list[Layer]] = {}
    for layer in layers:
        parts.setdefault(layer.name.partition(".")[0], []).append(layer)
    alone = len(parts) > 1 and all(len(part) > 1 and _chains(part) for part in parts.values())
    return f"choose one network with --prefix ({_some([*parts])}), or " if alone else ""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")


# --------------------------------------------------------------------------- groups


def with_groups(layers: Sequence[Layer]) -> list[Layer] | None:
    """Give convolutions the groups with which they read all channels before them; None where they cannot."""
    found = list(layers[:1])
    for layer in layers[1:]:
        fitting = in_groups(layer, len(found[-1].weight)) if layer.is_convolution else layer
        if fitting is None or not _follows(found[-1], fitting):
            return None
        found.append(fitting)
    return found


def in_groups(layer: Layer, channels: int) -> Layer | None:
    """Let a convolution read so many channels, in groups where its weights say fewer; None where it cannot.

    Kernels of one position are not taken for grouped, except where each reads one channel: of a file's layers in
    a row, such a shape is far more often a branch, as the shortcut of a residual block.
    """
    nodes, own = layer.weight.shape[:2]
    groups = channels // own
    if groups == layer.groups and channels == layer.channels:
        return layer
    pointwise = own > 1 and max(layer.weight.shape[2:]) == 1
    if layer.groups > 1 or channels % own or nodes % groups or pointwise:  # stated groups stand
        return None
    return replace(layer, groups=groups)
