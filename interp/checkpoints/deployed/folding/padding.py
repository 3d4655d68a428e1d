"""Convolutions that pad more on one side than on the other, written as a padding and a convolution without any."""

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
    found = installed()
    copied = type(node)()
    copied.CopyFrom(node)
    copied.input[0] = value
    kept = [one for one in node.attribute if one.name not in ("pads", "auto_pad")]
    del copied.attribute[:]
    copied.attribute.extend([*kept, *([found.onnx.helper.make_attribute("pads", pads)] if pads else [])])
    return copied
