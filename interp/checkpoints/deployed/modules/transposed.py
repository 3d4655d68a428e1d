"""Transposed convolutions of a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from interp.checkpoints.formats.onnx.nodes import Node
from interp.checkpoints.formats.onnx.operations import read_node
from interp.checkpoints.graph.steps import Part, Step, UnknownOperation
from interp.checkpoints.graph.values import Stored
from interp.network.maps.windows import spread, turned


class _Spread(nn.Module):
    """Mixed into a convolution: its inputs are put apart by zeros, then padded or cut off on each side."""

    def __init__(self, apart: Sequence[int], sides: Sequence[tuple[int, int]], **settings: Any) -> None:
        super().__init__(**settings)
        self.apart = tuple(apart)
        self.sides = [side for pair in reversed(sides) for side in pair]  # the last axis first, as torch pads

    def forward(self, values: Tensor) -> Tensor:
        """Convolve inputs (B, C, *size) that are put apart."""
        made: Tensor = super().forward(F.pad(spread(values, self.apart), self.sides))
        return made


class SpreadConv1d(_Spread, nn.Conv1d):
    """A transposed convolution that torch's own cannot cut off as told, as the plain one that it is."""


class SpreadConv2d(_Spread, nn.Conv2d):
    """The same over two axes."""


class SpreadConv3d(_Spread, nn.Conv3d):
    """The same over three axes."""


TRANSPOSED: dict[str, type[nn.Module]] = {
    "ConvTranspose1d": nn.ConvTranspose1d, "ConvTranspose2d": nn.ConvTranspose2d, "ConvTranspose3d": nn.ConvTranspose3d,
    "SpreadConv1d": SpreadConv1d, "SpreadConv2d": SpreadConv2d, "SpreadConv3d": SpreadConv3d,
}  # fmt: skip
"""Name of a part -> class of the module."""


def transposed(node: Node) -> Step:
    """Read a transposed convolution; where torch's own does not cut it off as told, as a plain one.

    Parameters
    ----------
    node
        Node of kind ``ConvTranspose`` that states how much is cut off.

    Raises
    ------
    UnknownOperation
        If its weights are computed, or its outputs have a size of their own.
    """
    weight, bias, said = node.stored(1), node.stored(2), node.attributes
    space = 0 if weight is None else weight.dim() - 2
    if weight is None or space not in (1, 2, 3):
        raise UnknownOperation(f"a transposed convolution over {space} axes")
    if said.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or said.get("output_shape"):
        raise UnknownOperation("a transposed convolution of a size of its own")
    pads = said.get("pads", [0] * 2 * space) if said.get("auto_pad") != b"VALID" else [0] * 2 * space
    stride, apart = said.get("strides", [1] * space), said.get("dilations", [1] * space)
    extra = said.get("output_padding", [0] * space)
    groups = int(said.get("group", 1))
    settings = {
        "in_channels": weight.shape[0],
        "out_channels": weight.shape[1] * groups,
        "kernel_size": tuple(weight.shape[2:]),
        "dilation": tuple(apart),
        "groups": groups,
        "bias": bias is not None,
    }
    if pads[:space] == pads[space:] and all(more < max(*two) for more, *two in zip(extra, stride, apart, strict=True)):
        kind = f"ConvTranspose{space}d"
        settings |= {"stride": tuple(stride), "padding": tuple(pads[:space]), "output_padding": tuple(extra)}
    else:
        kind = f"SpreadConv{space}d"
        reach = [step * (size - 1) for step, size in zip(apart, weight.shape[2:], strict=True)]
        ends = zip(reach, pads[:space], pads[space:], extra, strict=True)
        settings |= {"apart": tuple(stride), "sides": [(far - a, far - b + more) for far, a, b, more in ends]}
    like = read_node(  # for the name alone
        node._replace(kind="MatMul", inputs=(node.inputs[0], Stored(node.inputs[1].name, weight.flatten(1))))
    )
    own = turned(weight, groups).contiguous() if kind.startswith("Spread") else weight
    tensors = {"weight": own} if bias is None else {"weight": own, "bias": bias}
    return Step(like.name, Part(kind, settings, tensors), (node.inputs[0].name,), node.output)
