"""Convolutions that pad more on one side than on the other, or whose padding depends on sizes, with it written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interp.checkpoints.deployed.folding.constants import set_constants
from interp.checkpoints.deployed.packages import installed
from interp.checkpoints.deployed.program import Program, attributes, first_of

PADS_AS_INPUT = 11
"""Version from which `Pad` reads how much is added as an input."""


def put_padding_apart(program: Program, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Write each convolution that torch's layers do not pad as two operations, so that the second is a layer.

    Transposed ones state how much is cut off, in place of a size.

    Parameters
    ----------
    program
        Program, which is changed.
    shapes
        Name of a value -> its lengths in one run, by which ``auto_pad`` tells how much is added.

    Returns
    -------
    dict
        Name of each padded value -> that of the value as it was.
    """
    nodes: list[Any] = []
    padded: dict[str, str] = {}
    for node in program.nodes:
        if node.op_type == "ConvTranspose":
            nodes.append(_cut_off(node, program, shapes))
            continue
        pads = _pads_of(node, program, shapes)
        half = len(pads) // 2
        if pads[:half] == pads[half:]:
            nodes.append(_padded_by(node, node.input[0], pads) if pads else node)
            continue
        name = f"{first_of(node.output)}__padded"
        nodes += [_padding(program, node.input[0], name, pads), _padded_by(node, name, [])]
        padded[name] = node.input[0]
    program.nodes = nodes
    return padded


def _pads_of(node: Any, program: Program, shapes: Mapping[str, tuple[int, ...]]) -> list[int]:
    """Give what a convolution adds before all axes and behind all; nothing for any other node."""
    named = node.op_type == "Conv" and node.domain in ("", "ai.onnx")
    if not named or node.input[1] not in program.constants or node.input[0] not in shapes:
        return []
    kernel = list(program.constants[node.input[1]].dims)[2:]
    sides = shapes[node.input[0]][2:]
    return _pads(attributes(node), kernel, sides)


def _pads(said: Mapping[str, Any], kernel: list[int], sides: tuple[int, ...]) -> list[int]:
    """Give the padding that attributes state; ``SAME`` gives as many outputs as inputs over the stride, rounded up."""
    automatic = said.get("auto_pad", b"NOTSET").decode()
    if not automatic.startswith("SAME"):
        pads: list[int] = said.get("pads", []) if automatic == "NOTSET" else []
        return pads or [0] * 2 * len(kernel)
    strides = said.get("strides", [1] * len(kernel))  # ONNX Runtime has no dilation with SAME
    total = [
        max((-(-side // stride) - 1) * stride + size - side, 0)
        for side, stride, size in zip(sides, strides, kernel, strict=True)
    ]
    less, more = [one // 2 for one in total], [one - one // 2 for one in total]
    return [*less, *more] if automatic == "SAME_UPPER" else [*more, *less]


def _cut_off(node: Any, program: Program, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """State how much a transposed convolution of a size of its own cuts off before and behind."""
    said = attributes(node)
    automatic = said.get("auto_pad", b"NOTSET")
    sizes = [shapes.get(name, ()) for name in (node.input[0], first_of(node.output))]
    is_sized = automatic.startswith(b"SAME") or said.get("output_shape")
    if not is_sized or node.input[1] not in program.constants or not all(sizes):
        return node
    kernel = list(program.constants[node.input[1]].dims)[2:]
    ones = [1] * len(kernel)
    each = zip(
        sizes[0][2:], sizes[1][2:], kernel, said.get("strides", ones), said.get("dilations", ones),
        said.get("output_padding", [0] * len(kernel)), strict=True,
    )  # fmt: skip
    total, extra = [], []
    for side, made, size, stride, apart, more in each:
        whole = (side - 1) * stride + 1 + apart * (size - 1) + more
        total.append(max(whole - made, 0))
        extra.append(more + max(made - whole, 0))  # what is asked for beyond lies behind
    less, rest = [one // 2 for one in total], [one - one // 2 for one in total]
    pads = [*less, *rest] if automatic == b"SAME_UPPER" else [*rest, *less]
    return _stating(node, {"pads": pads, "output_padding": extra}, ("pads", "auto_pad", "output_shape"))


def _padding(program: Program, value: str, name: str, pads: list[int]) -> Any:
    """Make a node that adds zeros to the axes of positions."""
    found = installed()
    half = len(pads) // 2
    every = [0, 0, *pads[:half], 0, 0, *pads[half:]]
    if program.version < PADS_AS_INPUT:
        return found.onnx.helper.make_node("Pad", [value], [name], pads=every)
    set_constants(program, {f"{name}__by": np.array(every, np.int64)})
    return found.onnx.helper.make_node("Pad", [value, f"{name}__by"], [name])


def _padded_by(node: Any, value: str, pads: list[int]) -> Any:
    """Copy a convolution that reads a value and adds zeros to it; none where nothing is told."""
    copied = _stating(node, {"pads": pads} if pads else {}, ("pads", "auto_pad"))
    copied.input[0] = value
    return copied


def _stating(node: Any, settings: Mapping[str, Any], without: tuple[str, ...]) -> Any:
    """Copy a node with some attributes, and without others."""
    make = installed().onnx.helper.make_attribute
    copied = type(node)()
    copied.CopyFrom(node)
    kept = [one for one in node.attribute if one.name not in (*without, *settings)]
    del copied.attribute[:]
    copied.attribute.extend([*kept, *(make(name, value) for name, value in settings.items())])
    return copied
